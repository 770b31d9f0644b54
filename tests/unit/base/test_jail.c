/*
 * tests/unit/base/test_jail.c - what a jailed process can still do, tried.
 *
 * Each test forks a child, which enters the jail and says so; the test reads the
 * kernel's word about it in /proc, or lets it try one forbidden thing. Built
 * twice: as shipped, and with the sanitizers, whose jail lets files be opened. A
 * test that needs root, or no sanitizer, returns at once without: meson reads what
 * cmocka 1.1.5 writes about a skip as a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "base/jail.h"
#include "base/sanitizer.h"
#include "base/secret.h"
#include "jail_lab.h"

/* A channel to ourselves, open before the jail is entered. */
static int channel[2];

static bool
is_root(void)
{
    return geteuid() == 0;
}

/* In a child: an ordinary user from the start, whose processes may be dumped. */
static void
stop_being_root(void)
{
    const struct passwd *account = getpwnam(JAIL_LAB_USER);

    if (is_root() &&
        (account == NULL ||
            setresgid(account->pw_gid, account->pw_gid, account->pw_gid) != 0 ||
            setresuid(account->pw_uid, account->pw_uid, account->pw_uid) != 0))
        _exit(NO_JAIL);
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* --- what is tried --- */

static bool
opens_passwd(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
writes_passwd(void)
{
    return open("/etc/passwd", O_WRONLY | O_CLOEXEC) >= 0;
}

static bool
stats_passwd(void)
{
    struct stat about;

    return stat("/etc/passwd", &about) == 0;
}

static bool
stats_a_descriptor(void)
{
    struct stat about;

    return fstat(STDERR_FILENO, &about) == 0;
}

static bool
becomes_root(void)
{
    return setuid(0) == 0;
}

static bool
execs(void)
{
    char *const arguments[] = { (char *)"true", NULL };

    (void)execv("/bin/true", arguments);
    return false;
}

static bool
makes_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
opens_a_tcp_socket(void)
{
    return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
opens_a_packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0;
}

static bool
binds(void)
{
    struct sockaddr any = { .sa_family = AF_INET };

    return bind(STDERR_FILENO, &any, sizeof any) == 0;
}

static bool
mounts(void)
{
    return mount("none", "/mnt", "tmpfs", 0, NULL) == 0;
}

static bool
leaves_by_namespace(void)
{
    return unshare(CLONE_NEWUSER) == 0;
}

static bool
forks(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(SUCCEEDED);
    return child > 0 && waitpid(child, NULL, 0) == child;
}

/* What every process does all day: memory, time, random bytes, an event loop, ipc. */
static bool
works(void)
{
    static struct ipc_writer w;
    static struct ipc_message m;
    char *memory = require_alloc((size_t)4 << 20);
    void *secret = secret_new(32);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    bool well;

    memory[0] = 1;
    free(memory);
    secret_random(secret, 32);
    secret_free(&secret, 32);
    ipc_begin(&w, IPC_READY);
    well = loop >= 0 && clock_wall_ns() > 0 && clock_ms() > 0 &&
        ipc_send(channel[0], &w) == IPC_DONE &&
        ipc_receive(channel[1], 1000, &m) == IPC_DONE && m.tag == IPC_READY;
    ipc_done(&m);
    return well;
}

static bool
resolves(void)
{
    struct addrinfo *found = NULL;
    bool well = getaddrinfo("localhost", "443", NULL, &found) == 0;

    if (well)
        freeaddrinfo(found);
    return well;
}

/* As in production: the filters of parent and child lie one over the other. */
static bool
starts_a_worker(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        jail_lab_enter(JAIL_WORKER);
        exit(works() ? SUCCEEDED : REFUSED);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* By number: libc has no name for them. A ring of no entries, and no ring at all. */
static bool
has_no_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 0, NULL) == -1 && errno == ENOSYS &&
        syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0) == -1 && errno == ENOSYS &&
        syscall(SYS_io_uring_register, -1, 0, NULL, 0) == -1 && errno == ENOSYS;
}

