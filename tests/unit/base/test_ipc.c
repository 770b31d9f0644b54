/*
 * tests/unit/base/test_ipc.c - messages over real socket pairs, honest and forged.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ipc.h"

static struct ipc_writer w;
static struct ipc_message m;
static int ends[2];

static int
open_pair(void **state)
{
    (void)state;
    return ipc_pair(ends) ? 0 : -1;
}

static int
close_pair(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        if (ends[i] != -1)
            (void)close(ends[i]);
    return 0;
}

static void
close_end(int i)
{
    assert_int_equal(close(ends[i]), 0);
    ends[i] = -1;
}

/* The lowest free descriptor: the same before and after means none was leaked. */
static int
lowest_free_fd(void)
{
    int fd = dup(ends[0] != -1 ? ends[0] : ends[1]);

    assert_true(fd >= 0);
    (void)close(fd);
    return fd;
}

/* Sends bytes and `count` descriptors, past all checks of ipc_send. */
static void
send_forged(const void *bytes, size_t length, const int *fds, size_t count)
{
    struct iovec part = { (void *)(uintptr_t)bytes, length };
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int) * 8)];
    } control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int) * count),
                      .cmsg_level = SOL_SOCKET,
                      .cmsg_type = SCM_RIGHTS } };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

    if (count > 0) {
        memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    }
    assert_int_equal(sendmsg(ends[0], &message, 0), length);
}

static void
fields_arrive_as_they_were_put(void **state)
{
    char text[6];

    (void)state;
    ipc_begin(&w, IPC_KEYS);
    ipc_put_u32(&w, 0x01020304);
    ipc_put_u64(&w, UINT64_MAX - 1);
    ipc_put_string(&w, "hello");
    ipc_put_bytes(&w, BYTES("a\0b"));
    ipc_put_bytes(&w, bytes_of(NULL, 0));
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);

    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    assert_int_equal(m.tag, IPC_KEYS);
    assert_int_equal(m.fd, -1);
    assert_int_equal(ipc_get_u32(&m), 0x01020304);
    assert_true(ipc_get_u64(&m) == UINT64_MAX - 1);
    ipc_get_string(&m, text, sizeof text);
    assert_string_equal(text, "hello");
    assert_true(bytes_equal(ipc_get_bytes(&m), BYTES("a\0b")));
    assert_false(ipc_at_end(&m));
    assert_int_equal(ipc_get_bytes(&m).length, 0);
    assert_true(ipc_at_end(&m));
    ipc_done(&m);
}

/* The layout is a contract between two builds that may differ during an upgrade. */
static void
the_wire_is_little_endian(void **state)
{
    static const unsigned char want[] = { 1, IPC_SIGN, 4, 0, 0, 0, 4, 3, 2, 1 };

    (void)state;
    ipc_begin(&w, IPC_SIGN);
    ipc_put_u32(&w, 0x01020304);
    assert_int_equal(w.length, sizeof want);
    assert_memory_equal(w.bytes, want, sizeof want);
}

static void
a_missing_field_breaks_the_message_for_good(void **state)
{
    char text[8] = "x";

    (void)state;
    ipc_begin(&w, IPC_ROLE);
    ipc_put_u32(&w, 7);
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    assert_true(ipc_get_u64(&m) == 0); /* there are four bytes, not eight */
    assert_true(m.broken);
    assert_int_equal(ipc_get_u32(&m), 0);
    assert_null(ipc_get_bytes(&m).at);
    ipc_get_string(&m, text, sizeof text);
    assert_string_equal(text, "");
    assert_false(ipc_at_end(&m));
    ipc_done(&m);
}

static bool
reads_string(struct bytes field, size_t room)
{
    char text[16];
    bool well;

    ipc_begin(&w, IPC_FAILED);
    ipc_put_bytes(&w, field);
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    ipc_get_string(&m, text, room);
    well = !m.broken && strcmp(text, "") != 0;
    ipc_done(&m);
    return well;
}

static void
a_string_fits_and_has_no_nul(void **state)
{
    (void)state;
    assert_true(reads_string(BYTES("1234"), 5));
    assert_false(reads_string(BYTES("12345"), 5));
    assert_false(reads_string(BYTES("12\0004"), 5));
    assert_false(reads_string(BYTES("1234\0"), 16));
}

