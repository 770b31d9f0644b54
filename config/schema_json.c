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
#define TOKEN "[A-Za-z0-9!#$%&'+.^_`|~-]+"
#define LINE "[^\\x00-\\x1f\\x7f]"
#define PARAMETER "[^\\x00-\\x1f\\x7f*]+"
#define STARRED PARAMETER "\\*?"

static void
print_pattern(const char *pattern, FILE *to)
{
    fputs("\"type\":\"string\",\"pattern\":", to);
    json_text(pattern, to);
}

static void print_block(enum block_id block, FILE *to);
static void print_members(enum block_id block, FILE *to);

/* The types whose values one pattern describes; the others are NULL. */
static const char *const patterns[] = {
    [TYPE_DURATION] = "^[0-9]{1,12}(ms|s|m|h|d)$",
    [TYPE_SIZE] = "^[0-9]{1,12}(B|KiB|MiB|GiB)$",
    [TYPE_KEY] = "^(file:.|credential:[^/.])",
    [TYPE_URL] = "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+/?$",
    [TYPE_PIN] = "^sha256/([A-Za-z0-9+/]{43}=|([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2})$",
    [TYPE_ADDRESS] = "^(\\*|[0-9.]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$",
    [TYPE_HOST] = "^" HOST "$",
    [TYPE_TARGET] = "^(stdout|file:/.*)$",
    [TYPE_ACCOUNT] = "^[A-Za-z0-9_.-]+$",
    [TYPE_FILE] = "^(?!file:).",
    [TYPE_PATTERN] = "^(?!file:).",
    [TYPE_FOLDER] = "^(?!file:).",
    [TYPE_REFERENCE] = "^" NAME "$",
    [TYPE_NAME] = "^" NAME "$",
    [TYPE_TEXT] = "^" LINE "+$",
    [TYPE_LINE] = "^" LINE "*$",
    [TYPE_BASE] = "^(/|" PREFIX ")$",
    [TYPE_GLOB] = "^(?!.*/\\*\\*/\\*\\*)(/(\\*\\*|([^/*%?#\\\\\\x00-\\x1f\\x7f]|"
                  "\\*(?!\\*))*))+$",
    [TYPE_METHOD] = "^[A-Z_-]+$",
    [TYPE_FIELD] = "^" TOKEN "\\*?$",
    [TYPE_WORD] = "^(" STARRED ")?$",
    [TYPE_MEDIA_TYPE] = "^(absent|" TOKEN "/(" TOKEN "\\*?|\\*))$",
    [TYPE_EXTENSION] = "^\\.[A-Za-z0-9_~-]*$",
    [TYPE_SHAPE] = "^\\[([^\\]\\\\]|\\\\[]\\\\-])+\\]\\{[0-9]+(,[0-9]+)?\\}$",
    [TYPE_NETWORK] = "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$",
    [TYPE_DATE] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
};

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

/* A value, or the block that may stand in its place. */
static void
print_alternatives(const char *pattern, enum block_id block, FILE *to)
{
    fputs("\"anyOf\":[{", to);
    print_pattern(pattern, to);
    fputs("},", to);
    print_block(block, to);
    putc(']', to);
}

/* The members that describe one value, without braces. */
static void
print_type(const struct setting *setting, FILE *to)
{
    if (setting->type == TYPE_NUMBER)
        fprintf(to, "\"type\":\"integer\",\"minimum\":%llu,\"maximum\":%llu",
            (unsigned long long)setting->low, (unsigned long long)setting->high);
    else if (setting->type == TYPE_FLAG)
        fputs("\"type\":\"boolean\"", to);
    else if (setting->type == TYPE_CHOICE)
        print_choices(setting, to);
    else if (setting->type == TYPE_CERTIFICATE)
        print_alternatives(patterns[TYPE_FILE], BLOCK_PAIR, to);
    else if (setting->type == TYPE_APPLICATION)
        print_alternatives(patterns[TYPE_NAME], BLOCK_APPLICATION, to);
    else if (schema_value_block(setting->type) != BLOCK_NONE)
        print_members(schema_value_block(setting->type), to);
    else
        print_pattern(patterns[setting->type], to);
}

/* The keys of a block whose entries have names. */
static const char *
pattern_of_keys(enum keyed_by keyed)
{
    switch (keyed) {
    case KEYED_BY_ITSELF:
        break;
    case KEYED_BY_NAMES:
        return "^" NAME "$";
    case KEYED_BY_HOSTS:
        return "^" HOST "$";
    case KEYED_BY_PREFIXES:
        return "^" PREFIX "$";
    case KEYED_BY_RULES:
        return "^[A-Z]{2}[0-9]{3}[a-z]?$";
    case KEYED_BY_PARAMETERS:
        return "^" STARRED "$";
    case KEYED_BY_MITIGATIONS:
        return "^PM-[A-Za-z0-9-]+$";
    }
    return "";
}

static void
print_inner(const struct setting *setting, FILE *to)
{
    if (setting->keyed == KEYED_BY_ITSELF) {
        print_block(setting->inner, to);
        return;
    }
    fputs("{\"patternProperties\":{", to);
    json_text(pattern_of_keys(setting->keyed), to);
    putc(':', to);
    print_block(setting->inner, to);
    fputs("},\"type\":\"object\",\"additionalProperties\":false", to);
    if (setting->required)
        fputs(",\"minProperties\":1", to);
    fputs(",\"description\":", to);
    json_text(setting->text, to);
    putc('}', to);
}

/* One value, or where it may be a list that. */
static void
print_values(const struct setting *setting, FILE *to)
{
    if (!schema_takes_list(setting)) {
        print_type(setting, to);
        return;
    }
    fputs("\"anyOf\":[{", to);
    print_type(setting, to);
    fprintf(to, "},{\"type\":\"array\",\"minItems\":%d,\"items\":{",
        setting->count != COUNT_ANY);
    print_type(setting, to);
    fputs("}}]", to);
}

static void
print_map(const char *keys, const struct setting *setting, FILE *to)
{
    fputs("\"type\":\"object\",\"additionalProperties\":false,"
          "\"patternProperties\":{",
        to);
    json_text(keys, to);
    fputs(":{", to);
    print_values(setting, to);
    fputs("}}", to);
}

static void
print_setting(const struct setting *setting, FILE *to)
{
    if (setting->type == TYPE_BLOCK) {
        print_inner(setting, to);
        return;
    }
    putc('{', to);
    if (setting->count == COUNT_EACH)
        print_map("^" TOKEN "$", setting, to);
    else if (setting->count == COUNT_NAMED)
        print_map("^" PARAMETER "$", setting, to);
    else
        print_values(setting, to);
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
