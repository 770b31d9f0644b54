/*
 * config/stash.c - a list of blocks that grow as needed.
 */
#include "config/stash.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)32 * 1024)

struct stash_block {
    struct stash_block *next;
    size_t used, bytes;
    alignas(max_align_t) char memory[];
};

void
stash_init(struct stash *stash)
{
    stash->blocks = NULL;
}

void
stash_fini(struct stash *stash)
{
    while (stash->blocks != NULL) {
        struct stash_block *block = stash->blocks;

        stash->blocks = block->next;
        free(block);
    }
}

void *
stash_take(struct stash *stash, size_t count, size_t bytes)
{
    struct stash_block *block = stash->blocks;
    void *memory;

    require(bytes == 0 || count <= SIZE_MAX / 2 / bytes);
    bytes = (count * bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (block == NULL || block->bytes - block->used < bytes) {
        size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

        block = require_zeroed(1, sizeof(*block) + room);
        block->bytes = room;
        block->next = stash->blocks;
        stash->blocks = block;
    }
    memory = block->memory + block->used;
    block->used += bytes;
    return memory;
}

char *
stash_copy(struct stash *stash, struct bytes text)
{
    char *copy = stash_take(stash, 1, text.length + 1);

    if (text.length > 0)
        memcpy(copy, text.at, text.length);
    return copy;
}

char *
stash_print(struct stash *stash, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    require(length >= 0);

    char *copy = stash_copy(stash, bytes_of(text, (size_t)length));

    free(text);
    return copy;
}
