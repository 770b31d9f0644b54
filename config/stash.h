/*
 * config/stash.h - memory of one configuration, freed at one stroke.
 *
 * Unlike base/arena.h it has no ceiling and takes nothing from the chunk pool: what
 * bounds it is the size of the operator's files, and it lives as long as a snapshot.
 */
#ifndef CONFIG_STASH_H
#define CONFIG_STASH_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/require.h"

struct stash_block;

struct stash {
    struct stash_block *blocks; /* newest first */
};

void stash_init(struct stash *stash);
void stash_fini(struct stash *stash);

/* Zeroed, aligned for any type, never NULL: the process ends when memory is out. */
void *stash_take(struct stash *stash, size_t count, size_t bytes);

/* NUL-terminated copies. */
char *stash_copy(struct stash *stash, struct bytes text);
char *stash_print(struct stash *stash, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
