/*
 * config/schema.c - config/schema.def as arrays, and looking things up in them.
 *
 * Knows no values and no files; the tables are constant.
 */
#include "config/schema.h"

#include <stddef.h>
#include <string.h>

#define NEED_MUST true
#define NEED_MAY false
#define ON_RELOAD false
#define ON_RESTART true

#define LATER(...)
#define LATER_VALUE(...)
#define REFUSED(...)
#define BLOCK(symbol, parent, name, by, need, doc)                                     \
    { .block = BLOCK_##parent,                                                         \
        .key = name,                                                                   \
        .type = TYPE_BLOCK,                                                            \
        .required = NEED_##need,                                                       \
        .inner = BLOCK_##symbol,                                                       \
        .keyed = KEYED_BY_##by,                                                        \
        .text = doc },
#define SETTING(symbol, parent, name, kind, many, need, value, from, to, more, when,   \
    doc)                                                                               \
    { .block = BLOCK_##parent,                                                         \
        .key = name,                                                                   \
        .type = TYPE_##kind,                                                           \
        .count = COUNT_##many,                                                         \
        .required = NEED_##need,                                                       \
        .initial = value,                                                              \
        .low = from,                                                                   \
        .high = to,                                                                    \
        .detail = more,                                                                \
        .needs_restart = ON_##when,                                                    \
        .text = doc },
static const struct setting settings[SETTING_COUNT] = {
#include "config/schema.def"
};
#undef BLOCK
#undef SETTING
#undef LATER
#undef LATER_VALUE
#undef REFUSED

#define BLOCK(...)
#define SETTING(...)
#define LATER_VALUE(...)
#define REFUSED(...)
#define LATER(parent, name) { BLOCK_##parent, name },
static const struct setting_later laters[] = {
#include "config/schema.def"
};
#undef LATER
#undef LATER_VALUE

#define LATER(...)
#define LATER_VALUE(symbol, word) { SETTING_##symbol, word },
static const struct value_later value_laters[] = {
#include "config/schema.def"
};
#undef LATER_VALUE
#undef REFUSED

