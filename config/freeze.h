/*
 * config/freeze.h - a tree without mistakes becomes a snapshot.
 */
#ifndef CONFIG_FREEZE_H
#define CONFIG_FREEZE_H

#include "config/load.h"
#include "config/snapshot.h"

/*
 * One reference; owns copies of everything, so `loaded`, which passed all checks, may go.
 * What it was unsealed from is taken over: the texts of certificates stay there. Of a
 * configuration that was not sealed, which serves nobody, it has none.
 */
struct snapshot *freeze(struct loaded *loaded) MUST_USE;

#endif
