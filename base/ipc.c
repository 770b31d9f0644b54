/*
 * base/ipc.c - one datagram, one message, at most one descriptor.
 *
 * On the wire: version, tag, then fields, each a length of four bytes and that
 * many bytes; numbers are fields of four or eight bytes. All little-endian. A
 * number's length is checked too, so a writer and a reader that disagree about
 * the order of fields notice. What the fields mean is their readers' business.
 *
 * Trust: the other end may be a worker that an attacker took over. Nothing it
 * sends may leave a descriptor open here or a byte read behind the message.
 */
#include "base/ipc.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define IPC_VERSION 1
#define HEAD_BYTES ((size_t)2)

bool
ipc_pair(int pair[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
}

/* --- writing --- */

void
ipc_begin(struct ipc_writer *w, enum ipc_tag tag)
{
    w->bytes[0] = IPC_VERSION;
    w->bytes[1] = (uint8_t)tag;
    w->length = HEAD_BYTES;
    w->fd = -1;
    w->overflow = false;
}

void
ipc_put_bytes(struct ipc_writer *w, struct bytes data)
{
    size_t room = sizeof w->bytes - w->length;
    uint32_t length;

    if (room < sizeof length || room - sizeof length < data.length) {
        w->overflow = true;
        return;
    }
    length = htole32((uint32_t)data.length);
    memcpy(w->bytes + w->length, &length, sizeof length);
    w->length += sizeof length;
    if (data.length > 0)
        memcpy(w->bytes + w->length, data.at, data.length);
    w->length += data.length;
}

void
ipc_put_u32(struct ipc_writer *w, uint32_t number)
{
    number = htole32(number);
    ipc_put_bytes(w, bytes_of(&number, sizeof number));
}

void
ipc_put_u64(struct ipc_writer *w, uint64_t number)
{
    number = htole64(number);
    ipc_put_bytes(w, bytes_of(&number, sizeof number));
}

void
ipc_put_string(struct ipc_writer *w, const char *text)
{
    ipc_put_bytes(w, bytes_of_string(text));
}

void
ipc_put_fd(struct ipc_writer *w, int fd)
{
    require(fd >= 0 && w->fd == -1);
    w->fd = fd;
}

/* --- the channel --- */

/* What errno means to somebody who asked the kernel to send or receive. */
static enum ipc_result
result_of_errno(void)
{
    switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
    case ETOOMANYREFS: /* the receiver does not take its descriptors */
        return IPC_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        return IPC_CLOSED;
    default:
        return IPC_REFUSED;
    }
}

/* Room for one descriptor, aligned as the kernel's header in front of it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

enum ipc_result
ipc_send(int channel, const struct ipc_writer *w)
{
    struct iovec part = { (void *)w->bytes, w->length };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    union control control = { .header = { .cmsg_level = SOL_SOCKET,
                                  .cmsg_type = SCM_RIGHTS,
                                  .cmsg_len = CMSG_LEN(sizeof(int)) } };
    ssize_t sent;

    if (w->overflow)
        return IPC_REFUSED;
    if (w->fd != -1) {
        memcpy(CMSG_DATA(&control.header), &w->fd, sizeof w->fd);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    do
        sent = sendmsg(channel, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? result_of_errno() : IPC_DONE;
}

/*
 * The one descriptor that came along, or -1. Padding gives the kernel room for a
 * second one: when more than one came, all are closed and *refused is set.
 */
static int
take_descriptor(struct msghdr *message, bool *refused)
{
    int kept = -1;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
         c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len;
             at += sizeof(int)) {
            int fd;

            memcpy(&fd, (unsigned char *)c + at, sizeof fd);
            if (kept == -1 && !*refused) {
                kept = fd;
                continue;
            }
            *refused = true;
            (void)close(fd);
        }
    }
    if (*refused && kept != -1) {
        (void)close(kept);
        kept = -1;
    }
    return kept;
}

bool
ipc_open(struct ipc_message *m, size_t length)
{
    m->length = m->at = 0;
    m->fd = -1;
    m->broken = false;
    if (length < HEAD_BYTES || length > sizeof m->bytes || m->bytes[0] != IPC_VERSION ||
        m->bytes[1] == 0 || m->bytes[1] > IPC_TAG_LAST)
        return false;
    m->tag = (enum ipc_tag)m->bytes[1];
    m->length = length;
    m->at = HEAD_BYTES;
    return true;
}

