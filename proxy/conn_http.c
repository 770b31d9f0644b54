/*
 * proxy/conn_http.c - the HTTP/1.1 engine toward the client (RFC 9112).
 *
 * It turns bytes into an exchange and an exchange's answer into bytes, one at a
 * time and in order, so a pipelined request waits in the queue behind the one
 * before. A second engine (HTTP/2) would stand beside this file and drive the same
 * exchanges.
 */
#include "proxy/conn_priv.h"

#include <stdio.h>

#include "base/clock.h"
#include "http/reply.h"
#include "http/write.h"
#include "proxy/forward.h"
#include "proxy/listener.h"
#include "proxy/own_page.h"
#include "proxy/worker.h"

static const struct http_limits *
limits_of(const struct conn *c)
{
    static const struct http_limits standard = HTTP_LIMITS_DEFAULT;

    return c->client.publish != NULL ? &c->client.publish->limits : &standard;
}

/* There is not even memory for the request's own struct: a bare answer, and the end. */
static void
refuse_without_exchange(struct conn *c)
{
    const struct http_reply reply = { .fault = FAULT_MEMORY_FULL,
        .request_id = bytes_of_string(c->client.id),
        .close = true };

    chunk_queue_clear(&c->in);
    http_reply_write(&reply, &c->out);
    c->drains_input = true;
    conn_linger(c, FAULT_MEMORY_FULL);
}

/* A new exchange is the present one; no request body is known yet. NULL: it was refused. */
static struct exchange *
new_exchange(struct conn *c)
{
    struct exchange *x = exchange_new(&c->client, c->head_begun_ns);

    if (x == NULL) {
        refuse_without_exchange(c);
        return NULL;
    }
    c->exchange = x;
    c->requests++;
    c->answer_begun = false;
    c->keep_alive = false;
    http_body_begin(&c->body, (struct http_framing){ HTTP_NO_BODY, 0 }, limits_of(c));
    return x;
}

void
conn_http_refuse(struct conn *c, enum fault fault)
{
    struct exchange *x = new_exchange(c);

    if (x == NULL)
        return;
    x->request.minor = 1;
    exchange_fail(x, fault);
    c->drains_input = true;
}

/* The whole head is in the queue: parses it into a new exchange. */
static void
begin_exchange(struct conn *c, size_t length)
{
    struct exchange *x = new_exchange(c);
    enum fault fault;
    char *raw;

    if (x == NULL)
        return;
    raw = arena_take(&x->arena, length);
    if (raw == NULL) {
        x->request.minor = 1;
        exchange_fail(x, FAULT_MEMORY);
        c->drains_input = true;
        return;
    }
    chunk_queue_peek(&c->in, 0, raw, length);
    chunk_queue_drop(&c->in, length);
    fault = http_request_parse(bytes_of(raw, length), limits_of(c), &x->arena,
        &x->request, &x->note);
    if (fault != FAULT_NONE) {
        x->request.minor = 1; /* unreliable now; the answer is in our own version */
        exchange_fail(x, fault);
        c->drains_input = true;
        return;
    }
    http_body_begin(&c->body, x->request.framing, limits_of(c));
    exchange_begin(x);
    c->keep_alive = x->request.keep_alive;
}

bool
conn_http_head(struct conn *c)
{
    bool moved = false;
    size_t length = 0;
    enum fault fault = FAULT_NONE;

    c->in.limit = limits_of(c)->head_bytes + CHUNK_BYTES;
    if (!conn_read(c, &moved))
        return true;
    if (chunk_queue_is_empty(&c->in)) {
        if (c->ended)
            conn_linger(c, FAULT_NONE);
        return moved || c->ended;
    }
    if (c->head_begun_ns == 0) {
        c->head_begun_ns = clock_ns();
        c->head_begun_ms = uv_now(c->stream.tcp.loop);
    }
    switch (http_head_find(&c->search, &c->in, limits_of(c), false, &length, &fault)) {
    case HTTP_NEEDS_MORE:
        if (c->ended)
            conn_abort(c, FAULT_CLIENT_CLOSED);
        return moved || c->ended;
    case HTTP_IS_REFUSED:
        conn_http_refuse(c, fault);
        return true;
    case HTTP_HAS_ALL:
        begin_exchange(c, length);
        return true;
    }
    return false;
}