static void
a_descriptor_travels_and_changes_owner(void **state)
{
    int pipe_ends[2], fd, free_fd;
    char byte = 0;

    (void)state;
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    ipc_begin(&w, IPC_LOGD);
    ipc_put_fd(&w, pipe_ends[1]);
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);
    assert_int_equal(close(pipe_ends[1]), 0); /* still the sender's */

    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    fd = ipc_take_fd(&m);
    assert_true(fd >= 0);
    assert_int_equal(ipc_take_fd(&m), -1);
    ipc_done(&m);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    (void)close(fd);
    (void)close(pipe_ends[0]);

    /* and nobody has to take it */
    free_fd = lowest_free_fd();
    ipc_begin(&w, IPC_LOGD);
    ipc_put_fd(&w, ends[0]);
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    ipc_done(&m);
    assert_int_equal(lowest_free_fd(), free_fd);
}

static void
more_than_one_descriptor_is_refused_and_none_stays(void **state)
{
    static const unsigned char good[] = { 1, IPC_LOGD };
    const int fds[8] = { ends[0], ends[0], ends[0], ends[0], ends[0], ends[0], ends[0],
        ends[0] };
    const int free_fd = lowest_free_fd();

    (void)state;
    for (size_t count = 2; count <= 8; count++) {
        send_forged(good, sizeof good, fds, count);
        assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_REFUSED);
        assert_int_equal(m.fd, -1);
        assert_int_equal(lowest_free_fd(), free_fd);
    }
    send_forged(good, sizeof good, fds, 1); /* the test itself is sound */
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    ipc_done(&m);
}

/* Else a message would arrive without the descriptor that gives it its sense. */
static void
a_descriptor_that_finds_no_place_is_noticed(void **state)
{
    struct rlimit usual, none_left;

    (void)state;
    ipc_begin(&w, IPC_KEYD);
    ipc_put_fd(&w, ends[0]);
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none_left = usual;
    none_left.rlim_cur = (rlim_t)lowest_free_fd();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_REFUSED);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

static void
forged_heads_are_refused(void **state)
{
    const struct bytes forged[] = {
        BYTES("\1"),             /* no tag */
        BYTES("\0\1"),           /* another version */
        BYTES("\2\1\0\0\0\0"),   /* a later one */
        BYTES("\1\0"),           /* no such tag */
        BYTES("\1\xff\0\0\0\0"), /* nor this */
    };
    const int free_fd = lowest_free_fd();

    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        send_forged(forged[i].at, forged[i].length, &ends[0], 1);
        assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_REFUSED);
        assert_int_equal(lowest_free_fd(), free_fd);
        ipc_done(&m); /* harmless after a refusal */
    }
    send_forged("", 0, &ends[0], 1); /* an empty datagram with a descriptor is no end */
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_REFUSED);
    assert_int_equal(lowest_free_fd(), free_fd);
}

static void
forged_lengths_lead_nowhere(void **state)
{
    const struct bytes forged[] = {
        BYTES("\1\1\0\0\0"),              /* half a length */
        BYTES("\1\1\5\0\0\0abcd"),        /* one byte more than there is */
        BYTES("\1\1\xff\xff\xff\xff..."), /* 4 GiB */
        BYTES("\1\1"),                    /* no field at all */
    };

    (void)state;
    for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        send_forged(forged[i].at, forged[i].length, NULL, 0);
        assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
        assert_null(ipc_get_bytes(&m).at);
        assert_true(m.broken);
        ipc_done(&m);
    }
}

static void
an_overlong_datagram_is_refused(void **state)
{
    static unsigned char overlong[IPC_MESSAGE_BYTES + 1] = { 1, IPC_EVENTS };
    const int free_fd = lowest_free_fd();

    (void)state;
    send_forged(overlong, sizeof overlong, &ends[0], 1);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_REFUSED);
    assert_int_equal(lowest_free_fd(), free_fd);
    send_forged(overlong, sizeof overlong - 1, NULL, 0);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    assert_int_equal(m.length, IPC_MESSAGE_BYTES);
    ipc_done(&m);
}