/* A child makes its loop, which asks for a ring, when only its parent is in jail. */
static bool
starts_a_child_without_io_uring(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        exit(has_no_io_uring() ? SUCCEEDED : REFUSED);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* A mistake of ours: must end by SIGABRT and the line on standard error. */
static bool
requires_in_vain(void)
{
    require(false);
    return true;
}

/* --- the tests --- */

/* The number behind `name` in a file about `child` under /proc; all ones: not there. */
static unsigned long long
proc_number(pid_t child, const char *file, const char *name, int base)
{
    const size_t length = strlen(name);
    char path[64], line[256], *end;
    unsigned long long number = ~0ULL;
    FILE *about;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)child, file);
    about = fopen(path, "re");
    assert_non_null(about);
    while (fgets(line, sizeof line, about) != NULL) {
        unsigned long long found;

        if (strncmp(line, name, length) != 0)
            continue;
        found = strtoull(line + length, &end, base);
        if (end > line + length) /* and not "unlimited" */
            number = found;
    }
    (void)fclose(about);
    return number;
}

/* A process that may not be dumped has files of root's in /proc. */
static bool
is_closed_to_its_user(pid_t child)
{
    char path[64];
    struct stat about;

    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)child);
    return stat(path, &about) == 0 && about.st_uid == 0;
}

/* A child in the jail of `role` that ends when `*release` is closed. */
static pid_t
jailed_child(enum jail_role role, bool from_root, int *release)
{
    int ready[2], go[2];
    char byte = 0;
    pid_t child;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(go[1]);
        if (!from_root)
            stop_being_root();
        jail_lab_enter(role);
        _exit(write(ready[1], "j", 1) == 1 && read(go[0], &byte, 1) == 0 ? SUCCEEDED
                                                                         : REFUSED);
    }
    (void)close(ready[1]);
    (void)close(go[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    *release = go[1];
    return child;
}

static void
assert_locked_up(enum jail_role role, bool from_root)
{
    const unsigned long long none = 0, parents = from_root ? 0x5e6 : 0;
    const unsigned long long kept = role == JAIL_PARENT ? parents : none;
    const struct passwd *account = getpwnam(JAIL_LAB_USER);
    int release;
    pid_t child = jailed_child(role, from_root, &release);

    assert_non_null(account);
    assert_int_equal(proc_number(child, "status", "NoNewPrivs:", 10), 1);
    assert_int_equal(proc_number(child, "status", "Seccomp:", 10), 2);
    assert_int_equal(proc_number(child, "status", "CapInh:", 16), 0);
    assert_int_equal(proc_number(child, "status", "CapAmb:", 16), 0);
    assert_int_equal(proc_number(child, "status", "CapEff:", 16), kept);
    assert_int_equal(proc_number(child, "status", "CapPrm:", 16), kept);
    assert_true(is_closed_to_its_user(child));
    assert_int_equal(proc_number(child, "limits", "Max core file size", 10), 0);
    if (from_root && role != JAIL_PARENT) {
        assert_int_equal(proc_number(child, "status", "Uid:", 10), account->pw_uid);
        assert_int_equal(proc_number(child, "status", "Gid:", 10), account->pw_gid);
        assert_int_equal(proc_number(child, "status", "Groups:", 10), account->pw_gid);
    }
    if (from_root)
        assert_int_equal(proc_number(child, "status", "CapBnd:", 16), kept);
    (void)close(release);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
root_loses_its_powers_and_its_name(void **state)
{
    (void)state;
    if (!is_root())
        return;
    for (size_t i = 0; i < ROLES; i++)
        assert_locked_up(jail_lab_roles[i], true);
}

static void
an_ordinary_user_is_locked_up_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROLES; i++)
        assert_locked_up(jail_lab_roles[i], false);
}

static void
every_role_can_do_its_daily_work(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROLES; i++) {
        assert_exits(jail_lab_roles[i], works, SUCCEEDED);
        assert_exits(jail_lab_roles[i], stats_a_descriptor, SUCCEEDED);
    }
    assert_exits(JAIL_RESOLVER, resolves, SUCCEEDED);
    assert_exits(JAIL_PARENT, opens_passwd, SUCCEEDED);
    assert_exits(JAIL_PARENT, forks, SUCCEEDED);
    assert_exits(JAIL_PARENT, execs, SUCCEEDED);
    assert_exits(JAIL_PARENT, starts_a_worker, SUCCEEDED);
}

