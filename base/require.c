/*
 * base/require.c - ending the process over a mistake of our own, loudly.
 */
#include "base/require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void
require_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "postern: %s:%d: required: %s\n", file, line, condition);
    abort();
}

void *
require_alloc(size_t bytes)
{
    void *at = malloc(bytes > 0 ? bytes : 1);

    require(at != NULL);
    return at;
}

void *
require_zeroed(size_t count, size_t bytes)
{
    void *at = calloc(count > 0 ? count : 1, bytes > 0 ? bytes : 1);

    require(at != NULL);
    return at;
}

char *
require_copy(const char *text)
{
    char *copy = strdup(text);

    require(copy != NULL);
    return copy;
}
