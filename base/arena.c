/*
 * base/arena.c - memory of one request: taken piece by piece, freed at one stroke.
 *
 * Small pieces are cut from pooled chunks, front to back; a piece that does not
 * fit into the rest of the newest chunk starts another. The few that are longer
 * than a chunk come from malloc. The ceiling counts what was given out, so that
 * what a client makes us remember is bounded whoever calls.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/chunk.h"

_Static_assert(CHUNK_BYTES % _Alignof(max_align_t) == 0, "a chunk holds whole units");

struct arena_large {
    struct arena_large *next;
    size_t length;
    _Alignas(max_align_t) unsigned char bytes[];
};

void
arena_init(struct arena *arena, size_t limit)
{
    require(limit <= SIZE_MAX / 2); /* so that no sum below can wrap */
    *arena = (struct arena){ .limit = limit };
}

static void *
take_large(struct arena *arena, size_t bytes)
{
    struct arena_large *piece =
        chunk_pool_may_grow() ? chunk_pool_alloc(sizeof *piece + bytes) : NULL;

    if (piece == NULL)
        return NULL;
    piece->next = arena->large;
    piece->length = bytes;
    arena->large = piece;
    return piece->bytes;
}

static void *
take_small(struct arena *arena, size_t bytes)
{
    struct chunk *block = arena->blocks;
    void *at;

    if (block == NULL || CHUNK_BYTES - block->end < bytes) {
        block = chunk_pool_has_room() ? chunk_take() : NULL;
        if (block == NULL)
            return NULL;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    at = block->bytes + block->end;
    block->end += bytes;
    return at;
}

void *
arena_take(struct arena *arena, size_t bytes)
{
    const size_t unit = _Alignof(max_align_t);
    size_t left = arena->limit - arena->used;
    size_t rounded;
    void *at;

    if (bytes > left)
        return NULL;
    rounded = (bytes + unit - 1) / unit * unit;
    at =
        rounded > CHUNK_BYTES ? take_large(arena, rounded) : take_small(arena, rounded);
    if (at == NULL)
        arena->starved = true;
    else
        arena->used += rounded < left ? rounded : left;
    return at;
}

struct bytes
arena_copy(struct arena *arena, struct bytes data)
{
    char *at = arena_take(arena, data.length);

    if (at == NULL)
        return bytes_of(NULL, 0);
    if (data.length > 0)
        memcpy(at, data.at, data.length);
    return bytes_of(at, data.length);
}

struct bytes
arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    char *at;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    require(length >= 0);

    at = arena_take(arena, (size_t)length + 1);
    if (at == NULL)
        return bytes_of(NULL, 0);
    va_start(arguments, format);
    (void)vsnprintf(at, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return bytes_of(at, (size_t)length);
}

void
arena_clear(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct chunk *block = arena->blocks;

        arena->blocks = block->next;
        explicit_bzero(block->bytes, block->end);
        chunk_give(block);
    }
    while (arena->large != NULL) {
        struct arena_large *piece = arena->large;

        arena->large = piece->next;
        explicit_bzero(piece->bytes, piece->length);
        chunk_pool_free(piece, sizeof *piece + piece->length);
    }
    arena->used = 0;
    arena->starved = false;
}