/* --- the request's body --- */

static void
read_upload(struct conn *c, bool *moved)
{
    struct exchange *x = c->exchange;
    size_t before = c->in.length;
    enum fault fault;

    if (c->body.ended || x->upload.ended || x->phase == PHASE_GATE ||
        x->phase == PHASE_DONE) /* answered early: nobody wants the rest */
        return;
    fault = http_body_decode(&c->body, &c->in, &x->upload.data);
    if (fault == FAULT_NONE && c->ended && chunk_queue_is_empty(&c->in) &&
        !c->body.ended && http_body_wire_ended(&c->body) != FAULT_NONE) {
        if (x->phase == PHASE_REST) { /* it has its answer: so it may go */
            exchange_end_rest(x);
            *moved = true;
            return;
        }
        fault = FAULT_CLIENT_CLOSED;
    }
    if (fault != FAULT_NONE) {
        exchange_fail(x, fault);
        c->drains_input = true;
        *moved = true;
        return;
    }
    x->upload.bytes = c->body.decoded;
    x->upload.ended = c->body.ended;
    if (c->in.length != before || c->body.ended) {
        x->upload_moved_ms = uv_now(c->stream.tcp.loop);
        *moved = true;
    }
}

/* --- the answer --- */

/* The client has closed its side, and no request of before waits in the queue. */
static bool
is_last_request(const struct conn *c)
{
    return c->ended && chunk_queue_is_empty(&c->in);
}

/* How the answer is framed for this client, whatever the upstream used. */
static struct http_framing
framing_for_client(const struct exchange *x)
{
    struct http_framing framing = x->response.framing;

    if (framing.kind == HTTP_UNTIL_CLOSE || framing.kind == HTTP_CHUNKED)
        framing.kind = x->request.minor > 0 ? HTTP_CHUNKED : HTTP_UNTIL_CLOSE;
    return framing;
}

/*
 * The head in x->response goes to the client as a whole or not at all: where it does not
 * fit into its memory the exchange fails, and the next look finds our own answer.
 */
static bool
write_response(struct conn *c, struct http_framing framing, bool close, bool persist)
{
    struct chunk_queue head;
    enum fault fault;

    chunk_queue_init(&head, SIZE_MAX);
    fault = forward_response(c->exchange, framing, close, persist, &head);
    if (fault == FAULT_NONE)
        chunk_queue_move(&c->out, &head, head.length);
    else
        exchange_head_failed(c->exchange, fault);
    chunk_queue_clear(&head);
    return fault == FAULT_NONE;
}

static void
write_head(struct conn *c)
{
    struct exchange *x = c->exchange;
    struct http_framing framing = framing_for_client(x);
    bool takes_rest = c->body.ended || exchange_takes_rest(x);

    if (!takes_rest || framing.kind == HTTP_UNTIL_CLOSE || c->client.worker->draining ||
        c->client.pinned_lost || is_last_request(c))
        c->keep_alive = false;
    if (!write_response(c, framing, !c->keep_alive && framing.kind != HTTP_TUNNEL,
            c->keep_alive && x->request.minor == 0))
        return;
    if (framing.kind == HTTP_TUNNEL)
        http_body_begin(&c->body, framing, limits_of(c));
    c->answer_from = tls_stream_written(&c->stream);
    x->status_sent = x->response.status;
    c->answer_framing = framing.kind;
    c->answer_begun = true;
}

static void
write_interim(struct conn *c)
{
    if (write_response(c, (struct http_framing){ HTTP_NO_BODY, 0 }, false, false))
        exchange_interim_passed(c->exchange);
}

