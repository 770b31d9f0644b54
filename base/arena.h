/*
 * base/arena.h - memory of one request, freed at one stroke.
 *
 * Blocks come from the chunk pool, so a request in the steady state calls
 * malloc not once. An arena has a ceiling: what a client can make us remember
 * is bounded. A pointer into an arena never goes into an object that outlives it.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/require.h"

struct chunk;
struct arena_large;

struct arena {
    struct chunk *blocks;      /* newest first */
    struct arena_large *large; /* pieces longer than CHUNK_BYTES */
    size_t used, limit;        /* bytes, each piece rounded up for alignment */
    bool starved; /* it gave NULL for want of memory, not for its own ceiling */
};

/*
 * An empty arena that gives out at most `limit` bytes in all. Holds no memory
 * yet. It may be used again after arena_clear.
 */
void arena_init(struct arena *arena, size_t limit);

/*
 * `bytes` bytes, aligned for any type, not zeroed; NULL when the ceiling is reached, or
 * that of the process (chunk_pool_watch). Blocks are CHUNK_BYTES long; what is longer
 * gets one of its own.
 */
void *arena_take(struct arena *arena, size_t bytes) MUST_USE;

/*
 * A copy of `data` in the arena; { NULL, 0 } when the ceiling is reached. A copy
 * of empty data is empty, with `at` not NULL.
 */
struct bytes arena_copy(struct arena *arena, struct bytes data) MUST_USE;

/* printf into the arena, NUL-terminated (the view does not count the NUL). */
struct bytes
arena_print(struct arena *arena, const char *format, ...) MUST_USE PRINTF_LIKE(2, 3);

/* Gives all memory back, wiped first: arenas hold cookies and passwords. */
void arena_clear(struct arena *arena);

#endif
