/*
 * base/ipc.h - tagged messages between our processes.
 *
 * One message is one datagram on a SOCK_SEQPACKET pair: a version, a tag, and
 * fields, each with its own length. At most one descriptor travels with it.
 * Never a struct image: what one side writes the other side reads field by
 * field, and a message that is too short, too long or of another version is
 * refused as a whole. The reader trusts nothing: a compromised worker writes here.
 */
#ifndef BASE_IPC_H
#define BASE_IPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/require.h"

#define IPC_MESSAGE_BYTES ((size_t)60 * 1024)

enum ipc_tag {
    /* parent -> any child, before IPC_BEGIN, in this order */
    IPC_CONFIG = 1, /* descriptor: sealed memfd */
    IPC_ROLE,       /* u32: index of this worker, u32: number of workers,
                       string: our pseudonym in Via */
    IPC_LEDGER,     /* u32: columns, u32: listeners, u32: sources, u64: key of their
                       hash, u64: bytes of buffers for all; descriptor: memfd of
                       sealed size (proxy/ledger.h) */
    IPC_LISTENER,   /* u32: listener, u32: index in its addresses, u32: 1 for
                       redirect_http; descriptor: bound socket */
    IPC_KEYS,       /* descriptor: sealed memfd, one record per private key, DER */
    IPC_TICKETS,    /* bytes: ticket secrets, newest first (tls/tls_ticket.h) */
    IPC_COOKIE_KEY, /* bytes: 32 bytes that sign the affinity cookie */
    IPC_ADDRESSES,  /* string: host, u32: count, bytes per address (4 or 16 long) */
    IPC_KEYD,       /* descriptor: this worker's channel to keyd; may come again */
    IPC_LOGD,       /* descriptor: this process's channel to logd; may come again */
    IPC_BACKLOG,    /* to logd: descriptor: memory of log/backlog.h */
    IPC_BEGIN,      /* no fields: set up is over, jail yourself and work */
    /* child -> parent */
    IPC_READY,  /* no fields: jailed and at work */
    IPC_FAILED, /* string: why this process cannot work */
    /* parent -> child, any time */
    IPC_DRAIN,  /* no fields: finish what is in flight, then end */
    IPC_CLIENT, /* to keyd, logd: descriptor: one more asker; string: who it is; to keyd,
                   bytes: the keys it may ask for, one bit for each record of IPC_KEYS,
                   the lowest first (KEY_SCOPE_BYTES, tls/key_wire.h); to logd, u64:
                   which of the processes of this name */
    IPC_ENDED,  /* to logd: string, u64: as above, it has ended; u64: the number of
                   events that it made */
    IPC_PING,   /* u32: number of the question whether it still works */
    /* child -> parent */
    IPC_PONG,  /* u32: number of the question that this answers */
    IPC_ASKED, /* keyd: string: which asker; u32: 1 for a window that was odd, 0 for a
                  total; u64: questions, u64: refused ones, u64: what is usual
                  (tls/keyd_watch.h) */
    IPC_LOST,  /* worker: u32: IPC_KEYD or IPC_LOGD: it has no such channel any more */
    /* worker -> keyd and back (tls/key_client.h) */
    IPC_SIGN,
    IPC_SIGNED,
    /* parent -> notary: string: the configuration's file; and back, both once */
    IPC_NOTARIZE,
    IPC_NOTARIZED, /* u32: 0 the text, 1 the keys; descriptor: sealed memfd */
    /* any -> logd: one batch of events (log/event.h) */
    IPC_EVENTS,
};
#define IPC_TAG_LAST IPC_EVENTS /* a message with a tag beyond it is refused */

/*
 * A message being written. 60 KiB, as is the one below: keep both static or on the
 * heap. Neither needs to be zeroed; only the bytes in use are ever touched.
 */
struct ipc_writer {
    uint8_t bytes[IPC_MESSAGE_BYTES];
    size_t length;
    int fd;        /* -1: none; stays the caller's */
    bool overflow; /* a field did not fit: send will refuse */
};

/* A received message. Owns `fd` until taken. Views point into `bytes`. */
struct ipc_message {
    uint8_t bytes[IPC_MESSAGE_BYTES];
    size_t length, at;
    enum ipc_tag tag;
    int fd;      /* -1: none */
    bool broken; /* a field was read that is not there; all later reads fail */
};

enum ipc_result {
    IPC_DONE,
    IPC_AGAIN,   /* would block: non-blocking descriptor, or the time-out has passed */
    IPC_CLOSED,  /* the other process is gone */
    IPC_REFUSED, /* malformed, overlong or of another version: end this channel */
};

/* A connected pair, close-on-exec and blocking. False: errno says why. */
bool ipc_pair(int pair[2]) MUST_USE;

void ipc_begin(struct ipc_writer *w, enum ipc_tag tag);
void ipc_put_u32(struct ipc_writer *w, uint32_t number);
void ipc_put_u64(struct ipc_writer *w, uint64_t number);
void ipc_put_bytes(struct ipc_writer *w, struct bytes data);
void ipc_put_string(struct ipc_writer *w, const char *text);
/* Sends `fd` along; the caller keeps it and closes it when it likes. */
void ipc_put_fd(struct ipc_writer *w, int fd);

/*
 * Sends without waiting when `channel` is non-blocking; never raises SIGPIPE.
 * IPC_REFUSED: a field overflowed or the kernel did not take it; nothing was sent.
 */
enum ipc_result ipc_send(int channel, const struct ipc_writer *w) MUST_USE;

/*
 * Receives one message; waits at most `timeout_ms` (-1: for ever, 0: not at all).
 * Any descriptor of a refused message is closed. A message left over in `m` must
 * have had its descriptor taken or dropped with ipc_done.
 */
enum ipc_result
ipc_receive(int channel, int timeout_ms, struct ipc_message *m) MUST_USE;

/*
 * Answers IPC_PING, which lies in `ping`: each child's turn does so, and a child that no
 * longer turns does not. A channel without room is the parent's matter.
 */
void ipc_pong(int channel, struct ipc_message *ping, struct ipc_writer *w);

/*
 * Opens the message whose `length` bytes lie in m->bytes already: the last step of
 * ipc_receive, and the first of a test or a fuzzer, which have no channel. False
 * when it is too short, of another version or of an unknown tag.
 */
bool ipc_open(struct ipc_message *m, size_t length) MUST_USE;

/*
 * Fields, in the order they were put. On a mismatch: `broken`, and 0 or an empty
 * view. The view of a field that is there and empty has `at` not NULL.
 */
uint32_t ipc_get_u32(struct ipc_message *m);
uint64_t ipc_get_u64(struct ipc_message *m);
struct bytes ipc_get_bytes(struct ipc_message *m);
/* Copies a string of at most `room` - 1 bytes; longer or with a NUL: broken, and "". */
void ipc_get_string(struct ipc_message *m, char *to, size_t room);
/* The descriptor, now the caller's; -1 when there is none. */
int ipc_take_fd(struct ipc_message *m);
/* True when every field was read and none was missing: the message was as expected. */
bool ipc_at_end(const struct ipc_message *m);

/* Closes a descriptor nobody took and wipes the bytes. */
void ipc_done(struct ipc_message *m);

#endif
