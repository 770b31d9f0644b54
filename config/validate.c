/*
 * config/validate.c - walks tree and schema side by side.
 *
 * Knows no setting by name; what a setting needs stands in its row.
 * Pure: opens nothing.
 */
#include "config/validate.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/pattern.h"
#include "config/pin.h"
#include "config/suggest.h"
#include "config/value.h"

#define TEXT_BYTES_MAX 4096

struct validation {
    struct stash *stash;
    struct diagnostics *d;
};

/* Says "path: text" at the node, which is refused by it. */
static void PRINTF_LIKE(5, 6) refuse(struct validation *v, struct node *node,
    enum code code, const char *hint, const char *format, ...)
{
    char path[TREE_PATH_BYTES], *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    require(vasprintf(&text, format, arguments) >= 0);
    va_end(arguments);
    node->refused = true;
    report(v->d, code, tree_mark(node), hint, "%s: %s", tree_path(node, path), text);
    free(text);
}

static const char *
did_you_mean(struct validation *v, const struct suggestion *s)
{
    return stash_print(v->stash, "did you mean '%s'?", s->best);
}

static void
refuse_quantity(struct validation *v, struct node *node, const struct setting *setting)
{
    bool is_size = setting->type == TYPE_SIZE;
    const char *hint = is_size ? "write for example 64KiB or 128MiB"
                               : "write for example 30s, 15m, 8h or 7d";

    if (strspn(node->text, "0123456789") == strlen(node->text))
        hint = stash_print(v->stash,
            is_size ? "add a unit: %sKiB, %sMiB or %sGiB"
                    : "add a unit: %ss, %sm or %sh",
            node->text, node->text, node->text);
    refuse(v, node, CODE_UNIT, hint, "'%s' is not a %s", node->text,
        is_size ? "size" : "duration");
}

static void
refuse_choice(struct validation *v, struct node *node, const struct setting *setting)
{
    const char *hint = stash_print(v->stash, "possible values: %s", setting->detail);
    struct bytes rest = bytes_of_string(setting->detail);
    struct suggestion s;

    if (schema_value_is_later(setting, node->text)) {
        refuse(v, node, CODE_LATER, hint, "'%s' is not available in this version",
            node->text);
        return;
    }
    suggest_begin(&s, node->text);
    while (rest.length > 0)
        suggest_consider(&s, stash_copy(v->stash, value_cut_word(&rest)));
    if (strncmp(setting->detail, "TLSv", 4) == 0 &&
        (strstr(node->text, "1.0") != NULL || strstr(node->text, "1.1") != NULL ||
            strstr(node->text, "SSL") != NULL))
        hint = "TLS 1.0, TLS 1.1 and SSL are not offered (RFC 8996); choose TLSv1.2 or "
               "TLSv1.3";
    else if (suggest_is_near(&s))
        hint = did_you_mean(v, &s);
    refuse(v, node, CODE_CHOICE, hint, "'%s' is not a possible value", node->text);
}

static void
refuse_range(struct validation *v, struct node *node, const struct setting *setting)
{
    char low[VALUE_PRINT_BYTES], high[VALUE_PRINT_BYTES];

    if (setting == schema_setting(SETTING_FILE_VERSION)) {
        refuse(v, node, CODE_VERSION, "write version: 1",
            "this program reads format 1, not %s", node->text);
        return;
    }
    refuse(v, node, CODE_RANGE,
        stash_print(v->stash, "from %s to %s",
            value_print(setting->type, setting->low, low),
            value_print(setting->type, setting->high, high)),
        "%s is out of range", node->text);
}

