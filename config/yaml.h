/*
 * config/yaml.h - bytes to a tree: the only module that knows the YAML library.
 *
 * The language is a strict part of YAML 1.2: maps, lists and scalars. No anchors,
 * aliases, tags, merge keys, complex keys or further documents. All scalars are text;
 * what they mean is the schema's business.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "config/report.h"
#include "config/tree.h"

#define YAML_DEPTH_MAX 16
#define YAML_ENTRIES_MAX 1000 /* of one map or list */

/*
 * The root of `source`, always a map; NULL after a message when there is none. Messages may
 * have been given also when there is a root: then the nodes concerned are marked as refused.
 * The tree lives in `stash` and points into `source`.
 */
struct node *yaml_read(const struct source *source, struct stash *stash,
    struct diagnostics *d) MUST_USE;

#endif
