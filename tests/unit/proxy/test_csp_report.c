/*
 * tests/unit/proxy/test_csp_report.c - how many reports are taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/csp_report.h"

static unsigned
take(struct csp_bucket *bucket, uint64_t now_ms, unsigned tries)
{
    unsigned taken = 0;

    while (tries-- > 0)
        taken += csp_bucket_take(bucket, now_ms, 20, 2);
    return taken;
}

static void
a_bucket_is_full_at_first_and_fills_again(void **state)
{
    struct csp_bucket bucket = { .spent = 0 };

    (void)state;
    assert_int_equal(take(&bucket, 0, 30), 20); /* at the loop's very beginning */
    assert_int_equal(take(&bucket, 499, 30), 0);
    assert_int_equal(take(&bucket, 999, 30), 1); /* what came in pieces is not lost */
    assert_int_equal(take(&bucket, 1001, 30), 1);
    assert_int_equal(take(&bucket, 60000, 30), 20); /* and never more than full */
}

static void
a_loop_that_runs_for_ages_overflows_nothing(void **state)
{
    struct csp_bucket bucket = { .spent = 0 };

    (void)state;
    assert_int_equal(take(&bucket, 5, 30), 20);
    assert_int_equal(take(&bucket, UINT64_C(1) << 50, 30), 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_is_full_at_first_and_fills_again),
        cmocka_unit_test(a_loop_that_runs_for_ages_overflows_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