static void
validate_number(struct validation *v, struct node *node, const struct setting *setting)
{
    enum value_state state = value_read(setting, node->text, &node->number);

    if (state == VALUE_GOOD)
        return;
    if (state == VALUE_OUT_OF_RANGE)
        refuse_range(v, node, setting);
    else if (setting->type == TYPE_DURATION || setting->type == TYPE_SIZE)
        refuse_quantity(v, node, setting);
    else if (setting->type == TYPE_CHOICE)
        refuse_choice(v, node, setting);
    else
        refuse(v, node, CODE_TYPE, NULL, "expected %s, found '%s'",
            schema_type_text(setting->type), node->text);
}

static void
refuse_secret(struct validation *v, struct node *node, const char *hint)
{
    report_mask(v->d, node->mark, node->last_line);
    if (node->mark.line != node->key_mark.line && node->key != NULL)
        node->mark = node->key_mark; /* a block of text: point at its name */
    refuse(v, node, CODE_SECRET_INLINE, hint, "a secret must not stand in this file");
}

static void
validate_key(struct validation *v, struct node *node)
{
    const char *path, *hint = value_read_key(node->text, "", v->stash, &path);

    if (hint == NULL)
        return;
    if (strncmp(node->text, "file:", 5) == 0 ||
        strncmp(node->text, "credential:", 11) == 0)
        refuse(v, node, CODE_PLACE, hint, "'%s' is not the place of a key", node->text);
    else if (strncmp(node->text, "env:", 4) == 0)
        refuse(v, node, CODE_PLACE, hint,
            "a private key does not come from the environment, which other processes "
            "see");
    else if (node->text[0] == '/' && strchr(node->text, '\n') == NULL)
        refuse(v, node, CODE_PLACE, stash_print(v->stash, "write file:%s", node->text),
            "'%s' does not say that it is a file", node->text);
    else
        refuse_secret(v, node,
            "put it in a file and write credential:NAME (systemd LoadCredential=) or "
            "file:/path");
}

static void
validate_url(struct validation *v, struct node *node)
{
    struct value_url url;
    const char *hint = value_read_url(node->text, &url);

    if (hint == NULL)
        return;
    if (strchr(node->text, '@') != NULL)
        refuse_secret(v, node, hint);
    else
        refuse(v, node, CODE_URL, hint, "'%s' is not the URL of a server", node->text);
}

static void
validate_pin(struct validation *v, struct node *node)
{
    struct tls_pin pin;
    const char *hint = pin_read(node->text, &pin);

    if (hint != NULL)
        refuse(v, node, CODE_TYPE, hint, "'%s' is not a fingerprint", node->text);
}

static void
validate_target(struct validation *v, struct node *node, const struct setting *setting)
{
    if (strcmp(node->text, "stdout") == 0 || strncmp(node->text, "file:/", 6) == 0)
        return;
    if (schema_value_is_later(setting, node->text))
        refuse(v, node, CODE_LATER, "possible: stdout, file:/path",
            "'%s' is not available in this version", node->text);
    else
        refuse(v, node, CODE_PLACE, "write stdout or file:/path",
            "'%s' is not a target of the log", node->text);
}

static void
validate_file(struct validation *v, struct node *node)
{
    if (strncmp(node->text, "file:", 5) == 0)
        refuse(v, node, CODE_PLACE, "write the path alone; file: is for secrets",
            "'%s' is not a path", node->text);
}

static void
validate_account(struct validation *v, struct node *node)
{
    for (const char *c = node->text; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("_-.", *c) == NULL) {
            refuse(v, node, CODE_TYPE, NULL, "'%s' is not the name of an account",
                node->text);
            return;
        }
}

/* The name of a preset; whether there is one is another question. */
static void
validate_preset_name(struct validation *v, struct node *node)
{
    if (value_check_name(node->text) != NULL)
        refuse(v, node, CODE_CHOICE, value_check_name(node->text),
            "'%s' is not the name of an application", node->text);
}

static void
validate_pattern(struct validation *v, struct node *node, const struct setting *setting)
{
    const char *hint = pattern_check(setting->type, node->text);

    if (hint != NULL)
        refuse(v, node, CODE_TYPE, hint, "'%s' is not %s", node->text,
            schema_type_text(setting->type));
}

