/*
 * tests/unit/proxy/test_link_http.c - whose fault it is that an answer ended early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/exchange.h"
#include "proxy/link.h"
#include "proxy/link_http.h"

/* What is said of a link whose stream failed so, before an answer or within its head. */
static enum fault
received(enum fault failed, bool has_begun)
{
    static const struct publish_policy publish = { .limits.head_bytes = 1024 };
    struct link link = { .stream.fault = failed, .answer_begun = has_begun };
    struct exchange x = { .publish = &publish, .link = &link };
    bool moved = false;

    return link_receive(&x, &moved);
}

static void
an_answer_that_began_is_truncated(void **state)
{
    (void)state;
    assert_int_equal(received(FAULT_UPSTREAM_RESET, true), FAULT_UPSTREAM_TRUNCATED);
    assert_int_equal(received(FAULT_UPSTREAM_TRUNCATED, false), FAULT_UPSTREAM_CLOSED);
    assert_int_equal(received(FAULT_UPSTREAM_RESET, false), FAULT_UPSTREAM_RESET);
}

static void
memory_that_is_full_is_no_server_s_doing(void **state)
{
    (void)state;
    assert_int_equal(received(FAULT_MEMORY_FULL, true), FAULT_MEMORY_FULL);
    assert_int_equal(received(FAULT_MEMORY_FULL, false), FAULT_MEMORY_FULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_began_is_truncated),
        cmocka_unit_test(memory_that_is_full_is_no_server_s_doing),
    };

    return cmocka_run_group_tests_name("proxy/link_http", tests, NULL, NULL);
}
