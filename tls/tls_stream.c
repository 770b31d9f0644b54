/*
 * tls/tls_stream.c - bytes between a socket and its owner's queues, through TLS.
 *
 * libuv's callbacks write down what happened and wake the owner; nothing here
 * decides what the connection does next. It knows nothing of HTTP, of hosts or of
 * who waits for what.
 *
 * Bounds: cipher_in CIPHER_IN_LIMIT plus one read, cipher_out CIPHER_OUT_LIMIT plus
 * one record, in_flight what cipher_out held. A queue that is empty holds no
 * memory, so an idle stream is this struct and its SSL object.
 * Trust: every byte in cipher_in comes from the network.
 */
#include "tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include "base/require.h"
#include "tls/tls_fault.h"
#include "tls/tls_gate.h"
#include "tls/tls_tap.h"

#define CIPHER_IN_LIMIT (2 * CHUNK_BYTES)
#define CIPHER_OUT_LIMIT (4 * CHUNK_BYTES)
/*
 * KeyUpdates, tickets and empty records (RFC 8446, 4.6 and 5.1) cost the sender next to
 * nothing and us a key derivation or an answer each. So many bytes of them in a row, some
 * thousand messages, are more than any peer needs.
 */
#define BARREN_LIMIT ((uint64_t)4 * CHUNK_BYTES)
#define WRITE_SPANS 16 /* per system call; a fuller queue takes more calls */

static void
fail(struct tls_stream *s, enum fault fault)
{
    if (s->fault == FAULT_NONE) /* the first cause is the one that counts */
        s->fault = fault;
}

static enum fault
reset_of(const struct tls_stream *s)
{
    return s->side == TLS_SIDE_CLIENT ? FAULT_CLIENT_RESET : FAULT_UPSTREAM_RESET;
}

/* Translates OpenSSL's answer; the only place that looks at SSL_get_error. */
static enum tls_io
verdict(struct tls_stream *s, int answer, struct note *note)
{
    if (answer > 0)
        return TLS_IO_MOVED;
    switch (SSL_get_error(s->ssl, answer)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
    case SSL_ERROR_WANT_ASYNC:
    case SSL_ERROR_WANT_X509_LOOKUP:
        return TLS_IO_WAIT;
    case SSL_ERROR_ZERO_RETURN:
        if (s->established)
            return TLS_IO_EOF;
        fail(s, tls_fault_of_end(s, note)); /* a goodbye where nothing has begun */
        return TLS_IO_FAILED;
    default:
        fail(s, tls_fault_take(s, note));
        return TLS_IO_FAILED;
    }
}

/* --- moving --- */

static enum tls_io
read_clear(struct tls_stream *s, struct chunk_queue *into)
{
    bool has_room = !chunk_queue_is_full(into);

    if (has_room && !chunk_queue_is_empty(&s->cipher_in)) {
        size_t room = into->limit - into->length;
        size_t waiting = s->cipher_in.length;

        chunk_queue_move(into, &s->cipher_in, room < waiting ? room : waiting);
        if (!into->starved)
            return TLS_IO_MOVED;
        fail(s, FAULT_MEMORY_FULL);
        return TLS_IO_FAILED;
    }
    if (!has_room || !s->transport_eof)
        return TLS_IO_WAIT;
    if (s->transport_error == 0)
        return TLS_IO_EOF;
    fail(s, reset_of(s));
    return TLS_IO_FAILED;
}

/* OpenSSL would only say "again": not asking saves a tenth of a small request. */
static bool
has_nothing_to_read(const struct tls_stream *s)
{
    return chunk_queue_is_empty(&s->cipher_in) && !s->transport_eof &&
        SSL_pending(s->ssl) == 0 &&
        (SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN) == 0;
}

/* Has the other side talked for too long without saying anything? */
static bool
is_flooding(const struct tls_stream *s)
{
    return s->bytes_in - s->cipher_in.length > s->fruitful_in + BARREN_LIMIT;
}

