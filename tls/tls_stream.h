/*
 * tls/tls_stream.h - one TLS (or, where the operator wrote so, clear) connection
 * over one libuv TCP handle.
 *
 * A stream moves bytes and knows nothing of HTTP. It never calls its owner
 * with data: it only says "something changed" and lets the owner pull. All
 * deciding is thereby done in one place, the owner's step function.
 *
 *      uv_tcp --> cipher_in --> SSL_read  --> caller's queue
 *      uv_tcp <-- cipher_out <-- SSL_write <-- caller's queue
 *
 * Without an SSL object (clear text) the same calls move the bytes as they are.
 *
 * Ownership: the stream is embedded in its owner and owns the uv handle, the
 * SSL object and its queues. The owner must outlive on_closed.
 */
#ifndef TLS_TLS_STREAM_H
#define TLS_TLS_STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/chunk.h"
#include "base/fault.h"
#include "base/note.h"
#include "tls/key_turn.h"

enum tls_io {
    TLS_IO_MOVED,  /* bytes moved; worth trying again */
    TLS_IO_WAIT,   /* nothing to do until the next wake */
    TLS_IO_EOF,    /* once established: close_notify (or FIN, in clear text) came */
    TLS_IO_FAILED, /* see fault; only close is left */
};

enum tls_side { TLS_SIDE_CLIENT, TLS_SIDE_UPSTREAM }; /* who is at the other end */

struct tls_stream {
    uv_tcp_t tcp;
    SSL *ssl;             /* NULL: clear text */
    struct key_turn turn; /* its source is set before the handshake (key_turn.h) */
    struct chunk_queue cipher_in, cipher_out, in_flight;
    uv_write_t write_req;
    union {
        uv_connect_t connect; /* TLS_SIDE_UPSTREAM, before anything else */
        uv_shutdown_t shutdown;
    } req;
    uint64_t bytes_in, bytes_out; /* on the wire */
    uint64_t fruitful_in;         /* of bytes_in, up to the last that carried data */
    int transport_error;          /* the socket's own trouble, a libuv code; 0: none */
    enum fault fault;             /* first cause, FAULT_NONE while healthy */
    enum tls_side side;
    bool connected;   /* TCP is up */
    bool established; /* handshake done and gate passed, or clear text and connected */
    bool reading, writing, transport_eof;
    bool write_broken; /* the socket takes nothing more; it may still be read */
    bool lacks_room;   /* reading stopped because the pool may not grow */
    bool says_goodbye; /* close_notify is written now, however full cipher_out is */
    bool finishing, fin_underway, finished; /* asked for, at work, done */
    bool closing;

    void (*wake)(void *owner);
    void (*on_closed)(void *owner);
    void *owner;
};

/*
 * Takes over `ssl` (NULL: clear text). The uv handle is live from here on: close
 * is owed. `wake` is called after every event of the socket, never from inside
 * one of the functions below.
 */
void tls_stream_init(struct tls_stream *s, enum tls_side side, uv_loop_t *loop,
    SSL *ssl, void (*wake)(void *), void *owner);

/* Takes over the accepted socket `fd`. False: it is closed, and only close is left. */
bool tls_stream_accept(struct tls_stream *s, int fd) MUST_USE;

/*
 * Begins TLS on a stream that was accepted without an SSL object and from which
 * nothing was read: what waits in the queue becomes its first ciphertext.
 * Takes over `ssl`.
 */
void tls_stream_begin_tls(struct tls_stream *s, SSL *ssl);

/*
 * Dials. Trust and name to verify are already set on the SSL object (tls_context.h).
 * What fails at once (no route) leaves a fault and wakes nobody: step once after it.
 * NO_SOCKET: it was us who had nothing left to dial with, which says nothing about `to`.
 */
void tls_stream_connect(struct tls_stream *s, const struct sockaddr *to);

/*
 * Drives the handshake as far as it goes. TLS_IO_MOVED: established (the gate
 * has been asked); TLS_IO_WAIT: not yet; TLS_IO_FAILED. Harmless when established.
 * `note` gets the detail of a failure (for an upstream: what was wrong with the
 * certificate). On the first byte that is no TLS record the fault is TLS_CLEAR_TEXT
 * and an alert is queued. Whoever does not want to wait for keyd any longer refuses the
 * turn (key_turn.h) and calls this again: TLS_KEY_UNAVAILABLE, with an alert.
 */
enum tls_io tls_stream_handshake(struct tls_stream *s, struct note *note) MUST_USE;

/* Moves plaintext into `into` until it is full. Only when established. */
enum tls_io tls_stream_read(struct tls_stream *s, struct chunk_queue *into) MUST_USE;

/*
 * Moves plaintext out of `from` until it is empty or cipher_out is full. Only when
 * established. An upstream that takes no bytes any more is no failure as long as it
 * may still be read: the answer is WAIT, `from` stays, and write_broken tells.
 */
enum tls_io tls_stream_write(struct tls_stream *s, struct chunk_queue *from) MUST_USE;

/* Starts or stops reading from the socket and flushes what is queued: last in a step. */
void tls_stream_settle(struct tls_stream *s, bool want_more);

/*
 * After queued data: close_notify, then a TCP FIN. Reading goes on; after a fault
 * what is read is thrown away, so that no RST overtakes the alert: linger until
 * transport_eof or a deadline. Idempotent.
 */
void tls_stream_finish(struct tls_stream *s);

/*
 * True when nothing queued waits for the socket any more (and, after finish, FIN
 * was sent). After a failure too: the alert that tells the other side why is
 * queued like any data, so settle, wait for this, then close.
 */
bool tls_stream_is_flushed(const struct tls_stream *s);

/*
 * True when the socket holds nothing unread, neither bytes nor an end: asks the kernel,
 * which may know more than the loop has been told.
 */
bool tls_stream_is_quiet(const struct tls_stream *s);

/* Bytes on the wire that the kernel has taken from us so far. */
uint64_t tls_stream_written(const struct tls_stream *s);

/*
 * How many of those the other side has acknowledged (RFC 9293, 3.4): its kernel has them,
 * whether or not its program has read them. Asks ours (SIOCOUTQ, tcp(7)).
 */
uint64_t tls_stream_acknowledged(const struct tls_stream *s);

/* Immediate. Idempotent. `on_closed` runs later, once, when memory is free to go. */
void tls_stream_close(struct tls_stream *s, void (*on_closed)(void *));

/*
 * Bytes queued in cipher_in that the TLS layer has not looked at; with clear text
 * the bytes not yet read. For the search of a password in clear text and for tunnels.
 */
const struct chunk_queue *tls_stream_unread(const struct tls_stream *s);

/* Facts for the log; strings are static or live as long as the SSL object. "" in clear text. */
struct tls_facts {
    const char *version;     /* "1.2", "1.3" (ECS tls.version) */
    const char *cipher;      /* IANA name, such as TLS_AES_128_GCM_SHA256 */
    const char *server_name; /* SNI */
    const char *curve;
    bool resumed;
};
void tls_stream_facts(const struct tls_stream *s, struct tls_facts *facts);

#endif
