/*
 * tests/unit/http/http_test.h - what the tests of http/ share.
 */
#ifndef TESTS_UNIT_HTTP_HTTP_TEST_H
#define TESTS_UNIT_HTTP_HTTP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/chunk.h"
#include "base/fault.h"
#include "base/require.h"
#include "http/http_policy.h"

static const struct http_limits test_limits = HTTP_LIMITS_DEFAULT;

static inline void
assert_bytes(struct bytes is, const char *must)
{
    assert_int_equal(is.length, strlen(must));
    assert_memory_equal(is.at, must, is.length);
}

#define assert_fault(is, must) assert_string_equal(fault_symbol(is), fault_symbol(must))

/* All of a queue, in the arena; the queue is empty then. */
static inline struct bytes
test_take_all(struct chunk_queue *queue, struct arena *arena)
{
    size_t length = queue->length;
    char *at = arena_take(arena, length);

    require(at != NULL);
    chunk_queue_peek(queue, 0, at, length);
    chunk_queue_clear(queue);
    return bytes_of(at, length);
}

#endif