/* long: one row per type. A text whose setting takes one value. */
static void
validate_text(struct validation *v, struct node *node, const struct setting *setting)
{
    struct listen_address address;
    const char *hint;

    if (pattern_is_known(setting->type)) {
        validate_pattern(v, node, setting);
        return;
    }
    switch (setting->type) {
    case TYPE_NUMBER:
    case TYPE_FLAG:
    case TYPE_DURATION:
    case TYPE_SIZE:
    case TYPE_CHOICE:
        validate_number(v, node, setting);
        break;
    case TYPE_KEY:
        validate_key(v, node);
        break;
    case TYPE_URL:
        validate_url(v, node);
        break;
    case TYPE_PIN:
        validate_pin(v, node);
        break;
    case TYPE_TARGET:
        validate_target(v, node, setting);
        break;
    case TYPE_FILE:
    case TYPE_CERTIFICATE:
    case TYPE_PATTERN:
    case TYPE_FOLDER:
        validate_file(v, node);
        break;
    case TYPE_APPLICATION:
    case TYPE_NAME:
        validate_preset_name(v, node);
        break;
    case TYPE_ACCOUNT:
        validate_account(v, node);
        break;
    case TYPE_ADDRESS:
        hint = value_read_address(node->text, &address);
        if (hint != NULL)
            refuse(v, node, CODE_ADDRESS, hint, "'%s' is not an address to listen on",
                node->text);
        break;
    case TYPE_HOST:
        hint = value_check_host(node->text, setting->block == BLOCK_LISTENER);
        if (hint != NULL)
            refuse(v, node, CODE_HOST, hint, "'%s' is not a host name", node->text);
        break;
    case TYPE_CONDITION:
    case TYPE_VECTOR:
        refuse(v, node, CODE_KIND, NULL, "expected %s, found a value",
            schema_type_text(setting->type));
        break;
    case TYPE_REFERENCE:
    case TYPE_BLOCK:
    case TYPE_TEXT:
    case TYPE_LINE:
    case TYPE_BASE:
    case TYPE_GLOB:
    case TYPE_METHOD:
    case TYPE_FIELD:
    case TYPE_WORD:
    case TYPE_MEDIA_TYPE:
    case TYPE_EXTENSION:
    case TYPE_SHAPE:
    case TYPE_NETWORK:
    case TYPE_DATE:
        break;
    }
}

static void validate_block(struct validation *v, struct node *map, enum block_id block);

static const char *
found(const struct node *node)
{
    switch (node->kind) {
    case NODE_MAP:
        return "a block";
    case NODE_LIST:
        return "a list";
    case NODE_TEXT:
        return node->text[0] == '\0' ? "nothing" : "a value";
    }
    return "";
}

/* A parameter's value; a field that is switched off. */
static bool
may_be_empty(const struct setting *setting)
{
    return setting->type == TYPE_WORD || setting->type == TYPE_LINE;
}

static void
validate_value(struct validation *v, struct node *node, const struct setting *setting)
{
    enum block_id inner = schema_value_block(setting->type);

    node->setting = setting;
    if (node->refused)
        return;
    if (inner != BLOCK_NONE && node->kind == NODE_MAP) {
        validate_block(v, node, inner);
        return;
    }
    if (may_be_empty(setting) && node->quoted && node->text[0] == '\0')
        return;
    if (node->kind != NODE_TEXT || node->text[0] == '\0') {
        refuse(v, node, CODE_KIND, NULL, "expected %s, found %s",
            schema_type_text(setting->type), found(node));
        return;
    }
    if (strlen(node->text) > TEXT_BYTES_MAX && setting->type != TYPE_KEY) {
        refuse(v, node, CODE_TYPE, NULL, "the value is longer than %d bytes",
            TEXT_BYTES_MAX);
        return;
    }
    validate_text(v, node, setting);
}