enum tls_io
tls_stream_read(struct tls_stream *s, struct chunk_queue *into)
{
    enum tls_io io = TLS_IO_WAIT;
    bool moved = false;

    require(s->established || s->fault != FAULT_NONE);
    if (s->fault != FAULT_NONE)
        return TLS_IO_FAILED;
    if (s->ssl == NULL)
        return read_clear(s, into);
    while (!chunk_queue_is_full(into) && !has_nothing_to_read(s)) {
        size_t room;
        unsigned char *to = chunk_queue_room(into, &room);
        int n;

        if (to == NULL)
            break; /* nothing is lost: it waits where it is */
        ERR_clear_error();
        n = SSL_read(s->ssl, to, (int)room);
        chunk_queue_commit(into, n > 0 ? (size_t)n : 0);
        io = verdict(s, n, NULL);
        if (io != TLS_IO_MOVED)
            break;
        moved = true;
    }
    if (moved)
        s->fruitful_in = s->bytes_in - s->cipher_in.length;
    else if (is_flooding(s) && io == TLS_IO_WAIT) {
        fail(s,
            s->side == TLS_SIDE_CLIENT ? FAULT_TLS_FLOOD : FAULT_UPSTREAM_TLS_FLOOD);
        io = TLS_IO_FAILED;
    }
    return moved ? TLS_IO_MOVED : io;
}

static enum tls_io
write_clear(struct tls_stream *s, struct chunk_queue *from)
{
    size_t room, bytes = from->length;

    if (chunk_queue_is_empty(from) || chunk_queue_is_full(&s->cipher_out))
        return TLS_IO_WAIT;
    room = s->cipher_out.limit - s->cipher_out.length;
    chunk_queue_move(&s->cipher_out, from, room < bytes ? room : bytes);
    return TLS_IO_MOVED;
}

enum tls_io
tls_stream_write(struct tls_stream *s, struct chunk_queue *from)
{
    enum tls_io io = TLS_IO_WAIT;
    bool moved = false;

    require(s->established || s->fault != FAULT_NONE);
    if (s->fault != FAULT_NONE)
        return TLS_IO_FAILED;
    if (s->write_broken)
        return TLS_IO_WAIT;
    if (from->starved) { /* its end is missing: it must not pass for whole */
        fail(s, FAULT_MEMORY_FULL);
        return TLS_IO_FAILED;
    }
    if (s->ssl == NULL)
        return write_clear(s, from);
    while (!chunk_queue_is_empty(from) && !chunk_queue_is_full(&s->cipher_out)) {
        struct bytes front = chunk_queue_front(from);
        int n;

        ERR_clear_error();
        n = SSL_write(s->ssl, front.at, (int)front.length);
        io = verdict(s, n, NULL);
        if (io != TLS_IO_MOVED)
            break;
        chunk_queue_drop(from, (size_t)n);
        moved = true;
    }
    return moved ? TLS_IO_MOVED : io;
}

/* --- the handshake --- */

/*
 * A client that speaks HTTP, SMTP or SSLv2 to a TLS port. It gets the alert that
 * RFC 8446, 5 asks for and no content: a browser must not show our words as the
 * answer of a site whose identity nobody proved.
 */
static bool
is_clear_text(const struct tls_stream *s)
{
    struct bytes front = chunk_queue_front(&s->cipher_in);

    if (s->side != TLS_SIDE_CLIENT || front.length == 0 ||
        s->bytes_in != s->cipher_in.length)
        return false;
    return front.at[0] < SSL3_RT_CHANGE_CIPHER_SPEC ||
        front.at[0] > SSL3_RT_APPLICATION_DATA;
}

static void
refuse_clear_text(struct tls_stream *s)
{
    static const char alert[] = { SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL,
        SSL_AD_UNEXPECTED_MESSAGE };

    chunk_queue_append(&s->cipher_out, bytes_of(alert, sizeof alert));
    fail(s, FAULT_TLS_CLEAR_TEXT);
}

