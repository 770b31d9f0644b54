/*
 * tests/unit/proxy/test_exchange.c - what becomes of an exchange that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/exchange.h"

static int
set_up(void **state)
{
    static struct exchange x;

    x = (struct exchange){ .phase = PHASE_RELAY };
    *state = &x;
    return 0;
}

static void
the_first_fault_counts(void **state)
{
    struct exchange *x = *state;

    exchange_fail(x, FAULT_UPSTREAM_TIMEOUT);
    exchange_fail(x, FAULT_CLIENT_RESET);
    assert_int_equal(x->fault, FAULT_UPSTREAM_TIMEOUT);
    assert_int_equal(x->ended_in, PHASE_RELAY);
    assert_int_equal(x->answer, ANSWER_OWN);
    assert_false(x->cut);
}

static void
a_forgotten_fault_is_ours(void **state)
{
    struct exchange *x = *state;

    exchange_fail(x, FAULT_NONE);
    assert_int_equal(x->fault, FAULT_INTERNAL);
}

static void
a_complete_answer_that_was_not_delivered_is_cut(void **state)
{
    static const enum answer answers[] = { ANSWER_HEAD, ANSWER_OWN };

    for (unsigned i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct exchange *x;

        set_up(state);
        x = *state;
        x->phase = PHASE_DONE;
        x->answer = answers[i];
        exchange_fail(x, FAULT_CLIENT_SLOW_READ);
        assert_int_equal(x->fault, FAULT_CLIENT_SLOW_READ);
        assert_int_equal(x->phase, PHASE_DONE);
        assert_true(x->cut);
    }
}

/* A server is not blamed for an answer that finds no room because others are here. */
static void
memory_of_all_is_nobodys_large_message(void **state)
{
    struct exchange *x = *state;

    exchange_fail(x, FAULT_UPSTREAM_MEMORY);
    assert_int_equal(x->fault, FAULT_UPSTREAM_MEMORY);
    set_up(state);
    x->answer_arena.starved = true;
    exchange_fail(x, FAULT_UPSTREAM_MEMORY);
    assert_int_equal(x->fault, FAULT_MEMORY_FULL);
    set_up(state);
    x->arena.starved = true;
    exchange_fail(x, FAULT_MEMORY);
    assert_int_equal(x->fault, FAULT_MEMORY_FULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_fault_counts, set_up),
        cmocka_unit_test_setup(a_forgotten_fault_is_ours, set_up),
        cmocka_unit_test_setup(a_complete_answer_that_was_not_delivered_is_cut, set_up),
        cmocka_unit_test_setup(memory_of_all_is_nobodys_large_message, set_up),
    };

    return cmocka_run_group_tests_name("proxy/exchange", tests, NULL, NULL);
}
