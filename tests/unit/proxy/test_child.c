/*
 * tests/unit/proxy/test_child.c - what a process of ours has when it begins.
 *
 * child_spawn starts the program that runs, so this one is its own child: it looks at
 * itself and says in its status what it saw.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/child.h"

enum { SAW_WHAT_IT_MUST = 10, SAW_A_SIGNAL_THAT_ENDS, SAW_A_BLOCKED_SIGNAL };

static const int for_the_parent[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
#define SIGNALS (sizeof for_the_parent / sizeof for_the_parent[0])

static int
look_at_signals(void)
{
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction action;

        sigaction(for_the_parent[i], NULL, &action);
        if (action.sa_handler != SIG_IGN)
            return SAW_A_SIGNAL_THAT_ENDS;
        if (sigismember(&blocked, for_the_parent[i]))
            return SAW_A_BLOCKED_SIGNAL;
    }
    return SAW_WHAT_IT_MUST;
}

static void
on_signal(int number)
{
    (void)number;
}

static int
status_of_child(void)
{
    struct note note = { "" };
    int control, status = 0;
    pid_t pid = child_spawn(CHILD_WORKER, &control, &note);

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(control);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
no_signal_to_the_group_ends_a_child(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNALS; i++)
        assert_true(signal(for_the_parent[i], on_signal) != SIG_ERR);
    assert_int_equal(status_of_child(), SAW_WHAT_IT_MUST);
}

static void
the_parent_hears_signals_as_before(void **state)
{
    sigset_t before, after;

    (void)state;
    sigprocmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(status_of_child(), SAW_WHAT_IT_MUST);
    sigprocmask(SIG_SETMASK, NULL, &after);
    for (size_t i = 0; i < SIGNALS; i++)
        assert_int_equal(sigismember(&after, for_the_parent[i]),
            sigismember(&before, for_the_parent[i]));
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_signal_to_the_group_ends_a_child),
        cmocka_unit_test(the_parent_hears_signals_as_before),
    };

    if (argc == 3 && strcmp(argv[1], "process") == 0)
        return look_at_signals();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
