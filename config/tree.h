/*
 * config/tree.h - what a file says, each piece with its place.
 *
 * Built by config/yaml.c, marked by config/validate.c, read by the checks and the
 * snapshot. All of it lives in one stash.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/schema.h"
#include "config/source.h"

enum node_kind { NODE_TEXT, NODE_MAP, NODE_LIST };

struct node {
    enum node_kind kind;
    const char *key;  /* of an entry of a map; NULL in a list and for the root */
    const char *text; /* NODE_TEXT: NUL-terminated, never NULL */
    struct mark key_mark;
    struct mark mark;   /* of the text; of a map or list where it begins */
    unsigned last_line; /* where the text ends */
    bool quoted;        /* the text stands in quotes or is a text block */
    bool refused;       /* a message was given: one mistake is one message */
    /* What it is or was meant to be; NULL: an entry under a name. */
    const struct setting *setting;
    uint64_t number; /* of what is countable: choice's index, flag, ms, bytes */
    struct node *parent, *first, *last, *next;
    const struct node *resolved; /* of a host's application: with all that it extends */
};

void tree_append(struct node *parent, struct node *child);

/* The entry `key` of a map; NULL also when `map` is NULL or no map. */
struct node *tree_entry(const struct node *map, const char *key);

/*
 * The settings of a validated block. `block` may be NULL: then there is none.
 * tree_good is NULL too when the setting was refused.
 */
const struct node *tree_setting(const struct node *block, enum setting_id id);
const struct node *tree_good(const struct node *block, enum setting_id id);

/* The entry that is, or was probably meant to be, this setting: a slip that has its message. */
const struct node *tree_meant(const struct node *block, enum setting_id id);

/* The values of a setting that takes one or a list; loop until NULL. Refused ones are left out. */
const struct node *tree_first_value(const struct node *setting);
const struct node *tree_next_value(const struct node *value);

/* The value in effect: what is written and good, else the schema's default. */
uint64_t tree_number(const struct node *block, enum setting_id id);
/* The written text, NULL when there is none. */
const char *tree_text(const struct node *block, enum setting_id id);

/*
 * A map of two, for what extends another: `over` replaces values, lists and what stands
 * under a name; blocks are merged. What only `over` has stands in front. Neither changes;
 * the pieces go on pointing to their files.
 */
const struct node *
tree_merge(const struct node *base, const struct node *over, struct stash *stash);

/* Where a message about the node points: its text, or the key of a block. */
struct mark tree_mark(const struct node *node);

#define TREE_PATH_BYTES 400

/* "listeners.public.address", without places in lists; cut when too long. Returns `path`. */
const char *tree_path(const struct node *node, char path[TREE_PATH_BYTES]);

#endif
