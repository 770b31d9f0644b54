/*
 * tests/unit/base/test_require.c - a mistake of ours ends the process, with a line.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/require.h"

static void
a_mistake_aborts_and_says_where(void **state)
{
    char line[256] = "";
    int pipe_ends[2], status;
    ssize_t length;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(pipe_ends[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        require(1 + 1 == 3);
        _exit(0);
    }
    (void)close(pipe_ends[1]);
    length = read(pipe_ends[0], line, sizeof line - 1);
    (void)close(pipe_ends[0]);
    assert_true(length > 0);
    assert_non_null(strstr(line, "1 + 1 == 3"));
    assert_non_null(strstr(line, "test_require.c"));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
memory_is_given_or_the_process_ends(void **state)
{
    static const unsigned char zeroes[64];
    unsigned char *zeroed = require_zeroed(4, 16);
    char *copy = require_copy("text");
    void *nothing = require_alloc(0);

    (void)state;
    assert_memory_equal(zeroed, zeroes, sizeof zeroes);
    assert_string_equal(copy, "text");
    assert_non_null(nothing);
    free(zeroed);
    free(copy);
    free(nothing);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistake_aborts_and_says_where),
        cmocka_unit_test(memory_is_given_or_the_process_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