#define LATER_VALUE(...)
#define REFUSED(parent, name, why) { BLOCK_##parent, name, why },
static const struct setting_refused refusals[] = {
#include "config/schema.def"
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const struct setting *
schema_setting(enum setting_id id)
{
    return &settings[id];
}

const struct setting *
schema_find(enum block_id block, const char *key)
{
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        if (settings[i].block == block && strcmp(settings[i].key, key) == 0)
            return &settings[i];
    return NULL;
}

const struct setting *
schema_block(enum block_id block)
{
    for (size_t i = 0; i < COUNT_OF(settings); i++)
        if (settings[i].type == TYPE_BLOCK && settings[i].inner == block)
            return &settings[i];
    return NULL;
}

enum block_id
schema_value_block(enum setting_type type)
{
    if (type == TYPE_CERTIFICATE)
        return BLOCK_PAIR;
    if (type == TYPE_APPLICATION)
        return BLOCK_APPLICATION;
    if (type == TYPE_CONDITION)
        return BLOCK_CONDITION;
    return type == TYPE_VECTOR ? BLOCK_VECTOR : BLOCK_NONE;
}

bool
schema_takes_list(const struct setting *setting)
{
    return setting->count == COUNT_SOME || setting->count == COUNT_ANY ||
        setting->count == COUNT_NAMED;
}

bool
schema_is_later(enum block_id block, const char *key)
{
    for (size_t i = 0; i < COUNT_OF(laters); i++)
        if (laters[i].block == block && strcmp(laters[i].key, key) == 0)
            return true;
    return false;
}

bool
schema_value_is_later(const struct setting *setting, const char *value)
{
    for (size_t i = 0; i < COUNT_OF(value_laters); i++) {
        const char *word = value_laters[i].value;
        size_t length = strlen(word);

        if (setting != &settings[value_laters[i].setting])
            continue;
        if (word[length - 1] == ':' ? strncmp(value, word, length) == 0
                                    : strcmp(value, word) == 0)
            return true;
    }
    return false;
}

const char *
schema_refusal(enum block_id block, const char *key)
{
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        if (refusals[i].block == block && strcmp(refusals[i].key, key) == 0)
            return refusals[i].hint;
    return NULL;
}

bool
schema_has_value(const struct setting *setting)
{
    return setting->initial != NULL && setting->initial[0] != '(';
}

const char *
schema_type_name(enum setting_type type)
{
    static const char *const names[] = {
        [TYPE_BLOCK] = "block",
        [TYPE_NUMBER] = "number",
        [TYPE_FLAG] = "true or false",
        [TYPE_DURATION] = "duration",
        [TYPE_SIZE] = "size",
        [TYPE_CHOICE] = "word",
        [TYPE_FILE] = "file",
        [TYPE_PATTERN] = "file or pattern",
        [TYPE_KEY] = "place of a key",
        [TYPE_CERTIFICATE] = "file, or pair",
        [TYPE_URL] = "URL",
        [TYPE_PIN] = "fingerprint",
        [TYPE_ADDRESS] = "address",
        [TYPE_REFERENCE] = "name",
        [TYPE_HOST] = "host name",
        [TYPE_ACCOUNT] = "account",
        [TYPE_TARGET] = "target",
        [TYPE_FOLDER] = "folder",
        [TYPE_APPLICATION] = "name, or block",
        [TYPE_NAME] = "name",
        [TYPE_CONDITION] = "block",
        [TYPE_VECTOR] = "block",
        [TYPE_TEXT] = "text",
        [TYPE_LINE] = "text",
        [TYPE_BASE] = "path prefix",
        [TYPE_GLOB] = "path",
        [TYPE_METHOD] = "method",
        [TYPE_FIELD] = "header field",
        [TYPE_WORD] = "text",
        [TYPE_MEDIA_TYPE] = "media type",
        [TYPE_EXTENSION] = "extension",
        [TYPE_SHAPE] = "shape",
        [TYPE_NETWORK] = "network",
        [TYPE_DATE] = "date",
    };

    return names[type];
}

const char *
schema_type_text(enum setting_type type)
{
    static const char *const texts[] = {
        [TYPE_BLOCK] = "a block of settings",
        [TYPE_NUMBER] = "a whole number",
        [TYPE_FLAG] = "true or false",
        [TYPE_DURATION] = "a duration such as 30s, 15m or 8h",
        [TYPE_SIZE] = "a size such as 64KiB or 128MiB",
        [TYPE_CHOICE] = "one word",
        [TYPE_FILE] = "a file",
        [TYPE_PATTERN] = "a file or a pattern such as conf.d/*.yaml",
        [TYPE_KEY] = "the place of a private key",
        [TYPE_CERTIFICATE] = "a certificate's file",
        [TYPE_URL] = "a URL such as https://mail.corp.example",
        [TYPE_PIN] = "a fingerprint such as sha256/BASE64",
        [TYPE_ADDRESS] = "an address such as \"*:443\"",
        [TYPE_REFERENCE] = "the name of an entry",
        [TYPE_HOST] = "a host name",
        [TYPE_ACCOUNT] = "an account",
        [TYPE_TARGET] = "a target such as stdout or file:/path",
        [TYPE_FOLDER] = "a folder",
        [TYPE_APPLICATION] = "the name of an application, or a block that extends one",
        [TYPE_NAME] = "the name of an application",
        [TYPE_CONDITION] = "a block such as {part: path, test: contains, text: x}",
        [TYPE_VECTOR] = "a block such as {method: GET, url: /x}",
        [TYPE_TEXT] = "a line of text",
        [TYPE_LINE] = "a line of text",
        [TYPE_WORD] = "a line of text",
        [TYPE_BASE] = "a path such as /webmail",
        [TYPE_GLOB] = "a path such as /mail/**",
        [TYPE_METHOD] = "a method such as GET",
        [TYPE_FIELD] = "the name of a header field",
        [TYPE_MEDIA_TYPE] = "a media type such as text/xml",
        [TYPE_EXTENSION] = "a file name extension such as .exe",
        [TYPE_SHAPE] = "a shape such as \"[A-Za-z0-9]{1,64}\"",
        [TYPE_NETWORK] = "a network such as 10.0.0.0/8",
        [TYPE_DATE] = "a date such as 2026-12-31",
    };

    return texts[type];
}