static void
to_everybody_the_kernel_seems_to_have_no_io_uring(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROLES; i++)
        assert_exits(jail_lab_roles[i], has_no_io_uring, SUCCEEDED);
    assert_exits(JAIL_PARENT, starts_a_child_without_io_uring, SUCCEEDED);
}

static void
nobody_comes_back_out(void **state)
{
    (void)state;
    for (size_t i = 1; i < ROLES; i++) {
        assert_dies(jail_lab_roles[i], becomes_root, SIGSYS);
        assert_dies(jail_lab_roles[i], execs, SIGSYS);
        assert_dies(jail_lab_roles[i], mounts, SIGSYS);
        assert_dies(jail_lab_roles[i], leaves_by_namespace, SIGSYS);
        assert_dies(jail_lab_roles[i], opens_a_packet_socket, SIGSYS);
    }
    assert_exits(JAIL_PARENT, mounts, REFUSED);
    assert_exits(JAIL_PARENT, leaves_by_namespace, REFUSED);
    assert_dies(JAIL_WORKER, binds, SIGSYS);
    assert_dies(JAIL_KEYD, opens_a_tcp_socket, SIGSYS);
    assert_dies(JAIL_LOGD, opens_a_tcp_socket, SIGSYS);
    assert_dies(JAIL_RESOLVER, writes_passwd, SIGSYS);
}

/* What the sanitizers do themselves, so that only a build without them can refuse it. */
static void
as_shipped_no_file_opens_and_no_code_comes_in(void **state)
{
    const enum jail_role blind[] = { JAIL_WORKER, JAIL_KEYD };

    (void)state;
    if (WITH_ADDRESS_SANITIZER)
        return;
    for (size_t i = 0; i < 2; i++) {
        assert_exits(blind[i], opens_passwd, REFUSED);
        assert_exits(blind[i], stats_passwd, REFUSED);
        assert_dies(blind[i], makes_code, SIGSYS);
        assert_dies(blind[i], forks, SIGSYS);
    }
    assert_dies(JAIL_LOGD, makes_code, SIGSYS);
}

static void
a_mistake_still_ends_loudly(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROLES; i++)
        assert_dies(jail_lab_roles[i], requires_in_vain, SIGABRT);
}

/* In a child of root: succeeds when jail_enter as `user` fails and tells why. */
static int
refusal_of(const char *user, const char *why)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct note note = { "" };
        bool entered = jail_enter(JAIL_WORKER, user, &note);

        _exit(!entered && strstr(note.text, why) != NULL ? SUCCEEDED : REFUSED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
root_does_not_stay_root(void **state)
{
    (void)state;
    if (!is_root())
        return;
    assert_int_equal(refusal_of(NULL, "no user"), 0);
    assert_int_equal(refusal_of("", "no user"), 0);
    assert_int_equal(refusal_of("root", "is root"), 0);
    assert_int_equal(refusal_of("no-such-user", "no-such-user"), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_loses_its_powers_and_its_name),
        cmocka_unit_test(an_ordinary_user_is_locked_up_too),
        cmocka_unit_test(every_role_can_do_its_daily_work),
        cmocka_unit_test(to_everybody_the_kernel_seems_to_have_no_io_uring),
        cmocka_unit_test(nobody_comes_back_out),
        cmocka_unit_test(as_shipped_no_file_opens_and_no_code_comes_in),
        cmocka_unit_test(a_mistake_still_ends_loudly),
        cmocka_unit_test(root_does_not_stay_root),
    };
    struct rlimit core;

    /* As much as may be, so that the jail has something to take away. */
    if (!ipc_pair(channel) || getrlimit(RLIMIT_CORE, &core) != 0)
        return 1;
    core.rlim_cur = core.rlim_max;
    (void)setrlimit(RLIMIT_CORE, &core);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
