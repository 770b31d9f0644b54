/*
 * config/preset.h - the applications that published hosts name: found, read, extended.
 */
#ifndef CONFIG_PRESET_H
#define CONFIG_PRESET_H

#include "config/include.h"
#include "config/report.h"
#include "config/tree.h"

struct preset {
    const char *name;
    const struct preset *base;   /* what it extends; NULL: nothing */
    const struct node *root;     /* what its own file says; NULL: nothing */
    const struct node *resolved; /* with all that it extends; NULL after a message */
    bool is_being_read;
    struct preset *next;
};

struct presets {
    struct source_list *list;
    struct stash *stash;
    struct diagnostics *d;
    const char
        *folder; /* NULL: nothing is opened, what is not in `list` is not there */
    struct preset *first;
    int64_t now; /* seconds since 1970, when dates are checked */
};

/*
 * Resolves the application of every published host of `root`, a validated tree: its
 * node's `resolved` is set unless there was a message. Files are appended to the list.
 * `any` is there without a file, too.
 */
void presets_resolve(struct presets *presets, const struct node *root);

/* Says which of the report-only dates have passed at `now`, or are far away. */
void presets_check_dates(struct presets *presets, const struct node *root, int64_t now);

/* The preset of that name, read if need be; NULL after a message about `place`. */
const struct preset *
presets_find(struct presets *presets, const char *name, const struct node *place);

/* The preset that a host's application names or extends; NULL when it was not found. */
const struct preset *
presets_of(const struct presets *presets, const struct node *application);

/* The names that could be found, sorted; the array is the stash's. */
unsigned presets_list(const struct presets *presets, const char *const **names);

/*
 * Reads the mitigations from `file`, or from the list when that is NULL. `place`, if not
 * NULL, is the setting that names the file: then it must be there; it must also when a
 * preset other than `any` was read. The validated tree, NULL when there is none.
 */
const struct node *presets_read_mitigations(struct presets *presets, const char *file,
    const struct node *place);

#endif
