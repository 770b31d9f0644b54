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
#define COUNT_ONE false
#define COUNT_SOME true
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
        .list = COUNT_##many,                                                          \
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
        [TYPE_ADDRESS] = "address",
        [TYPE_REFERENCE] = "name",
        [TYPE_HOST] = "host name",
        [TYPE_ACCOUNT] = "account",
        [TYPE_TARGET] = "target",
    };

    return names[type];
}

const char *
schema_type_text(enum setting_type type)
{
    switch (type) {
    case TYPE_BLOCK:
        return "a block of settings";
    case TYPE_NUMBER:
        return "a whole number";
    case TYPE_FLAG:
        return "true or false";
    case TYPE_DURATION:
        return "a duration such as 30s, 15m or 8h";
    case TYPE_SIZE:
        return "a size such as 64KiB or 128MiB";
    case TYPE_CHOICE:
        return "one word";
    case TYPE_FILE:
        return "a file";
    case TYPE_PATTERN:
        return "a file or a pattern such as conf.d/*.yaml";
    case TYPE_KEY:
        return "the place of a private key";
    case TYPE_CERTIFICATE:
        return "a certificate's file";
    case TYPE_URL:
        return "a URL such as https://mail.corp.example";
    case TYPE_ADDRESS:
        return "an address such as \"*:443\"";
    case TYPE_REFERENCE:
        return "the name of an entry";
    case TYPE_HOST:
        return "a host name";
    case TYPE_ACCOUNT:
        return "an account";
    case TYPE_TARGET:
        return "a target such as stdout or file:/path";
    }
    return "";
}
