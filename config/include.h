/*
 * config/include.h - the main file and what it includes, merged into one tree.
 */
#ifndef CONFIG_INCLUDE_H
#define CONFIG_INCLUDE_H

#include "config/report.h"
#include "config/tree.h"

struct source_list {
    struct source sources[SOURCES_MAX];
    unsigned count;
};

/*
 * Reads the files that the `include` of `root` names, in sorted order, behind sources[0].
 * A pattern may match nothing; a plain name must be there.
 */
void include_read(const struct node *root, struct source_list *list,
    struct stash *stash, struct diagnostics *d);

/*
 * Parses sources[0..count) and joins them: listeners and upstreams by name, all else may
 * stand in one file only. Returns the joined root, not yet validated; NULL after a message
 * when the main file gave none.
 */
struct node *include_join(struct node *root, const struct source_list *list,
    struct stash *stash, struct diagnostics *d) MUST_USE;

#endif
