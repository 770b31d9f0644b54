/*
 * config/validate.h - does a tree say what the schema knows? Row by row.
 */
#ifndef CONFIG_VALIDATE_H
#define CONFIG_VALIDATE_H

#include "config/report.h"
#include "config/tree.h"

/*
 * `root` is a file's, of a block without a parent. Gives every setting its row and its
 * number, and a message to whatever does not fit; such nodes are marked as refused. What
 * needs two rows or a file is check.h's business.
 */
void validate(struct node *root, enum block_id block, struct stash *stash,
    struct diagnostics *d);

#endif