/* Our own answer: a refusal, or the way to https. */
static void
write_own(struct conn *c)
{
    struct exchange *x = c->exchange;
    struct bytes location =
        x->fault == FAULT_NONE && x->redirect != 0 ? forward_redirect(x) : BYTES("");
    struct http_reply reply = {
        .location = location,
        .request_id = bytes_of_string(x->id),
        .as_json = http_wants_json(&x->request),
        .hsts = forward_hsts(x),
        .head_only = x->request.method_id == HTTP_METHOD_HEAD,
    };

    if (location.at == NULL)
        exchange_fail(x, FAULT_MEMORY); /* no effect on what had failed before */
    reply.fault = x->fault;
    if (x->fault == FAULT_NONE)
        reply.status = x->own_page != NULL ? 204 : x->redirect;
    if (!c->body.ended) {
        c->keep_alive = false;
        c->drains_input = true;
    }
    if (x->fault != FAULT_NONE && fault_who(x->fault) != FAULT_BY_GATE)
        c->keep_alive = false;
    if (x->fault == FAULT_HTTP_METHOD_REFUSED)
        reply.allow = own_page_is_below(x->url.decoded) ? BYTES("POST")
                                                        : BYTES("GET, HEAD, POST");
    if (c->client.worker->draining || c->client.pinned_lost || is_last_request(c))
        c->keep_alive = false;
    reply.close = !c->keep_alive;
    http_reply_write(&reply, &c->out);
    x->status_sent = reply.status != 0 ? reply.status : fault_status(x->fault);
    x->download.ended = x->download.delivered = true;
    x->phase = PHASE_DONE;
    c->answer_from = tls_stream_written(&c->stream);
    c->answer_begun = true;
}

static bool
write_download(struct conn *c)
{
    struct exchange *x = c->exchange;

    if (x->download.delivered || chunk_queue_is_full(&c->out))
        return false;
    if (chunk_queue_is_empty(&x->download.data) && !x->download.ended)
        return false;
    http_body_encode(c->answer_framing, &x->download.data, x->download.ended, &c->out);
    x->download.delivered = x->download.ended;
    return true;
}

static bool
write_answer(struct conn *c)
{
    struct exchange *x = c->exchange;

    switch (x->answer) {
    case ANSWER_NONE:
    case ANSWER_HELD:
        return false;
    case ANSWER_INTERIM:
        write_interim(c);
        return true;
    case ANSWER_OWN:
        if (c->answer_begun)
            return false;
        write_own(c);
        return true;
    case ANSWER_HEAD:
        if (c->answer_begun)
            return write_download(c);
        write_head(c);
        if (c->answer_begun)
            write_download(c);
        return true;
    }
    return false;
}

/* After the present answer, another request is welcome, and could be told from this one. */
static bool
goes_on(const struct conn *c)
{
    return c->keep_alive && c->body.ended && !c->client.pinned_lost &&
        c->exchange->request.framing.kind != HTTP_TUNNEL;
}

/*
 * The answer is complete and the kernel has it all: only then is it told as a success.
 * A slow client may need long for that, and has the time for replies here.
 */
static bool
is_delivered(struct conn *c)
{
    if (!exchange_is_answered(c->exchange) || !chunk_queue_is_empty(&c->out))
        return false;
    tls_stream_settle(&c->stream, !chunk_queue_is_full(&c->in));
    return c->stream.fault == FAULT_NONE && tls_stream_is_flushed(&c->stream);
}

/* The next request, or the end. */
static void
end_exchange(struct conn *c)
{
    bool next = goes_on(c);

    exchange_free(&c->exchange);
    c->head_begun_ns = 0;
    c->search = (struct http_head_search){ .seen = 0 };
    if (!next && (!c->body.ended || !chunk_queue_is_empty(&c->in)))
        c->drains_input = true; /* else a reset might take the answer with it */
    if (next)
        conn_enter(c, PHASE_HEAD);
    else
        conn_linger(c, FAULT_NONE);
}

bool
conn_http_exchange(struct conn *c)
{
    struct exchange *x = c->exchange;
    bool moved = false;

    c->in.limit = WIRE_LIMIT;
    if (!conn_read(c, &moved))
        return true;
    read_upload(c, &moved);
    if (c->ended)
        x->half_closed = true;
    if (exchange_step(x))
        moved = true;
    if (x->cut) {
        conn_abort(c, x->fault);
        return true;
    }
    if (write_answer(c))
        moved = true;
    if (tls_stream_write(&c->stream, &c->out) == TLS_IO_MOVED)
        moved = true;
    if (x->request.framing.kind == HTTP_TUNNEL && x->download.delivered &&
        chunk_queue_is_empty(&c->out))
        tls_stream_finish(&c->stream); /* the client's half may stay open */
    if (is_delivered(c)) {
        end_exchange(c);
        return true;
    }
    return moved;
}
