/*
 * tests/unit/base/jail_lab.c - a child in a jail, which tries one thing.
 */
#include "jail_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

const enum jail_role jail_lab_roles[ROLES] = { JAIL_PARENT, JAIL_WORKER, JAIL_KEYD,
    JAIL_LOGD, JAIL_RESOLVER };

void
jail_lab_enter(enum jail_role role)
{
    struct note note = { "" };
    const char *user = geteuid() == 0 && role != JAIL_PARENT ? JAIL_LAB_USER : NULL;

    if (jail_enter(role, user, &note))
        return;
    (void)fprintf(stderr, "no jail: %s\n", note.text);
    _exit(NO_JAIL);
}

/* Runs `attempt` in a child in the jail of `role`; gives back its wait status. */
static int
status_of(enum jail_role role, bool (*attempt)(void))
{
    int status;
    pid_t child;

    (void)fflush(NULL); /* the child ends by exit, where LeakSanitizer looks */
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        jail_lab_enter(role);
        exit(attempt() ? SUCCEEDED : REFUSED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

void
assert_exits(enum jail_role role, bool (*attempt)(void), int code)
{
    int status = status_of(role, attempt);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

void
assert_dies(enum jail_role role, bool (*attempt)(void), int number)
{
    int status = status_of(role, attempt);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
}
