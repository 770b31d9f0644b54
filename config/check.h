/*
 * config/check.h - what no single row of the schema can see.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/include.h"
#include "config/papers.h"
#include "config/report.h"
#include "config/tree.h"
#include "proxy/proxy_policy.h"

/*
 * References, addresses wanted twice, tunnels, clear text, bounds that contradict each
 * other. Pure: opens nothing. After it, and without an error, a tree can be frozen.
 */
void check_tree(const struct node *root, struct stash *stash, struct diagnostics *d);

/*
 * Files and accounts: certificates, keys, authorities, log folders, who may write to the
 * configuration. Looks at this machine only, never at the network. What was read and is
 * to be served stands in `papers` afterwards.
 */
void check_files(const struct node *root, const struct source_list *sources,
    struct papers *papers, struct stash *stash, struct diagnostics *d);

/* The limits that are written, against those of this process and against each other. */
void check_machine(const struct node *root, struct stash *stash, struct diagnostics *d);

/* The upstream that a published host or route names; NULL when there is none or it was refused. */
const struct node *check_upstream_of(const struct node *root, const struct node *block,
    enum setting_id id);

/* The `bridge` of an upstream's block, an enum bridge. */
enum bridge check_bridge_of(const struct node *upstream);

#endif
