/*
 * tests/unit/base/test_starved.c - queues and arenas at the ceiling, and without memory.
 *
 * The linker sends each call of malloc here (--wrap), so that it can fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/chunk.h"

#define RESERVE 16 /* chunks, as base/chunk.c keeps them */

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);

static bool is_out, is_full, was_asked;
static size_t told;

void *
__wrap_malloc(size_t bytes)
{
    return is_out ? NULL : __real_malloc(bytes);
}

static void
on_changed(void *owner, size_t held)
{
    assert_ptr_equal(owner, &told);
    told = held;
}

static bool
has_room(void *owner)
{
    assert_ptr_equal(owner, &told);
    was_asked = true;
    return !is_full;
}

static int
watch(void **state)
{
    const struct chunk_watch how = { on_changed, has_room, &told };

    (void)state;
    is_out = is_full = was_asked = false;
    chunk_pool_watch(&how);
    return 0;
}

static const char block[CHUNK_BYTES];

static void
append_blocks(struct chunk_queue *q, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        chunk_queue_append(q, bytes_of(block, sizeof block));
}

static void
what_is_held_is_told(void **state)
{
    struct chunk_queue q;
    size_t before = told;

    (void)state;
    chunk_queue_init(&q, CHUNK_BYTES);
    append_blocks(&q, 100);
    assert_true(told >= before + 100 * CHUNK_BYTES);
    chunk_queue_clear(&q);
    assert_true(told >= 64 * CHUNK_BYTES); /* kept for the next ones, and still told */
    assert_true(told < 100 * CHUNK_BYTES);
}

/* Nothing is spare, so that whoever wants a chunk makes the pool grow. */
static void
take_all_spares(struct chunk_queue *q)
{
    chunk_queue_init(q, CHUNK_BYTES);
    append_blocks(q, 128);
}

static void
at_the_ceiling_nothing_new_is_read(void **state)
{
    struct chunk_queue held, q;
    size_t room;

    (void)state;
    take_all_spares(&held);
    chunk_queue_init(&q, CHUNK_BYTES);
    is_full = true;
    assert_false(chunk_pool_has_room());
    assert_null(chunk_queue_ask(&q, &room));
    assert_int_equal(room, 0);
    chunk_queue_commit(&q, 0);
    append_blocks(&q, 2); /* what is under way may go on */
    assert_false(q.starved);
    assert_int_equal(q.length, 2 * CHUNK_BYTES);
    chunk_queue_clear(&q);
    chunk_queue_clear(&held);
    assert_true(
        chunk_pool_has_room()); /* there are spare ones: the pool need not grow */
}

static void
at_the_ceiling_a_request_gets_nothing(void **state)
{
    struct chunk_queue held;
    struct arena arena;

    (void)state;
    take_all_spares(&held);
    arena_init(&arena, 1 << 20);
    is_full = true;
    assert_null(arena_take(&arena, 10));
    assert_true(arena.starved);
    assert_null(arena_take(&arena, 3 * CHUNK_BYTES));
    is_full = false;
    assert_non_null(arena_take(&arena, 3 * CHUNK_BYTES));
    arena_clear(&arena);
    assert_false(arena.starved);
    assert_null(arena_take(&arena, 2 << 20));
    assert_false(arena.starved); /* that was its own ceiling */
    chunk_queue_clear(&held);
}

static void
without_memory_the_reserve_is_used_and_then_a_queue_starves(void **state)
{
    struct chunk_queue held, q, next;

    (void)state;
    take_all_spares(&held);
    chunk_queue_init(&q, CHUNK_BYTES);
    chunk_queue_init(&next, CHUNK_BYTES);
    is_out = true;
    append_blocks(&q, RESERVE);
    assert_false(q.starved);
    assert_true(chunk_pool_is_short());
    assert_false(chunk_pool_has_room()); /* no reading while the reserve is in use */
    assert_true(was_asked);              /* and who keeps the ceiling knows of it */
    append_blocks(&q, 1);
    assert_true(q.starved);
    is_out = false;
    append_blocks(&q, 1); /* no hole: what was missing stays the end */
    assert_int_equal(q.length, RESERVE * CHUNK_BYTES);
    chunk_queue_move(&next, &q, CHUNK_BYTES);
    assert_false(next.starved);
    chunk_queue_move(&next, &q, q.length);
    assert_true(next.starved);
    chunk_queue_clear(&next);
    chunk_queue_clear(&q);
    assert_false(next.starved);
    chunk_queue_clear(&held);
    assert_false(chunk_pool_is_short()); /* the reserve is whole again */
    assert_true(chunk_pool_has_room());
}

static void
without_memory_a_request_gets_nothing(void **state)
{
    struct chunk_queue held;
    struct arena arena;

    (void)state;
    take_all_spares(&held);
    arena_init(&arena, 1 << 20);
    is_out = true;
    assert_null(arena_take(&arena, 2 * CHUNK_BYTES));
    assert_true(arena.starved);
    assert_int_equal(arena.used, 0);
    arena_clear(&arena);
    chunk_queue_clear(&held);
}

int
main(void)
{
#define WATCHED(name) cmocka_unit_test_setup(name, watch)
    const struct CMUnitTest tests[] = {
        WATCHED(what_is_held_is_told),
        WATCHED(at_the_ceiling_nothing_new_is_read),
        WATCHED(at_the_ceiling_a_request_gets_nothing),
        WATCHED(without_memory_the_reserve_is_used_and_then_a_queue_starves),
        WATCHED(without_memory_a_request_gets_nothing),
    };

    return cmocka_run_group_tests_name("base/starved", tests, NULL, NULL);
}
