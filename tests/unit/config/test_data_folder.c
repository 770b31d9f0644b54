/*
 * tests/unit/config/test_data_folder.c - what came with postern is found beside it, or where we are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "config/data_folder.h"

static void
the_environment_goes_first(void **state)
{
    struct stash stash;

    (void)state;
    stash_init(&stash);
    setenv("POSTERN_DATA", "/somewhere", 1);
    assert_string_equal(data_folder(&stash), "/somewhere");
    stash_fini(&stash);
}

static void
else_it_lies_beside_the_program(void **state)
{
    char program[PATH_MAX] = "";
    const char *found;
    struct stash stash;

    (void)state;
    stash_init(&stash);
    setenv("POSTERN_DATA", "", 1); /* empty: not told */
    assert_true(readlink("/proc/self/exe", program, sizeof(program) - 1) > 0);
    *(strrchr(program, '/') + 1) = '\0';
    found = data_folder(&stash);
    assert_int_equal(strncmp(found, program, strlen(program)), 0);
    assert_string_equal(found + strlen(program), "share/postern");
    stash_fini(&stash);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_goes_first),
        cmocka_unit_test(else_it_lies_beside_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
