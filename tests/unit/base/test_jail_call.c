/*
 * tests/unit/base/test_jail_call.c - what an attacker in a process would call next.
 *
 * Each test lets a jailed child try what its role has no use for; base/jail_call.def
 * says what it has. What the sanitizers need themselves can only be refused by a build
 * without them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ipc.h"
#include "base/sanitizer.h"
#include "jail_lab.h"

/* Open before the jail is entered: a channel to ourselves, and a file of log lines. */
static int channel[2], log_file;

/* --- sockets --- */

/* What a connection to an upstream takes, as libuv and we ask for it. */
static bool
opens_and_sets_up_a_connection(void)
{
    const int level[] = { AF_INET, AF_INET6 };
    const int protocol[] = { 0, IPPROTO_TCP };
    bool well = true;

    for (size_t i = 0; i < 4; i++) {
        int fd = socket(level[i / 2], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
            protocol[i % 2]);
        int on = 1, error = 0, unsent = -1;
        struct tcp_info tcp;
        socklen_t room = sizeof error, tcp_room = sizeof tcp;

        well = well && fd >= 0 &&
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
            setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &on, sizeof on) == 0 &&
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &room) == 0 &&
            getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &tcp_room) == 0 &&
            (ioctl(fd, SIOCOUTQ, &unsent) == 0 || errno == EINVAL);
        (void)close(fd);
    }
    return well;
}

static bool
opens_a_udp_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
opens_a_multipath_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP) >= 0;
}

static bool
opens_a_lite_socket(void)
{
    return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE) >= 0;
}

static bool
opens_a_sctp_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP) >= 0;
}

static bool
opens_a_local_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

/* The code of another protocol, reached through an option of TCP (tcp(7), TCP_ULP). */
static bool
changes_the_protocol(void)
{
    return setsockopt(channel[0], IPPROTO_TCP, TCP_ULP, "tls", 3) == 0;
}

static bool
binds_to_a_device(void)
{
    return setsockopt(channel[0], SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0;
}

static bool
asks_who_is_there(void)
{
    struct ucred who;
    socklen_t room = sizeof who;

    return getsockopt(channel[0], SOL_SOCKET, SO_PEERCRED, &who, &room) == 0;
}

/* --- files of the log --- */

static bool
appends(void)
{
    return write(log_file, "a line\n", 7) == 7;
}

static bool
opens_a_log(void)
{
    return open("/dev/null", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640) >= 0;
}

static bool
empties_a_log(void)
{
    return open("/dev/null", O_WRONLY | O_TRUNC | O_CLOEXEC) >= 0;
}

static bool
shortens_its_log(void)
{
    return ftruncate(log_file, 0) == 0;
}

static bool
overwrites_its_log(void)
{
    return pwrite(log_file, "another", 7, 0) == 7;
}

static bool
stops_appending(void)
{
    return fcntl(log_file, F_SETFL, 0) == 0;
}

static bool
goes_back_in_its_log(void)
{
    return lseek(log_file, 0, SEEK_SET) == 0;
}

static bool
maps_its_log(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, log_file, 0) !=
        MAP_FAILED;
}

static bool
renames_its_log(void)
{
    return rename("/nonexistent/log", "/nonexistent/log.1") == 0;
}

/* --- other processes --- */

static bool
kills_its_parent(void)
{
    return kill(getppid(), 0) == 0;
}

static bool
kills_a_thread_of_its_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool
kills_by_a_descriptor(void)
{
    return syscall(SYS_pidfd_open, getppid(), 0) >= 0;
}

static bool
traces_its_parent(void)
{
    return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0;
}

static bool
reads_its_parents_memory(void)
{
    char byte;
    struct iovec own = { &byte, 1 }, theirs = { channel, 1 };

    return process_vm_readv(getppid(), &own, 1, &theirs, 1, 0) == 1;
}

/* --- the tests --- */

static void
a_worker_speaks_tcp_and_nothing_else(void **state)
{
    bool (*const others[])(void) = { opens_a_udp_socket, opens_a_multipath_socket,
        opens_a_lite_socket, opens_a_sctp_socket, opens_a_local_socket,
        changes_the_protocol, binds_to_a_device, asks_who_is_there };

    (void)state;
    assert_exits(JAIL_WORKER, opens_and_sets_up_a_connection, SUCCEEDED);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_dies(JAIL_WORKER, others[i], SIGSYS);
    assert_dies(JAIL_RESOLVER, opens_a_multipath_socket, SIGSYS);
    assert_dies(JAIL_RESOLVER, opens_a_lite_socket, SIGSYS);
}

static void
what_is_written_in_the_log_stays(void **state)
{
    (void)state;
    assert_exits(JAIL_LOGD, appends, SUCCEEDED);
    assert_dies(JAIL_LOGD, shortens_its_log, SIGSYS);
    assert_dies(JAIL_LOGD, overwrites_its_log, SIGSYS);
    assert_dies(JAIL_LOGD, renames_its_log, SIGSYS);
    if (WITH_ADDRESS_SANITIZER)
        return;
    assert_dies(JAIL_LOGD, stops_appending, SIGSYS);
    assert_dies(JAIL_LOGD, maps_its_log, SIGSYS);
    assert_exits(JAIL_LOGD, goes_back_in_its_log, REFUSED);
    assert_exits(JAIL_LOGD, opens_a_log, REFUSED);
    assert_exits(JAIL_LOGD, empties_a_log, REFUSED);
}

/* Under one account, where the kernel would let it: what keeps the processes apart. */
static void
nobody_reaches_into_another_process(void **state)
{
    (void)state;
    for (size_t i = 1; i < ROLES; i++) {
        assert_dies(jail_lab_roles[i], kills_a_thread_of_its_parent, SIGSYS);
        assert_dies(jail_lab_roles[i], kills_by_a_descriptor, SIGSYS);
        assert_dies(jail_lab_roles[i], reads_its_parents_memory, SIGSYS);
        if (WITH_ADDRESS_SANITIZER)
            continue;
        assert_dies(jail_lab_roles[i], kills_its_parent, SIGSYS);
        assert_dies(jail_lab_roles[i], traces_its_parent, SIGSYS);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_speaks_tcp_and_nothing_else),
        cmocka_unit_test(what_is_written_in_the_log_stays),
        cmocka_unit_test(nobody_reaches_into_another_process),
    };

    log_file = memfd_create("log", MFD_CLOEXEC);
    if (log_file < 0 || !ipc_pair(channel))
        return 1;
    return cmocka_run_group_tests_name("base/jail-call", tests, NULL, NULL);
}
