/*
 * config/schema.h - the settings as a table (config/schema.def), for all who walk it.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#define SETTING(...)
#define LATER(...)
#define LATER_VALUE(...)
#define REFUSED(...)
#define BLOCK(symbol, ...) BLOCK_##symbol,
enum block_id {
    BLOCK_NONE,
#include "config/schema.def"
    BLOCK_COUNT
};
#undef BLOCK
#undef SETTING

/* A block is itself a setting of its parent: SETTING_LISTENER_BLOCK is `listeners`. */
#define BLOCK(symbol, ...) SETTING_##symbol##_BLOCK,
#define SETTING(symbol, ...) SETTING_##symbol,
enum setting_id {
#include "config/schema.def"
    SETTING_COUNT
};
#undef BLOCK
#undef SETTING
#undef LATER
#undef LATER_VALUE
#undef REFUSED

enum setting_type {
    TYPE_BLOCK,
    TYPE_NUMBER,
    TYPE_FLAG,
    TYPE_DURATION,
    TYPE_SIZE,
    TYPE_CHOICE,
    TYPE_FILE,
    TYPE_PATTERN,     /* file name with * and ? */
    TYPE_KEY,         /* where a private key lies, never the key */
    TYPE_CERTIFICATE, /* a file, or a block of BLOCK_PAIR */
    TYPE_URL,
    TYPE_PIN, /* config/pin.h */
    TYPE_ADDRESS,
    TYPE_REFERENCE,
    TYPE_HOST,
    TYPE_ACCOUNT,
    TYPE_TARGET, /* of the log */
    TYPE_FOLDER,
    TYPE_APPLICATION, /* a preset's name, or a block of BLOCK_APPLICATION */
    TYPE_NAME,        /* of a preset */
    TYPE_CONDITION,   /* always a block */
    TYPE_VECTOR,      /* always a block */
    /* What follows is read by config/pattern.h. */
    TYPE_TEXT, /* one line */
    TYPE_LINE, /* one line, which may be empty in quotes */
    TYPE_BASE, /* "/" or a path prefix */
    TYPE_GLOB, /* of paths */
    TYPE_METHOD,
    TYPE_FIELD, /* name of a header field, with '*' at the end or without */
    TYPE_WORD,  /* the same for any text */
    TYPE_MEDIA_TYPE,
    TYPE_EXTENSION,
    TYPE_SHAPE,
    TYPE_NETWORK,
    TYPE_DATE,
};

enum setting_count {
    COUNT_ONE,
    COUNT_SOME,  /* one or a list */
    COUNT_ANY,   /* the same, and the list may be empty */
    COUNT_EACH,  /* a map from names of header fields to values */
    COUNT_NAMED, /* a map from names of parameters to one value or a list */
};

/* What the keys of a block are. */
enum keyed_by {
    KEYED_BY_ITSELF, /* no keys of the operator's: one fixed block */
    KEYED_BY_NAMES,
    KEYED_BY_HOSTS,
    KEYED_BY_PREFIXES,
    KEYED_BY_RULES,
    KEYED_BY_PARAMETERS,
    KEYED_BY_MITIGATIONS,
};

struct setting {
    enum block_id block; /* where it stands */
    const char *key;
    enum setting_type type;
    enum setting_count count;
    bool required;
    const char *initial; /* the default as written, "(words)", or NULL when required */
    uint64_t low, high;  /* of TYPE_NUMBER, _DURATION (ms), _SIZE (bytes) */
    const char *detail;  /* choices with blanks between, or the block referred to */
    bool needs_restart;  /* a reload does not change it */
    enum block_id inner; /* of TYPE_BLOCK */
    enum keyed_by keyed;
    const char *text; /* documentation, Markdown */
};

/* A setting that this version knows by name only. */
struct setting_later {
    enum block_id block;
    const char *key;
};

struct value_later {
    enum setting_id setting;
    const char *value;
};

struct setting_refused {
    enum block_id block;
    const char *key, *hint;
};

const struct setting *schema_setting(enum setting_id id);

/* The setting `key` of `block`, NULL when there is none. */
const struct setting *schema_find(enum block_id block, const char *key);

/* The row by which `block` stands in its parent. */
const struct setting *schema_block(enum block_id block);

/* The block that may stand in place of a value of this type, BLOCK_NONE for most. */
enum block_id schema_value_block(enum setting_type type);

/* True when a list of values is accepted beside one, of COUNT_NAMED under each name. */
bool schema_takes_list(const struct setting *setting);

/* True when a later version will know it. For a value: also when it begins with a row's "word:". */
bool schema_is_later(enum block_id block, const char *key);
bool schema_value_is_later(const struct setting *setting, const char *value);

/* The hint for a setting that will never be, NULL otherwise. */
const char *schema_refusal(enum block_id block, const char *key);

/* True when the default is a value, not words. */
bool schema_has_value(const struct setting *setting);

/* What values of this type are called in tables: "duration". */
const char *schema_type_name(enum setting_type type);

/* What values of this type are called in messages: "a duration such as 30s, 15m or 8h". */
const char *schema_type_text(enum setting_type type);

#endif
