/*
 * proxy/child.c - spawning a process of ours, and its first steps.
 */
#include "proxy/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ipc.h"
#include "config/config.h"
#include "log/logd.h"
#include "proxy/notary.h"
#include "proxy/resolver.h"
#include "proxy/worker.h"
#include "tls/keyd.h"

static const char *const role_names[] = {
    [CHILD_LOGD] = "logd",
    [CHILD_KEYD] = "keyd",
    [CHILD_RESOLVER] = "resolver",
    [CHILD_WORKER] = "worker",
    [CHILD_NOTARY] = "notary",
};

const char *
child_role_name(enum child_role role)
{
    return role_names[role];
}

/*
 * What a child gets of the administrator's environment: places, not passwords. The rest
 * may hold secrets, and a worker's memory is the first that an attacker sees.
 */
static char **
child_environment(void)
{
    static const char *const names[] = { "SSL_CERT_FILE=", "SSL_CERT_DIR=",
        "CREDENTIALS_DIRECTORY=", "POSTERN_DATA=", "RES_OPTIONS=", "LOCALDOMAIN=",
        "TZ=", "NO_COLOR=", "LD_LIBRARY_PATH=", "LD_PRELOAD=", "ASAN_OPTIONS=",
        "UBSAN_OPTIONS=", "LSAN_OPTIONS=" };
    static char *passed_on[sizeof names / sizeof names[0] + 1];
    size_t count = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char **at = environ;

        while (*at != NULL && strncmp(*at, names[i], strlen(names[i])) != 0)
            at++;
        if (*at != NULL)
            passed_on[count++] = *at;
    }
    passed_on[count] = NULL;
    return passed_on;
}

/* Standard output is where the log may go: who holds it can write lines of his own. */
static void
leave_stdout(void)
{
    int nowhere = open("/dev/null", O_WRONLY);

    if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
        _exit(127);
}

/*
 * Signals are for the parent: a Ctrl-C reaches the whole group, the parent decides. What
 * is ignored stays so over the exec, so there is no moment in which one ends a child.
 */
static void
leave_signals_to_parent(void)
{
    sigset_t none;

    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Between fork and exec: system calls only. */
static _Noreturn void
become(enum child_role role, int control, char **environment)
{
    char *arguments[] = { (char[]){ "postern" }, (char[]){ "process" },
        (char *)(uintptr_t)role_names[role], NULL };

    if (control == CHILD_CONTROL)
        fcntl(control, F_SETFD, 0);
    else
        dup2(control, CHILD_CONTROL);
    if (role != CHILD_LOGD)
        leave_stdout();
    close_range(CHILD_CONTROL + 1, ~0U, 0);
    leave_signals_to_parent();
    execve("/proc/self/exe", arguments, environment);
    _exit(127);
}

/*
 * Until its exec a child has our handlers, and libuv's write to a pipe that is ours: a
 * Ctrl-C at this moment would be one for the child and count twice for us.
 */
static pid_t
fork_without_signals(void)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid != 0)
        sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

pid_t
child_spawn(enum child_role role, int *control, struct note *note)
{
    char **environment;
    int pair[2];
    pid_t pid;

    if (!ipc_pair(pair)) {
        note_set(note, "cannot make a channel: %s", strerror(errno));
        return -1;
    }
    environment = child_environment();
    pid = fork_without_signals();
    if (pid == 0)
        become(role, pair[1], environment);
    close(pair[1]);
    if (pid < 0) {
        note_set(note, "cannot start %s: %s", role_names[role], strerror(errno));
        close(pair[0]);
        return -1;
    }
    *control = pair[0];
    return pid;
}

/* The first message of every child. */
static struct snapshot *
receive_configuration(void)
{
    static struct ipc_message m;
    struct diagnostics diagnostics;
    struct snapshot *snapshot = NULL;
    int memfd;

    if (ipc_receive(CHILD_CONTROL, -1, &m) != IPC_DONE)
        return NULL;
    memfd = m.tag == IPC_CONFIG ? ipc_take_fd(&m) : -1;
    ipc_done(&m);
    if (memfd < 0)
        return NULL;
    diagnostics_init(&diagnostics);
    snapshot = config_unseal(memfd, &diagnostics);
    if (snapshot == NULL)
        diagnostics_print(&diagnostics, stderr, false);
    diagnostics_fini(&diagnostics);
    close(memfd);
    return snapshot;
}

/* False when no role is called so. */
static bool
find_role(const char *name, enum child_role *role)
{
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        *role = (enum child_role)i;
        if (strcmp(name, role_names[i]) == 0)
            return true;
    }
    return false;
}

/* Owns `snapshot`'s reference. */
static int
run(enum child_role role, struct snapshot *snapshot)
{
    int status = 1;

    switch (role) {
    case CHILD_WORKER:
        return worker_run(CHILD_CONTROL, snapshot);
    case CHILD_RESOLVER:
        return resolver_run(CHILD_CONTROL, snapshot);
    case CHILD_LOGD:
        status = logd_run(CHILD_CONTROL, &snapshot->log, snapshot->log_user);
        break;
    case CHILD_KEYD:
        status = keyd_run(CHILD_CONTROL, snapshot->key_user);
        break;
    case CHILD_NOTARY: /* has no configuration yet */
        break;
    }
    snapshot_unref(&snapshot);
    return status;
}

int
child_main(const char *name)
{
    struct snapshot *snapshot;
    enum child_role role;

    if (!find_role(name, &role) || fcntl(CHILD_CONTROL, F_GETFD) < 0) {
        fprintf(stderr, "postern: 'process' is for postern itself; use: postern run\n");
        return 2;
    }
    fcntl(CHILD_CONTROL, F_SETFD, FD_CLOEXEC);
    if (role == CHILD_NOTARY)
        return notary_run(CHILD_CONTROL);
    snapshot = receive_configuration();
    return snapshot == NULL ? 1 : run(role, snapshot);
}