static enum ipc_result
receive_now(int channel, struct ipc_message *m)
{
    struct iovec part = { m->bytes, sizeof m->bytes };
    union control control;
    struct msghdr message = { .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control };
    bool refused, may_be_reset = true;
    ssize_t length;
    int fd;

    /*
     * When the other end closes with a message of ours unread, the kernel says so first
     * and once (unix(7), ECONNRESET): its last words are behind that.
     */
    length = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (length < 0 && (errno == EINTR || (errno == ECONNRESET && may_be_reset))) {
        may_be_reset = may_be_reset && errno != ECONNRESET;
        length = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    }
    if (length < 0)
        return result_of_errno();

    /* The kernel drops descriptors that found no room: that, too, was too many. */
    refused = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    fd = take_descriptor(&message, &refused);
    if (length == 0 && fd == -1 && !refused)
        return IPC_CLOSED;
    if (refused || !ipc_open(m, (size_t)length)) {
        if (fd != -1)
            (void)close(fd);
        return IPC_REFUSED;
    }
    m->fd = fd;
    return IPC_DONE;
}

/* Waits until there is something to receive, or the deadline (0: none) has passed. */
static bool
wait_for_message(int channel, uint64_t deadline_ms)
{
    struct pollfd wanted = { .fd = channel, .events = POLLIN };
    int ready;

    do {
        int left_ms = -1;

        if (deadline_ms != 0) {
            uint64_t now_ms = clock_ms();

            left_ms = now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0;
        }
        ready = poll(&wanted, 1, left_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

enum ipc_result
ipc_receive(int channel, int timeout_ms, struct ipc_message *m)
{
    uint64_t deadline_ms = timeout_ms > 0 ? clock_ms() + (uint64_t)timeout_ms : 0;
    enum ipc_result result;

    m->fd = -1;
    m->length = m->at = 0;
    do {
        if (timeout_ms != 0 && !wait_for_message(channel, deadline_ms))
            return IPC_AGAIN;
        result = receive_now(channel, m);
    } while (result == IPC_AGAIN && timeout_ms != 0);
    return result;
}

void
ipc_pong(int channel, struct ipc_message *ping, struct ipc_writer *w)
{
    uint32_t number = ipc_get_u32(ping);

    ipc_begin(w, IPC_PONG);
    ipc_put_u32(w, number);
    (void)!ipc_send(channel, w);
}

/* --- reading --- */

struct bytes
ipc_get_bytes(struct ipc_message *m)
{
    size_t left = m->length - m->at;
    uint32_t length = 0;
    struct bytes field;

    if (!m->broken && left >= sizeof length) {
        memcpy(&length, m->bytes + m->at, sizeof length);
        length = le32toh(length);
        left -= sizeof length;
    } else {
        m->broken = true;
    }
    if (m->broken || length > left) {
        m->broken = true;
        return bytes_of(NULL, 0);
    }
    field = bytes_of(m->bytes + m->at + sizeof length, length);
    m->at += sizeof length + length;
    return field;
}

/* Copies a field that must have exactly `bytes` bytes; zeroes when it has not. */
static void
get_number(struct ipc_message *m, void *to, size_t bytes)
{
    struct bytes field = ipc_get_bytes(m);

    if (field.length == bytes) {
        memcpy(to, field.at, bytes);
        return;
    }
    m->broken = true;
    memset(to, 0, bytes);
}

uint32_t
ipc_get_u32(struct ipc_message *m)
{
    uint32_t number;

    get_number(m, &number, sizeof number);
    return le32toh(number);
}

uint64_t
ipc_get_u64(struct ipc_message *m)
{
    uint64_t number;

    get_number(m, &number, sizeof number);
    return le64toh(number);
}

void
ipc_get_string(struct ipc_message *m, char *to, size_t room)
{
    struct bytes text = ipc_get_bytes(m);

    require(room > 0);
    if (!m->broken && text.length < room && memchr(text.at, '\0', text.length) == NULL)
        memcpy(to, text.at, text.length);
    else
        m->broken = true;
    to[m->broken ? 0 : text.length] = '\0';
}

int
ipc_take_fd(struct ipc_message *m)
{
    int fd = m->fd;

    m->fd = -1;
    return fd;
}

bool
ipc_at_end(const struct ipc_message *m)
{
    return !m->broken && m->at == m->length;
}

void
ipc_done(struct ipc_message *m)
{
    if (m->fd != -1)
        (void)close(m->fd);
    m->fd = -1;
    explicit_bzero(m->bytes, m->length);
    m->length = m->at = 0;
}