enum tls_io
tls_stream_handshake(struct tls_stream *s, struct note *note)
{
    enum tls_io io;

    if (s->fault == FAULT_NONE && !s->established && s->connected && is_clear_text(s))
        refuse_clear_text(s);
    if (s->fault == FAULT_NONE && s->transport_eof && key_turn_is_waiting(&s->turn))
        fail(s, tls_fault_take(s, note)); /* the signature is no use any more */
    if (s->fault != FAULT_NONE) {
        key_turn_drop(&s->turn, s->ssl);
        if (s->transport_error != 0)
            note_set(note, "%s", uv_strerror(s->transport_error));
        return TLS_IO_FAILED;
    }
    if (s->established || !s->connected)
        return s->established ? TLS_IO_MOVED : TLS_IO_WAIT;
    ERR_clear_error();
    io = verdict(s, key_turn_shake(&s->turn, s->ssl), note);
    if (io != TLS_IO_MOVED)
        return io;
    fail(s,
        s->side == TLS_SIDE_CLIENT ? tls_gate_client(s->ssl, note)
                                   : tls_gate_upstream(s->ssl, note));
    if (s->fault != FAULT_NONE)
        return TLS_IO_FAILED;
    s->established = true;
    s->fruitful_in = s->bytes_in - s->cipher_in.length;
    return TLS_IO_MOVED;
}

/* --- libuv callbacks: write down what happened, then wake the owner --- */

static void
on_alloc(uv_handle_t *tcp, size_t hint, uv_buf_t *buf)
{
    struct tls_stream *s = tcp->data;
    size_t room;
    unsigned char *to = chunk_queue_ask(&s->cipher_in, &room);

    (void)hint; /* always 64 KiB; ours is what the tail chunk has left */
    *buf = uv_buf_init((char *)to, (unsigned)room);
}

/*
 * libuv reports a reset that arrives together with data as an orderly end (1.44:
 * uv__stream_io short-circuits POLLHUP). In clear text that would pass for the end
 * of a body, so the socket is asked. 0: it was orderly.
 */
