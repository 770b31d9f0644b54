/*
 * tests/unit/base/test_fault.c - the table's promises to those who read logs.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"

static enum fault
nth(int i)
{
    return (enum fault)i;
}

static void
reasons_are_unique_kebab_case(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_COUNT; i++) {
        const char *reason = fault_reason(nth(i));

        assert_true(islower((unsigned char)reason[0]));
        assert_int_equal(strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789-"),
            strlen(reason));
        assert_null(strstr(reason, "--"));
        assert_int_not_equal(reason[strlen(reason) - 1], '-');
        for (int k = 0; k < i; k++)
            assert_string_not_equal(reason, fault_reason(nth(k)));
    }
}

static void
texts_are_one_sentence_without_a_full_stop(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_COUNT; i++) {
        const char *text = fault_text(nth(i));

        assert_true(strlen(text) > 5);
        assert_int_not_equal(text[strlen(text) - 1], '.');
        assert_null(strpbrk(text, "<>&\"\\\n"));
    }
}

static void
a_status_is_an_error_or_none(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_COUNT; i++) {
        unsigned status = fault_status(nth(i));

        assert_true(status == 0 || (status >= 400 && status <= 599));
        /* what is not the client's fault is not called so, and the reverse */
        if (status >= 500 && fault_who(nth(i)) == FAULT_BY_CLIENT)
            assert_int_equal(status, 508);
        if (status >= 400 && status < 500)
            assert_true(fault_who(nth(i)) == FAULT_BY_CLIENT ||
                fault_who(nth(i)) == FAULT_BY_GATE);
    }
}

static void
only_none_is_nobodys(void **state)
{
    (void)state;
    assert_int_equal(FAULT_NONE, 0);
    for (int i = 0; i < FAULT_COUNT; i++)
        assert_int_equal(fault_who(nth(i)) == FAULT_BY_NOBODY, i == FAULT_NONE);
}

static void
a_row_arrives_whole(void **state)
{
    (void)state;
    assert_string_equal(fault_symbol(FAULT_HTTP_TWO_LENGTHS), "HTTP_TWO_LENGTHS");
    assert_string_equal(fault_reason(FAULT_HTTP_TWO_LENGTHS), "http-two-lengths");
    assert_int_equal(fault_status(FAULT_HTTP_TWO_LENGTHS), 400);
    assert_int_equal(fault_who(FAULT_HTTP_TWO_LENGTHS), FAULT_BY_CLIENT);
    assert_int_equal(fault_level(FAULT_HTTP_TWO_LENGTHS), FAULT_IS_WARNING);
    assert_string_equal(fault_who_name(FAULT_BY_NOBODY), "nobody");
    assert_string_equal(fault_who_name(FAULT_BY_CLIENT), "client");
    assert_string_equal(fault_who_name(FAULT_BY_UPSTREAM), "upstream");
    assert_string_equal(fault_who_name(FAULT_BY_GATE), "gate");
    assert_string_equal(fault_who_name(FAULT_BY_PROXY), "proxy");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_are_unique_kebab_case),
        cmocka_unit_test(texts_are_one_sentence_without_a_full_stop),
        cmocka_unit_test(a_status_is_an_error_or_none),
        cmocka_unit_test(only_none_is_nobodys),
        cmocka_unit_test(a_row_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
