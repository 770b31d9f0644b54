/*
 * tests/unit/base/test_clock.c - the clocks count in the units they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void
monotonic_time_does_not_go_back(void **state)
{
    uint64_t last_ns = clock_ns();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now_ns = clock_ns();

        assert_true(now_ns >= last_ns);
        last_ns = now_ns;
    }
}

static void
units_agree_with_the_kernel(void **state)
{
    uint64_t before_ms = clock_ns() / 1000000;
    uint64_t now_ms = clock_ms();
    uint64_t after_ms = clock_ns() / 1000000;
    uint64_t before_s = (uint64_t)time(NULL);
    uint64_t wall_s = clock_wall_ns() / 1000000000;

    (void)state;
    assert_in_range(now_ms, before_ms, after_ms);
    assert_in_range(wall_s, before_s - 1, (uint64_t)time(NULL) + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_does_not_go_back),
        cmocka_unit_test(units_agree_with_the_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
