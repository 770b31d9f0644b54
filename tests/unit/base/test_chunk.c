/*
 * tests/unit/base/test_chunk.c - queues against a simple model, and the pool's books.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/chunk.h"

/* A queue and what should be in it. */
struct pair {
    struct chunk_queue queue;
    unsigned char model[256 * 1024];
    size_t length;
};

static unsigned char copy[256 * 1024];
static uint32_t seed; /* fixed per test: a failure comes back */

static uint32_t
random_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)(seed >> 8) * limit >> 24);
}

/* Mostly small, now and then more than a chunk. */
static size_t
random_amount(size_t limit)
{
    static const uint32_t sizes[] = { 2, 100, 5000, 3 * 16384 };
    size_t amount = random_below(sizes[random_below(4)]);

    return amount < limit ? amount : limit;
}

/* Length, order and the promise that no chunk of a queue is empty. */
static void
assert_matches(const struct pair *p)
{
    struct bytes front = chunk_queue_front(&p->queue);
    size_t in_chunks = 0;

    assert_int_equal(p->queue.length, p->length);
    assert_int_equal(chunk_queue_is_empty(&p->queue), p->length == 0);
    assert_int_equal(chunk_queue_is_full(&p->queue), p->length >= p->queue.limit);
    chunk_queue_peek(&p->queue, 0, copy, p->length);
    assert_int_equal(memcmp(copy, p->model, p->length), 0);
    assert_true(bytes_equal(front, bytes_of(p->model, front.length)));
    for (const struct chunk *c = p->queue.head; c != NULL; c = c->next) {
        assert_true(c->end > c->start);
        assert_true(c->end <= CHUNK_BYTES);
        assert_true((c->next == NULL) == (c == p->queue.tail));
        in_chunks += c->end - c->start;
    }
    assert_int_equal(in_chunks, p->length);
}

static void
append_to(struct pair *p, struct bytes data)
{
    chunk_queue_append(&p->queue, data);
    memcpy(p->model + p->length, data.at, data.length);
    p->length += data.length;
}

static void
write_to(struct pair *p)
{
    size_t room;
    unsigned char *at = chunk_queue_room(&p->queue, &room);
    size_t amount = random_amount(room);

    assert_true(room > 0);
    for (size_t i = 0; i < amount; i++)
        at[i] = p->model[p->length + i] = (unsigned char)random_below(256);
    chunk_queue_commit(&p->queue, amount);
    p->length += amount;
}

static void
drop_from(struct pair *p, size_t amount)
{
    chunk_queue_drop(&p->queue, amount);
    p->length -= amount;
    memmove(p->model, p->model + amount, p->length);
}

static void
move_between(struct pair *to, struct pair *from, size_t amount)
{
    chunk_queue_move(&to->queue, &from->queue, amount);
    memcpy(to->model + to->length, from->model, amount);
    to->length += amount;
    from->length -= amount;
    memmove(from->model, from->model + amount, from->length);
}

static void
peek_into(const struct pair *p)
{
    size_t offset = random_amount(p->length);
    size_t amount = random_amount(p->length - offset);

    chunk_queue_peek(&p->queue, offset, copy, amount);
    assert_int_equal(memcmp(copy, p->model + offset, amount), 0);
}

static void
one_random_step(struct pair *p, struct pair *other)
{
    static char data[3 * CHUNK_BYTES];
    const size_t room = sizeof p->model - p->length;

    switch (random_below(5)) {
    case 0:
        if (room >= CHUNK_BYTES)
            write_to(p);
        break;
    case 1:
        for (size_t i = 0; i < sizeof data; i += 97)
            data[i] = (char)random_below(256);
        append_to(p,
            bytes_of(data, random_amount(room < sizeof data ? room : sizeof data)));
        break;
    case 2:
        drop_from(p, random_amount(p->length));
        break;
    case 3:
        move_between(p, other,
            random_amount(room < other->length ? room : other->length));
        break;
    case 4:
        peek_into(p);
        break;
    }
}

static void
two_queues_behave_like_two_arrays(void **state)
{
    struct pair *pairs = calloc(2, sizeof *pairs);
    const size_t lent = chunk_pool_lent();

    (void)state;
    seed = 20240229;
    chunk_queue_init(&pairs[0].queue, 30000);
    chunk_queue_init(&pairs[1].queue, 1);
    for (int step = 0; step < 10000; step++) {
        struct pair *p = &pairs[random_below(2)];

        one_random_step(p, p == pairs ? pairs + 1 : pairs);
        assert_matches(p);
    }
    drop_from(&pairs[0], pairs[0].length); /* all at once, over many chunks */
    assert_matches(&pairs[0]);
    chunk_queue_clear(&pairs[1].queue);
    assert_int_equal(pairs[1].queue.length, 0);
    assert_int_equal(chunk_pool_lent(), lent);
    assert_true(chunk_pool_lent_max() > lent);
    free(pairs);
}

