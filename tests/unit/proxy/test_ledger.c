/*
 * tests/unit/proxy/test_ledger.c - sums over workers, with workers that die and that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared.h"

#define LIMIT 16
#define WORKERS 8

static void
a_limit_holds_over_all_columns(void **state)
{
    struct ledger *ledger = shared_new(2, 0);
    struct ledger *one = shared_view(ledger, 0), *two = shared_view(ledger, 1);

    (void)state;
    assert_true(ledger_enter(one, 0, 2));
    assert_true(ledger_enter(two, 0, 2));
    assert_false(ledger_enter(one, 0, 2));
    assert_false(ledger_enter(two, 0, 2));
    assert_int_equal(ledger_connections(ledger, 0), 2);
    ledger_leave(two, 0);
    assert_true(ledger_enter(one, 0, 2));
    ledger_free(&one);
    ledger_free(&two);
    ledger_free(&ledger);
    assert_null(ledger);
}

static uint32_t
enter_as_often_as_may_be(struct ledger *view)
{
    uint32_t entered = 0;

    for (unsigned i = 0; i < 4 * LIMIT; i++)
        entered += ledger_enter(view, 0, LIMIT);
    return entered;
}

static uint32_t
come_and_go(struct ledger *view)
{
    for (unsigned i = 0; i < 20000; i++) {
        if (ledger_enter(view, 0, 3))
            ledger_leave(view, 0);
    }
    return 0;
}

static void
all_at_once_get_exactly_the_limit(void **state)
{
    struct ledger *ledger = shared_new(WORKERS, 0);
    struct shared_crowd crowd;

    (void)state;
    shared_begin(&crowd, ledger, enter_as_often_as_may_be);
    assert_int_equal(shared_sum(&crowd), LIMIT);
    assert_int_equal(ledger_connections(ledger, 0), LIMIT);
    for (unsigned i = 0; i < WORKERS; i++)
        shared_kill(&crowd, i);
    ledger_free(&ledger);
}

static void
what_comes_and_goes_leaves_nothing(void **state)
{
    struct ledger *ledger = shared_new(WORKERS, 0);
    struct shared_crowd crowd;

    (void)state;
    shared_begin(&crowd, ledger, come_and_go);
    assert_int_equal(ledger_connections(ledger, 0), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        shared_kill(&crowd, i);
    ledger_free(&ledger);
}

static void
the_counts_of_the_dead_go(void **state)
{
    struct ledger *ledger = shared_new(WORKERS, 0), *heir;
    struct shared_crowd crowd;

    (void)state;
    shared_begin(&crowd, ledger, enter_as_often_as_may_be);
    for (unsigned i = 0; i < WORKERS; i++) {
        shared_kill(&crowd, i);
        ledger_clear(ledger, i);
    }
    assert_int_equal(ledger_connections(ledger, 0), 0);
    heir = shared_view(ledger, 3);
    assert_true(ledger_enter(heir, 0, 1));
    ledger_free(&heir);
    ledger_free(&ledger);
}

static void
buffers_are_summed(void **state)
{
    struct ledger *ledger = shared_new(2, 0);
    struct ledger *one = shared_view(ledger, 0), *two = shared_view(ledger, 1);

    (void)state;
    ledger_set_buffers(one, 300);
    ledger_set_buffers(two, 500);
    assert_int_equal(ledger_buffers(one), 800);
    assert_int_equal(ledger_memory(two), 1000);
    ledger_clear(ledger, 1);
    assert_int_equal(ledger_buffers(one), 300);
    ledger_free(&one);
    ledger_free(&two);
    ledger_free(&ledger);
}

static void
the_parent_sees_where_a_worker_is(void **state)
{
    struct ledger *ledger = shared_new(2, 0), *view = shared_view(ledger, 1);

    (void)state;
    assert_int_equal(ledger_place(ledger, 1), PLACE_STARTING);
    ledger_say(view, PLACE_IN_PHASE + PHASE_RELAY);
    assert_string_equal(ledger_place_name(ledger_place(ledger, 1)), "relay");
    ledger_say(view, PLACE_WAITING);
    assert_string_equal(ledger_place_name(ledger_place(ledger, 1)), "waiting");
    ledger_clear(ledger, 1);
    assert_int_equal(ledger_place(ledger, 1), PLACE_STARTING);
    ledger_free(&view);
    ledger_free(&ledger);
}

/* The memfd that a worker gets, which a fallen one keeps. */
static int
memory_of(const struct ledger *ledger)
{
    static struct ipc_writer message;

    ledger_put(ledger, &message);
    return message.fd;
}

