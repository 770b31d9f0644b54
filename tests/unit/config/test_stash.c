/*
 * tests/unit/config/test_stash.c - memory that grows, stays aligned and goes at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "config/stash.h"

static void
gives_zeroed_and_aligned_memory(void **state)
{
    struct stash stash;

    (void)state;
    stash_init(&stash);
    for (size_t bytes = 1; bytes < 100000; bytes = bytes * 3 + 1) {
        unsigned char *at = stash_take(&stash, 1, bytes);

        assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0xaa, bytes); /* the next piece must not see this */
    }
    stash_fini(&stash);
    assert_null(stash.blocks);
}

static void
copies_and_prints(void **state)
{
    struct stash stash;

    (void)state;
    stash_init(&stash);
    assert_string_equal(stash_copy(&stash, bytes_of("abcdef", 3)), "abc");
    assert_string_equal(stash_copy(&stash, bytes_of(NULL, 0)), "");
    assert_string_equal(stash_print(&stash, "%s:%d", "a", 7), "a:7");
    stash_fini(&stash);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_and_aligned_memory),
        cmocka_unit_test(copies_and_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