static void
what_does_not_fit_is_not_sent(void **state)
{
    static char large[IPC_MESSAGE_BYTES];

    (void)state;
    ipc_begin(&w, IPC_EVENTS);
    ipc_put_bytes(&w, bytes_of(large, sizeof large - 6)); /* exactly full */
    assert_false(w.overflow);
    assert_int_equal(w.length, IPC_MESSAGE_BYTES);
    ipc_put_bytes(&w, bytes_of(NULL, 0));
    assert_true(w.overflow);
    assert_int_equal(ipc_send(ends[0], &w), IPC_REFUSED);
    assert_int_equal(ipc_receive(ends[1], 0, &m), IPC_AGAIN);

    ipc_begin(&w, IPC_EVENTS);
    ipc_put_bytes(&w, bytes_of(large, sizeof large - 5));
    ipc_put_bytes(&w, BYTES("small")); /* a later field does not hide the loss */
    assert_int_equal(ipc_send(ends[0], &w), IPC_REFUSED);
}

static void
a_reader_does_not_wait_longer_than_told(void **state)
{
    (void)state;
    assert_int_equal(ipc_receive(ends[1], 0, &m), IPC_AGAIN);
    assert_int_equal(ipc_receive(ends[1], 1, &m), IPC_AGAIN);
    ipc_done(&m);
}

static void
a_full_channel_says_again(void **state)
{
    static const char batch[1000];
    enum ipc_result result;
    int sent = 0;

    (void)state;
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    ipc_begin(&w, IPC_EVENTS);
    ipc_put_bytes(&w, bytes_of(batch, sizeof batch));
    while ((result = ipc_send(ends[0], &w)) == IPC_DONE)
        sent++;
    assert_int_equal(result, IPC_AGAIN);
    assert_true(sent > 0);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    ipc_done(&m);
}

static void
the_last_words_come_before_the_end(void **state)
{
    (void)state;
    ipc_begin(&w, IPC_FAILED);
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);
    close_end(0);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    assert_int_equal(m.tag, IPC_FAILED);
    ipc_done(&m);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_CLOSED);
    assert_int_equal(ipc_receive(ends[1], 0, &m), IPC_CLOSED);
    assert_int_equal(ipc_send(ends[1], &w), IPC_CLOSED); /* and no SIGPIPE */
}

/* The kernel tells first that the other end never read what we sent. */
static void
the_last_words_come_even_from_who_did_not_listen(void **state)
{
    (void)state;
    ipc_begin(&w, IPC_KEYS);
    assert_int_equal(ipc_send(ends[1], &w), IPC_DONE);
    ipc_begin(&w, IPC_FAILED);
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);
    close_end(0);
    assert_int_equal(ipc_receive(ends[1], 0, &m), IPC_DONE);
    assert_int_equal(m.tag, IPC_FAILED);
    ipc_done(&m);
    assert_int_equal(ipc_receive(ends[1], 0, &m), IPC_CLOSED);
}

static void
done_wipes_what_was_said(void **state)
{
    static const char zeroes[32];

    (void)state;
    ipc_begin(&w, IPC_COOKIE_KEY);
    ipc_put_bytes(&w, BYTES("0123456789abcdef"));
    assert_int_equal(ipc_send(ends[0], &w), IPC_DONE);
    assert_int_equal(ipc_receive(ends[1], -1, &m), IPC_DONE);
    ipc_done(&m);
    assert_memory_equal(m.bytes, zeroes, 22);
    assert_null(ipc_get_bytes(&m).at);
}

static void
a_pair_is_close_on_exec(void **state)
{
    (void)state;
    assert_true((fcntl(ends[0], F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(ends[1], F_GETFD) & FD_CLOEXEC) != 0);
}

#define with_pair(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_pair(fields_arrive_as_they_were_put),
        with_pair(the_wire_is_little_endian),
        with_pair(a_missing_field_breaks_the_message_for_good),
        with_pair(a_string_fits_and_has_no_nul),
        with_pair(a_descriptor_travels_and_changes_owner),
        with_pair(more_than_one_descriptor_is_refused_and_none_stays),
        with_pair(a_descriptor_that_finds_no_place_is_noticed),
        with_pair(forged_heads_are_refused),
        with_pair(forged_lengths_lead_nowhere),
        with_pair(an_overlong_datagram_is_refused),
        with_pair(what_does_not_fit_is_not_sent),
        with_pair(a_reader_does_not_wait_longer_than_told),
        with_pair(a_full_channel_says_again),
        with_pair(the_last_words_come_before_the_end),
        with_pair(the_last_words_come_even_from_who_did_not_listen),
        with_pair(done_wipes_what_was_said),
        with_pair(a_pair_is_close_on_exec),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