/* A worker fills the whole ledger with `byte`. */
static void
scribble(const struct ledger *ledger, int byte)
{
    int fd = memory_of(ledger);
    size_t bytes = (size_t)lseek(fd, 0, SEEK_END);
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    assert_ptr_not_equal(at, MAP_FAILED);
    memset(at, byte, bytes);
    munmap(at, bytes);
}

static void
garbage_makes_limits_wrong_and_nothing_more(void **state)
{
    struct ledger *ledger = shared_new(4, 64), *view = shared_view(ledger, 2);

    (void)state;
    assert_true(ledger_enter(view, 0, LIMIT));
    scribble(ledger, 0xff);
    assert_false(ledger_enter(view, 0, LIMIT));
    assert_int_equal(ledger_place(ledger, 0), PLACE_COUNT);
    assert_string_equal(ledger_place_name(ledger_place(ledger, 0)), "unknown");
    (void)ledger_buffers(view);
    scribble(ledger, 0);
    ledger_leave(view, 0); /* its own number was never in the shared memory */
    assert_true(ledger_enter(view, 0, 1));
    ledger_free(&view);
    ledger_free(&ledger);
}

static void
nobody_takes_memory_away(void **state)
{
    struct ledger *ledger = shared_new(4, 64);
    int fd = memory_of(ledger);

    (void)state;
    assert_int_not_equal(ftruncate(fd, 0), 0);
    assert_int_not_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_not_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    ledger_free(&ledger);
}

static struct ledger *
take(uint32_t columns, uint32_t sources, int fd, unsigned column)
{
    static struct ipc_writer out;
    static struct ipc_message in;
    struct ledger *view;
    int pair[2];

    require(ipc_pair(pair));
    ipc_begin(&out, IPC_LEDGER);
    ipc_put_u32(&out, columns);
    ipc_put_u32(&out, 1);
    ipc_put_u32(&out, sources);
    ipc_put_u64(&out, 1);
    ipc_put_u64(&out, 1);
    if (fd >= 0)
        ipc_put_fd(&out, fd);
    require(ipc_send(pair[0], &out) == IPC_DONE);
    require(ipc_receive(pair[1], -1, &in) == IPC_DONE);
    view = ledger_take(&in, column);
    ipc_done(&in);
    close(pair[0]);
    close(pair[1]);
    return view;
}

static void
a_ledger_of_another_shape_is_not_taken(void **state)
{
    struct ledger *ledger = shared_new(4, 64);
    int fd = memory_of(ledger);

    (void)state;
    assert_null(take(4, 64, -1, 0));
    assert_null(take(0, 64, fd, 0));
    assert_null(take(5, 64, fd, 0));
    assert_null(take(65, 64, fd, 0));
    assert_null(take(4, 63, fd, 0));
    assert_null(take(4, 1024, fd, 0));
    assert_null(take(4, UINT32_C(1) << 31, fd, 0));
    assert_null(take(4, 64, fd, 4));
    ledger_free(&ledger);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_holds_over_all_columns),
        cmocka_unit_test(all_at_once_get_exactly_the_limit),
        cmocka_unit_test(what_comes_and_goes_leaves_nothing),
        cmocka_unit_test(the_counts_of_the_dead_go),
        cmocka_unit_test(buffers_are_summed),
        cmocka_unit_test(the_parent_sees_where_a_worker_is),
        cmocka_unit_test(garbage_makes_limits_wrong_and_nothing_more),
        cmocka_unit_test(nobody_takes_memory_away),
        cmocka_unit_test(a_ledger_of_another_shape_is_not_taken),
    };

    return cmocka_run_group_tests_name("proxy/ledger", tests, NULL, NULL);
}