static int
error_at_eof(const uv_stream_t *tcp)
{
    int fd, error = 0;
    socklen_t length = sizeof error;

    if (uv_fileno((const uv_handle_t *)tcp, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return 0;
    return uv_translate_sys_error(error);
}

static void
on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct tls_stream *s = tcp->data;

    if (buf->base != NULL) /* a hang-up may come without a buffer of on_alloc's */
        chunk_queue_commit(&s->cipher_in, n > 0 ? (size_t)n : 0);
    if (s->closing || n == 0)
        return;
    if (n == UV_ENOBUFS) { /* on_alloc had none: the kernel keeps the bytes */
        uv_read_stop(tcp);
        s->reading = false;
        s->lacks_room = true;
        return;
    }
    if (n > 0) {
        s->bytes_in += (size_t)n;
    } else {
        /* What came before a reset is still in the queue and still true. */
        s->reading = false;
        s->transport_eof = true;
        s->transport_error = n == UV_EOF ? error_at_eof(tcp) : (int)n;
    }
    if (s->fault != FAULT_NONE)
        chunk_queue_clear(&s->cipher_in); /* read only to let the alert arrive */
    s->wake(s->owner);
}

/*
 * Nothing more can leave: whoever waits for is_flushed must not wait for ever. An
 * upstream that stopped reading may have answered first (a 413, say): what it sent
 * is still to be read, and reading will tell when it is gone.
 */
static void
give_up_writing(struct tls_stream *s, int error)
{
    chunk_queue_clear(&s->cipher_out);
    s->write_broken = true;
    if (s->side == TLS_SIDE_UPSTREAM && s->established && !s->transport_eof)
        return;
    if (s->transport_error == 0) /* a reset that was read says more than EPIPE */
        s->transport_error = error;
    fail(s, reset_of(s));
}

static void
on_written(uv_write_t *req, int status)
{
    struct tls_stream *s = req->data;

    s->writing = false;
    s->bytes_out += status == 0 ? s->in_flight.length : 0;
    chunk_queue_clear(&s->in_flight);
    if (s->closing)
        return;
    if (status < 0)
        give_up_writing(s, status);
    s->wake(s->owner);
}

static void
on_connected(uv_connect_t *req, int status)
{
    struct tls_stream *s = req->data;

    if (s->closing)
        return;
    s->connected = status == 0;
    s->established = s->connected && s->ssl == NULL;
    if (status < 0) {
        s->transport_error = status;
        fail(s, tls_fault_of_connect(status));
    }
    s->wake(s->owner);
}

static void
on_shutdown(uv_shutdown_t *req, int status)
{
    struct tls_stream *s = req->data;

    (void)status; /* a FIN that cannot be sent is as good as one that was */
    if (s->closing)
        return;
    s->finished = true;
    s->wake(s->owner);
}

/* The only place where what a stream owns is released. */
static void
on_tcp_closed(uv_handle_t *tcp)
{
    struct tls_stream *s = tcp->data;

    require(!s->writing); /* libuv cancels writes before it closes */
    SSL_free(s->ssl);
    s->ssl = NULL;
    chunk_queue_clear(&s->cipher_in);
    chunk_queue_clear(&s->cipher_out);
    chunk_queue_clear(&s->in_flight);
    s->on_closed(s->owner);
}

/* --- writing --- */

/* The oldest data of `q` as at most WRITE_SPANS spans; `bytes`: how much that is. */
static unsigned
spans_of(const struct chunk_queue *q, uv_buf_t spans[WRITE_SPANS], size_t *bytes)
{
    unsigned n = 0;

    *bytes = 0;
    for (struct chunk *c = q->head; c != NULL && n < WRITE_SPANS; c = c->next) {
        size_t length = c->end - c->start;

        spans[n++] = uv_buf_init((char *)c->bytes + c->start, (unsigned)length);
        *bytes += length;
    }
    return n;
}

/* The socket takes no more now: libuv writes when it does, one write at a time. */
static void
write_later(struct tls_stream *s, size_t bytes)
{
    uv_buf_t spans[WRITE_SPANS];
    unsigned n;
    int error;

    chunk_queue_move(&s->in_flight, &s->cipher_out, bytes);
    n = spans_of(&s->in_flight, spans, &bytes);
    require(bytes == s->in_flight.length);
    s->write_req.data = s;
    error = uv_write(&s->write_req, (uv_stream_t *)&s->tcp, spans, n, on_written);
    s->writing = error == 0;
    if (error != 0) {
        chunk_queue_clear(&s->in_flight);
        give_up_writing(s, error);
    }
}

/*
 * At once where the socket has room: a small answer costs one system call and
 * no turn of the loop. A full queue goes through libuv all the same: its owner was
 * told to wait, and only the callback wakes it. At most one write is left to libuv,
 * so its own queue, which knows no bound, never holds more than in_flight.
 */
static void
flush(struct tls_stream *s)
{
    if (s->cipher_out.starved) { /* half a record must not leave */
        fail(s, FAULT_MEMORY_FULL);
        s->write_broken = true;
    }
    if (s->write_broken)
        chunk_queue_clear(&s->cipher_out); /* what OpenSSL had to say of its own */
    while (s->connected && !s->writing && !chunk_queue_is_empty(&s->cipher_out)) {
        uv_buf_t spans[WRITE_SPANS];
        size_t bytes;
        unsigned n = spans_of(&s->cipher_out, spans, &bytes);
        bool is_full = chunk_queue_is_full(&s->cipher_out);
        int written =
            is_full ? UV_EAGAIN : uv_try_write((uv_stream_t *)&s->tcp, spans, n);

        if (written < 0 && written != UV_EAGAIN) {
            give_up_writing(s, written);
            return;
        }
        if (written > 0) {
            chunk_queue_drop(&s->cipher_out, (size_t)written);
            s->bytes_out += (size_t)written;
            bytes -= (size_t)written;
        }
        if (bytes > 0)
            write_later(s, bytes);
    }
}

static void
send_fin(struct tls_stream *s)
{
    s->fin_underway = true;
    s->req.shutdown.data = s;
    if (uv_shutdown(&s->req.shutdown, (uv_stream_t *)&s->tcp, on_shutdown) < 0)
        s->finished = true; /* no connection any more: nothing to end */
}

void
tls_stream_settle(struct tls_stream *s, bool want_more)
{
    bool is_useful = s->fault == FAULT_NONE || s->finishing;
    bool read = want_more && is_useful && s->connected && !s->transport_eof &&
        !chunk_queue_is_full(&s->cipher_in) &&
        !(s->lacks_room && !chunk_pool_has_room());

    if (s->closing)
        return;
    flush(s);
    if (s->finishing && !s->fin_underway && !s->writing)
        send_fin(s);
    if (read == s->reading)
        return;
    if (read && uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read) < 0)
        return;
    if (!read)
        uv_read_stop((uv_stream_t *)&s->tcp);
    s->reading = read;
    s->lacks_room = s->lacks_room && !read;
}

