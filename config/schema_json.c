/*
 * config/schema_json.c - one JSON Schema from the rows of schema.def.
 *
 * It says what a row says: names, types, ranges. References, files and what two
 * settings mean together are beyond JSON Schema and stay with `postern check`.
 */
#include "config/schema_json.h"

#include <stdbool.h>
#include <string.h>

#include "config/json_text.h"
#include "config/value.h"

#define LABEL "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
#define HOST "(\\*\\.)?" LABEL "(\\." LABEL ")*"
#define PREFIX "/[^\\s%?#\\\\\"<>*]*[^\\s%?#\\\\\"<>*/]"
#define NAME "[A-Za-z0-9_-]+"

static void
print_pattern(const char *pattern, FILE *to)
{
    fputs("\"type\":\"string\",\"pattern\":", to);
    json_text(pattern, to);
}

static void print_block(enum block_id block, FILE *to);

static void
print_choices(const struct setting *setting, FILE *to)
{
    struct bytes rest = bytes_of_string(setting->detail);
    const char *comma = "";

    fputs("\"enum\":[", to);
    while (rest.length > 0) {
        struct bytes word = value_cut_word(&rest);

        fprintf(to, "%s\"%.*s\"", comma, BYTES_ARG(word));
        comma = ",";
    }
    putc(']', to);
}

/* The members that describe one value, without braces. */
static void
print_type(const struct setting *setting, FILE *to)
{
    switch (setting->type) {
    case TYPE_NUMBER:
        fprintf(to, "\"type\":\"integer\",\"minimum\":%llu,\"maximum\":%llu",
            (unsigned long long)setting->low, (unsigned long long)setting->high);
        break;
    case TYPE_FLAG:
        fputs("\"type\":\"boolean\"", to);
        break;
    case TYPE_DURATION:
        print_pattern("^[0-9]{1,12}(ms|s|m|h|d)$", to);
        break;
    case TYPE_SIZE:
        print_pattern("^[0-9]{1,12}(B|KiB|MiB|GiB)$", to);
        break;
    case TYPE_CHOICE:
        print_choices(setting, to);
        break;
    case TYPE_KEY:
        print_pattern("^(file:.|credential:[^/.])", to);
        break;
    case TYPE_URL:
        print_pattern("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+/?$", to);
        break;
    case TYPE_ADDRESS:
        print_pattern("^(\\*|[0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$", to);
        break;
    case TYPE_HOST:
        print_pattern("^" HOST "$", to);
        break;
    case TYPE_TARGET:
        print_pattern("^(stdout|file:/.*)$", to);
        break;
    case TYPE_ACCOUNT:
        print_pattern("^[A-Za-z0-9_.-]+$", to);
        break;
    case TYPE_FILE:
    case TYPE_PATTERN:
        print_pattern("^(?!file:).", to);
        break;
    case TYPE_CERTIFICATE:
        fputs("\"anyOf\":[{", to);
        print_pattern("^(?!file:).", to);
        fputs("},", to);
        print_block(BLOCK_PAIR, to);
        putc(']', to);
        break;
    case TYPE_REFERENCE:
        print_pattern("^" NAME "$", to);
        break;
    case TYPE_BLOCK:
        break;
    }
}

static void
print_inner(const struct setting *setting, FILE *to)
{
    switch (setting->keyed) {
    case KEYED_BY_ITSELF:
        print_block(setting->inner, to);
        return;
    case KEYED_BY_NAMES:
        fputs("{\"patternProperties\":{\"^" NAME "$\":", to);
        break;
    case KEYED_BY_HOSTS:
        fputs("{\"patternProperties\":{", to);
        json_text("^" HOST "$", to);
        putc(':', to);
        break;
    case KEYED_BY_PREFIXES:
        fputs("{\"patternProperties\":{", to);
        json_text("^" PREFIX "$", to);
        putc(':', to);
        break;
    }
    print_block(setting->inner, to);
    fputs("},\"type\":\"object\",\"additionalProperties\":false", to);
    if (setting->required)
        fputs(",\"minProperties\":1", to);
    fputs(",\"description\":", to);
    json_text(setting->text, to);
    putc('}', to);
}

static void
print_setting(const struct setting *setting, FILE *to)
{
    if (setting->type == TYPE_BLOCK) {
        print_inner(setting, to);
        return;
    }
    putc('{', to);
    if (setting->list) {
        fputs("\"anyOf\":[{", to);
        print_type(setting, to);
        fputs("},{\"type\":\"array\",\"minItems\":1,\"items\":{", to);
        print_type(setting, to);
        fputs("}}]", to);
    } else {
        print_type(setting, to);
    }
    if (setting->initial != NULL) {
        /* Defaults are text here as in the table; a number without quotes would be wrong for some. */
        fputs(",\"default\":", to);
        json_text(setting->initial, to);
    }
    fputs(",\"description\":", to);
    json_text(setting->text, to);
    putc('}', to);
}

/* What has to stand in a block. In the main file an include may bring the rest. */
static void
print_required(enum block_id block, FILE *to)
{
    const char *comma = "";

    fputs(",\"required\":[", to);
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *setting = schema_setting((enum setting_id)id);

        if (setting->block != block || !setting->required ||
            (block == BLOCK_FILE && setting->type == TYPE_BLOCK))
            continue;
        fprintf(to, "%s\"%s\"", comma, setting->key);
        comma = ",";
    }
    putc(']', to);
    if (block == BLOCK_FILE)
        fputs(",\"anyOf\":[{\"required\":[\"listeners\",\"upstreams\"]},{\"required\":["
              "\"include\"]}]",
            to);
}

/* The members of a block's schema, without braces. */
static void
print_members(enum block_id block, FILE *to)
{
    const char *comma = "";

    fputs("\"type\":\"object\",\"additionalProperties\":false,\"description\":", to);
    json_text(schema_block(block)->text, to);
    fputs(",\"properties\":{", to);
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *setting = schema_setting((enum setting_id)id);

        if (setting->block != block)
            continue;
        fprintf(to, "%s\n\"%s\":", comma, setting->key);
        print_setting(setting, to);
        comma = ",";
    }
    putc('}', to);
    print_required(block, to);
}

static void
print_block(enum block_id block, FILE *to)
{
    putc('{', to);
    print_members(block, to);
    putc('}', to);
}

void
schema_print_json(FILE *to)
{
    fputs("{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
          "\"title\":\"postern.yaml\",",
        to);
    print_members(BLOCK_FILE, to);
    fputs("}\n", to);
}