static void
refuse_name(struct validation *v, struct node *entry, enum code code, const char *hint)
{
    entry->refused = true;
    report(v->d, code, entry->key_mark, hint, "'%s' cannot stand here", entry->key);
}

/* The operator's own key of an entry: a name, a host or a path prefix. */
static void
validate_name(struct validation *v, struct node *entry, enum keyed_by keyed)
{
    const char *hint = NULL;
    enum code code = CODE_TYPE;

    switch (keyed) {
    case KEYED_BY_ITSELF:
        break;
    case KEYED_BY_NAMES:
        hint = value_check_name(entry->key);
        break;
    case KEYED_BY_HOSTS:
        code = CODE_HOST;
        hint = value_check_host(entry->key, true);
        break;
    case KEYED_BY_PREFIXES:
        code = CODE_PREFIX;
        hint = value_check_prefix(entry->key);
        break;
    case KEYED_BY_RULES:
        hint = pattern_check_rule(entry->key);
        break;
    case KEYED_BY_PARAMETERS:
        hint = pattern_check(TYPE_WORD, entry->key);
        break;
    case KEYED_BY_MITIGATIONS:
        hint = pattern_check_mitigation(entry->key);
        break;
    }
    if (hint != NULL)
        refuse_name(v, entry, code, hint);
}

static void
validate_inner(struct validation *v, struct node *node, const struct setting *setting)
{
    node->setting = setting;
    if (node->refused)
        return;
    if (node->kind != NODE_MAP || (setting->required && node->first == NULL)) {
        refuse(v, node, CODE_KIND, NULL, "expected %s, found %s",
            setting->keyed == KEYED_BY_ITSELF ? "a block of settings"
                                              : "a block of named entries",
            node->first == NULL && node->kind == NODE_MAP ? "nothing" : found(node));
        return;
    }
    if (setting->keyed == KEYED_BY_ITSELF) {
        validate_block(v, node, setting->inner);
        return;
    }
    for (struct node *entry = node->first; entry != NULL; entry = entry->next) {
        validate_name(v, entry, setting->keyed);
        if (entry->kind == NODE_MAP)
            validate_block(v, entry, setting->inner);
        else if (!entry->refused)
            refuse(v, entry, CODE_KIND, NULL, "expected a block of settings, found %s",
                found(entry));
    }
}

/* Names of header fields are the same in upper and lower case. */
static void
refuse_same_field(struct validation *v, const struct node *map, struct node *entry)
{
    const struct node *first = map->first;

    while (strcasecmp(first->key, entry->key) != 0)
        first = first->next;
    if (first == entry)
        return;
    entry->refused = true;
    report(v->d, CODE_DUPLICATE, entry->key_mark,
        "upper and lower case are the same name", "'%s' stands twice in this block",
        entry->key);
    report_second_place(v->d, first->key_mark, "first given here");
}

static void
validate_values(struct validation *v, struct node *node, const struct setting *setting)
{
    if (!schema_takes_list(setting) || node->kind != NODE_LIST) {
        validate_value(v, node, setting);
        return;
    }
    node->setting = setting;
    if (node->first == NULL && !node->refused && setting->count != COUNT_ANY)
        refuse(v, node, CODE_KIND, NULL, "expected %s, found an empty list",
            schema_type_text(setting->type));
    for (struct node *value = node->first; value != NULL; value = value->next)
        validate_value(v, value, setting);
}

