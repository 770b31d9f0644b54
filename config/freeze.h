/*
 * config/freeze.h - a tree without mistakes becomes a snapshot.
 */
#ifndef CONFIG_FREEZE_H
#define CONFIG_FREEZE_H

#include "config/snapshot.h"
#include "config/tree.h"

/* One reference; owns copies of everything, so the tree may go. `root` passed all checks. */
struct snapshot *freeze(const struct node *root) MUST_USE;

#endif
