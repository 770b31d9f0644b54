/*
 * cli/demo_conn.c - HTTP/1.1 over one blocking TLS connection.
 *
 * Knows framing, not pages. The queue `in` holds what came and was not used yet,
 * `out` what is not sent yet; both are bounded by the calls that fill them. Trust:
 * the bytes are the client's, and read with the bounds of http/.
 */
#include "cli/demo_conn.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "http/write.h"

#define IDLE_SECONDS 300       /* longer than postern keeps an unused connection */
#define LINGER_BYTES (1 << 20) /* of an unread body, so that no reset eats the answer */
#define LINGER_SECONDS 2

static const struct http_limits limits = HTTP_LIMITS_DEFAULT;

static const char content_policy[] =
    "default-src 'none'; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'";

bool
demo_conn_begin(struct demo_conn *c, SSL_CTX *context, int *fd)
{
    const struct timeval idle = { .tv_sec = IDLE_SECONDS };

    memset(c, 0, sizeof *c);
    c->fd = *fd;
    *fd = -1;
    chunk_queue_init(&c->in, CHUNK_BYTES);
    chunk_queue_init(&c->out, 4 * CHUNK_BYTES);
    arena_init(&c->arena, 4 * (size_t)limits.head_bytes);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle);
    c->tls = SSL_new(context);
    ERR_clear_error();
    return c->tls != NULL && SSL_set_fd(c->tls, c->fd) == 1 && SSL_accept(c->tls) == 1;
}

/* A close with unread bytes in the socket would become a reset (RFC 9112, 9.6). */
static void
linger(int fd)
{
    const struct timeval patience = { .tv_sec = LINGER_SECONDS };
    char unread[4096];
    ssize_t got;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    shutdown(fd, SHUT_WR);
    for (size_t left = LINGER_BYTES; left > 0; left -= (size_t)got) {
        got = read(fd, unread, left < sizeof unread ? left : sizeof unread);
        if (got <= 0)
            break;
    }
}

void
demo_conn_end(struct demo_conn *c)
{
    if (c->tls != NULL && SSL_is_init_finished(c->tls)) {
        SSL_shutdown(c->tls);
        linger(c->fd);
    }
    SSL_free(c->tls);
    ERR_clear_error();
    close(c->fd);
    chunk_queue_clear(&c->in);
    chunk_queue_clear(&c->out);
    arena_clear(&c->arena);
}

/* Adds what the client says next to c->in. */
static bool
receive(struct demo_conn *c)
{
    size_t room, got = 0;
    unsigned char *at = chunk_queue_room(&c->in, &room);
    bool came;

    if (at == NULL)
        return false;
    ERR_clear_error();
    came = SSL_read_ex(c->tls, at, room, &got) == 1;
    chunk_queue_commit(&c->in, came ? got : 0);
    return came;
}

static bool
flush(struct demo_conn *c)
{
    ERR_clear_error();
    while (!chunk_queue_is_empty(&c->out)) {
        struct bytes front = chunk_queue_front(&c->out);
        size_t sent;

        if (SSL_write_ex(c->tls, front.at, front.length, &sent) != 1) {
            c->last = true;
            return false;
        }
        chunk_queue_drop(&c->out, sent);
    }
    return true;
}

/* The head moves from the queue to the arena, where its parsed form points to. */
static enum fault
parse(struct demo_conn *c, size_t length)
{
    char *raw = arena_take(&c->arena, length);
    enum fault fault;

    if (raw == NULL)
        return FAULT_MEMORY;
    chunk_queue_peek(&c->in, 0, raw, length);
    chunk_queue_drop(&c->in, length);
    fault =
        http_request_parse(bytes_of(raw, length), &limits, &c->arena, &c->head, NULL);
    if (fault == FAULT_NONE) {
        /* An answer in pieces to HTTP/1.0 ends with the connection. */
        c->last = !c->head.keep_alive || c->head.minor == 0;
        http_body_begin(&c->body, c->head.framing, &limits);
    }
    return fault;
}

enum fault
demo_conn_next(struct demo_conn *c)
{
    struct http_head_search search = { 0 };
    enum fault fault = FAULT_NONE;
    enum http_progress progress;
    size_t length = 0;

    arena_clear(&c->arena);
    memset(&c->head, 0, sizeof c->head);
    memset(&c->body, 0, sizeof c->body);
    c->last = true;
    while ((progress = http_head_find(&search, &c->in, &limits, false, &length,
                &fault)) == HTTP_NEEDS_MORE)
        if (!receive(c))
            return FAULT_CLIENT_CLOSED;
    return progress == HTTP_HAS_ALL ? parse(c, length) : fault;
}

enum fault
demo_conn_read(struct demo_conn *c, struct chunk_queue *data)
{
    size_t before = data->length;

    if (c->head.expects_continue && chunk_queue_is_empty(&c->in)) {
        http_write_status_line(&c->out, 100, BYTES("Continue"));
        http_write_end(&c->out);
        if (!flush(c))
            return FAULT_CLIENT_CLOSED;
    }
    c->head.expects_continue = false;
    while (!c->body.ended) {
        enum fault fault = http_body_decode(&c->body, &c->in, data);

        if (fault != FAULT_NONE || data->length > before)
            return fault;
        if (!c->body.ended && !receive(c))
            return FAULT_CLIENT_CLOSED;
    }
    return FAULT_NONE;
}

static void
write_field(struct demo_conn *c, const char *name, const char *value)
{
    http_write_field(&c->out, bytes_of_string(name), bytes_of_string(value));
}

void
demo_conn_answer(struct demo_conn *c, unsigned status, const char *content_type)
{
    time_t now = time(NULL);
    char date[64];
    struct tm tm;

    c->last = c->last || !c->body.ended;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    http_write_status_line(&c->out, status, bytes_of_string(http_reason(status)));
    write_field(c, "Date", date);
    write_field(c, "Content-Type", content_type);
    write_field(c, "Content-Security-Policy", content_policy);
    write_field(c, "X-Content-Type-Options", "nosniff");
    write_field(c, "Referrer-Policy", "same-origin");
    if (c->last)
        write_field(c, "Connection", "close");
}

void
demo_conn_send(struct demo_conn *c, struct chunk_queue *body)
{
    if (body != NULL)
        http_write_framing(&c->out,
            (struct http_framing){ .kind = HTTP_LENGTH, .length = body->length });
    http_write_end(&c->out);
    if (body != NULL && c->head.method_id == HTTP_METHOD_HEAD)
        chunk_queue_clear(body);
    if (body != NULL)
        http_body_encode(HTTP_LENGTH, body, true, &c->out);
    flush(c);
}

bool
demo_conn_stream_begin(struct demo_conn *c)
{
    c->answer = c->head.minor == 0 ? HTTP_UNTIL_CLOSE : HTTP_CHUNKED;
    http_write_framing(&c->out, (struct http_framing){ .kind = c->answer });
    http_write_end(&c->out);
    return flush(c) && c->head.method_id != HTTP_METHOD_HEAD;
}

bool
demo_conn_stream(struct demo_conn *c, struct chunk_queue *piece, bool last)
{
    http_body_encode(c->answer, piece, last, &c->out);
    return flush(c);
}

bool
demo_conn_is_left(struct demo_conn *c, int ms)
{
    struct pollfd client = { .fd = c->fd, .events = POLLIN };

    return poll(&client, 1, ms) != 0;
}