static void
an_idle_queue_holds_no_chunk(void **state)
{
    const size_t lent = chunk_pool_lent();
    struct chunk_queue q;
    size_t room;

    (void)state;
    chunk_queue_init(&q, 10);
    assert_null(chunk_queue_front(&q).at);
    (void)chunk_queue_room(&q, &room);
    assert_int_equal(room, CHUNK_BYTES);
    chunk_queue_commit(&q, 0);
    assert_int_equal(chunk_pool_lent(), lent);

    /* a fresh tail behind a full chunk goes back as well, and the queue lives on */
    (void)chunk_queue_room(&q, &room);
    chunk_queue_commit(&q, room);
    (void)chunk_queue_room(&q, &room);
    chunk_queue_commit(&q, 0);
    assert_int_equal(chunk_pool_lent(), lent + 1);
    chunk_queue_append(&q, BYTES("x"));
    assert_int_equal(q.length, CHUNK_BYTES + 1);
    chunk_queue_drop(&q, CHUNK_BYTES + 1);
    assert_int_equal(chunk_pool_lent(), lent);
}

/* Fills a queue with `bytes` bytes that nobody looks at. */
static void
fill(struct chunk_queue *q, size_t bytes)
{
    while (bytes > 0) {
        size_t room;

        (void)memset(chunk_queue_room(q, &room), 'x', 1);
        if (room > bytes)
            room = bytes;
        chunk_queue_commit(q, room);
        bytes -= room;
    }
}

static void
small_moves_share_a_chunk_and_large_ones_do_not_copy(void **state)
{
    struct chunk_queue from, to;
    const struct chunk *large;

    (void)state;
    chunk_queue_init(&from, 1);
    chunk_queue_init(&to, 1);
    fill(&to, 10);
    fill(&from, 100);
    chunk_queue_move(&to, &from, 100);
    assert_ptr_equal(to.head, to.tail); /* head and small body: one chunk, one record */

    fill(&from, CHUNK_BYTES);
    large = from.head;
    chunk_queue_move(&to, &from, CHUNK_BYTES);
    assert_ptr_equal(to.tail, large);
    assert_null(from.head);

    chunk_queue_clear(&to);
    fill(&from, 5);
    large = from.head;
    chunk_queue_move(&to, &from, 5);
    assert_ptr_equal(to.head, large); /* nothing there to share with */
    chunk_queue_clear(&to);
}

/* Else a sender of tiny pieces makes us hold a whole chunk for each. */
static void
tiny_moves_do_not_hoard_memory(void **state)
{
    const size_t lent = chunk_pool_lent();
    struct chunk_queue from, to;

    (void)state;
    chunk_queue_init(&from, 1);
    chunk_queue_init(&to, 1);
    for (int i = 0; i < 1000; i++) {
        fill(&from, 64);
        chunk_queue_move(&to, &from, 64);
    }
    assert_true(chunk_pool_lent() - lent <= 64000 / CHUNK_BYTES + 2);
    chunk_queue_clear(&to);
}

static void
the_pool_keeps_spares_within_reason(void **state)
{
    struct chunk *taken[200];
    const size_t lent = chunk_pool_lent();

    (void)state;
    for (size_t i = 0; i < 200; i++)
        taken[i] = chunk_take();
    assert_int_equal(chunk_pool_lent(), lent + 200);
    assert_true(chunk_pool_lent_max() >= lent + 200);
    for (size_t i = 0; i < 200; i++)
        chunk_give(taken[i]);
    assert_int_equal(chunk_pool_lent(), lent);

    /* steady state: what was given last is what is taken next */
    taken[0] = chunk_take();
    chunk_give(taken[0]);
    assert_ptr_equal(chunk_take(), taken[0]);
    assert_int_equal(taken[0]->start, 0);
    assert_int_equal(taken[0]->end, 0);
    chunk_give(taken[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_queues_behave_like_two_arrays),
        cmocka_unit_test(an_idle_queue_holds_no_chunk),
        cmocka_unit_test(small_moves_share_a_chunk_and_large_ones_do_not_copy),
        cmocka_unit_test(tiny_moves_do_not_hoard_memory),
        cmocka_unit_test(the_pool_keeps_spares_within_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