bool
tls_stream_is_flushed(const struct tls_stream *s)
{
    return chunk_queue_is_empty(&s->cipher_out) && !s->writing &&
        (!s->finishing || s->finished);
}

/* --- life --- */

static void
attach(struct tls_stream *s, SSL *ssl)
{
    BIO *tap = tls_tap_new(s);

    s->ssl = ssl;
    if (tap == NULL) {
        fail(s, FAULT_NO_SOCKET);
        return;
    }
    SSL_set_bio(ssl, tap, tap);
    SSL_set_mode(ssl,
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
            SSL_MODE_RELEASE_BUFFERS);
    if (s->side == TLS_SIDE_CLIENT)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
}

void
tls_stream_init(struct tls_stream *s, enum tls_side side, uv_loop_t *loop, SSL *ssl,
    void (*wake)(void *), void *owner)
{
    *s = (struct tls_stream){ .side = side, .wake = wake, .owner = owner };
    key_turn_init(&s->turn, wake, owner);
    chunk_queue_init(&s->cipher_in, CIPHER_IN_LIMIT);
    chunk_queue_init(&s->cipher_out, CIPHER_OUT_LIMIT);
    chunk_queue_init(&s->in_flight, CIPHER_OUT_LIMIT);
    if (ssl != NULL)
        attach(s, ssl);
    require(uv_tcp_init(loop, &s->tcp) == 0); /* makes no socket yet: cannot fail */
    s->tcp.data = s;
}

bool
tls_stream_accept(struct tls_stream *s, int fd)
{
    if (uv_tcp_open(&s->tcp, fd) != 0) {
        close(fd);
        return false;
    }
    uv_tcp_nodelay(&s->tcp, 1); /* we gather ourselves; a refusal only costs time */
    s->connected = true;
    s->established = s->ssl == NULL;
    return true;
}

void
tls_stream_begin_tls(struct tls_stream *s, SSL *ssl)
{
    require(s->ssl == NULL && s->bytes_in == s->cipher_in.length);
    attach(s, ssl);
    s->established = false;
}

void
tls_stream_connect(struct tls_stream *s, const struct sockaddr *to)
{
    int error;

    s->req.connect.data = s;
    error = uv_tcp_connect(&s->req.connect, &s->tcp, to, on_connected);
    if (error == 0)
        error = uv_tcp_nodelay(&s->tcp, 1);
    if (error != 0) {
        s->transport_error = error;
        fail(s, tls_fault_of_connect(error));
    }
}

void
tls_stream_finish(struct tls_stream *s)
{
    if (s->finishing || s->closing || !s->connected)
        return;
    if (s->ssl != NULL && s->established && s->fault == FAULT_NONE) {
        ERR_clear_error();
        s->says_goodbye = true;
        SSL_shutdown(s->ssl);
        s->says_goodbye = false;
        ERR_clear_error();
    }
    s->finishing = true;
}

void
tls_stream_close(struct tls_stream *s, void (*on_closed)(void *))
{
    if (s->closing)
        return;
    s->closing = true;
    s->on_closed = on_closed;
    key_turn_drop(&s->turn, s->ssl);
    uv_close((uv_handle_t *)&s->tcp, on_tcp_closed);
}