/* A value for each name of a header field, or values for each of a parameter. */
static void
validate_each(struct validation *v, struct node *node, const struct setting *setting)
{
    bool by_field = setting->count == COUNT_EACH;

    node->setting = setting;
    if (node->refused)
        return;
    if (node->kind != NODE_MAP) {
        refuse(v, node, CODE_KIND, "write {Name: value}",
            "expected %s with their values, found %s",
            by_field ? "header fields" : "parameters", found(node));
        return;
    }
    for (struct node *entry = node->first; entry != NULL; entry = entry->next) {
        const char *hint = by_field ? pattern_check_field(entry->key)
                                    : pattern_check_parameter(entry->key);

        if (hint != NULL)
            refuse_name(v, entry, CODE_TYPE, hint);
        else if (by_field && setting->type != TYPE_SIZE &&
            pattern_is_of_framing(entry->key))
            refuse_name(v, entry, CODE_NEVER,
                "postern writes it, since it says where a message or connection ends");
        else if (by_field)
            refuse_same_field(v, node, entry);
        validate_values(v, entry, setting);
    }
}

static void
validate_setting(struct validation *v, struct node *node, const struct setting *setting)
{
    if (setting->type == TYPE_BLOCK) {
        validate_inner(v, node, setting);
        return;
    }
    if (setting->count == COUNT_EACH || setting->count == COUNT_NAMED)
        validate_each(v, node, setting);
    else
        validate_values(v, node, setting);
}

static const char *
possible_here(struct validation *v, enum block_id block)
{
    const char *list = "possible here:";

    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *setting = schema_setting((enum setting_id)id);

        if (setting->block == block)
            list = stash_print(v->stash, "%s %s", list, setting->key);
    }
    return list;
}

/* Returns the setting that was probably meant, or NULL. */
static const struct setting *
refuse_unknown(struct validation *v, struct node *node, enum block_id block)
{
    char path[TREE_PATH_BYTES];
    const char *where = tree_path(node->parent, path), *hint;
    const struct setting *meant;
    struct suggestion s;

    node->refused = true;
    where = where[0] == '\0' ? "the file" : where;
    hint = schema_refusal(block, node->key);
    if (hint != NULL) {
        report(v->d, CODE_NEVER, node->key_mark, hint, "there is no setting '%s' in %s",
            node->key, where);
        return NULL;
    }
    if (schema_is_later(block, node->key)) {
        report(v->d, CODE_LATER, node->key_mark, "leave it out for now",
            "setting '%s' in %s is not available in this version", node->key, where);
        return NULL;
    }
    suggest_begin(&s, node->key);
    for (int id = 0; id < SETTING_COUNT; id++)
        if (schema_setting((enum setting_id)id)->block == block)
            suggest_consider(&s, schema_setting((enum setting_id)id)->key);
    meant = suggest_is_near(&s) ? schema_find(block, s.best) : NULL;
    if (meant != NULL && meant->type == TYPE_KEY && node->kind == NODE_TEXT)
        report_mask(v->d, node->mark,
            node->last_line); /* a misspelt key may hold one */
    report(v->d, CODE_UNKNOWN, node->key_mark,
        meant != NULL ? did_you_mean(v, &s) : possible_here(v, block),
        "unknown setting '%s' in %s", node->key, where);
    return meant;
}

static void
validate_block(struct validation *v, struct node *map, enum block_id block)
{
    bool seen[SETTING_COUNT] = { false };
    char path[TREE_PATH_BYTES];

    for (struct node *node = map->first; node != NULL; node = node->next) {
        const struct setting *setting = schema_find(block, node->key);

        if (setting == NULL)
            setting = node->setting = refuse_unknown(v, node, block);
        else
            validate_setting(v, node, setting);
        if (setting != NULL)
            seen[setting - schema_setting(0)] = true;
    }
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *setting = schema_setting((enum setting_id)id);

        if (setting->block != block || !setting->required || seen[id])
            continue;
        tree_path(map, path);
        report(v->d, CODE_MISSING, tree_mark(map),
            stash_print(v->stash, "it is %s", schema_type_text(setting->type)),
            "%s%s'%s' is missing", path, path[0] == '\0' ? "" : ": ", setting->key);
    }
}

void
validate(struct node *root, enum block_id block, struct stash *stash,
    struct diagnostics *d)
{
    struct validation v = { stash, d };

    validate_block(&v, root, block);
}
