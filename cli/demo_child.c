/*
 * cli/demo_child.c - fork and exec with a clean slate.
 *
 * The starter has blocked signals to read them from a descriptor; a mask survives
 * exec, so the child takes it off.
 */
#include "cli/demo_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void
demo_child_die_with(pid_t parent, int signal)
{
    /* It may have died before the kernel knew our wish. */
    if (prctl(PR_SET_PDEATHSIG, signal) < 0 || getppid() != parent)
        _exit(1);
}

_Noreturn static void
become(const char *const arguments[], int output, pid_t parent)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    demo_child_die_with(parent, SIGTERM);
    if (dup2(output, STDOUT_FILENO) >= 0)
        execv("/proc/self/exe",
            (char *const *)arguments); /* POSIX: it changes nothing */
    dprintf(STDERR_FILENO, "postern demo: cannot run %s: %s\n", arguments[0],
        strerror(errno));
    _exit(127);
}

pid_t
demo_child_run(const char *const arguments[], int *output, struct note *note)
{
    pid_t self = getpid(), child;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        note_set(note, "cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    child = fork();
    if (child == 0)
        become(arguments, ends[1], self);
    close(ends[1]);
    if (child < 0) {
        note_set(note, "cannot start a process: %s", strerror(errno));
        close(ends[0]);
        return -1;
    }
    *output = ends[0];
    return child;
}
