/*
 * config/freeze.h - a tree without mistakes becomes a snapshot.
 */
#ifndef CONFIG_FREEZE_H
#define CONFIG_FREEZE_H

#include "config/load.h"
#include "config/snapshot.h"

/* One reference; owns copies of everything, so `loaded`, which passed all checks, may go. */
struct snapshot *freeze(const struct loaded *loaded) MUST_USE;

#endif
