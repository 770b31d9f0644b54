/*
 * proxy/link_http.c - the HTTP/1.1 engine toward the upstream.
 *
 * The answer is read as strictly as a request; what is malformed becomes
 * UPSTREAM_MALFORMED with the parser's reason as its note, and the link is never
 * used again. At most one answer per request: anything more ends the link.
 */
#include "proxy/link_http.h"

#include "base/clock.h"
#include "proxy/exchange.h"
#include "proxy/flow.h"
#include "proxy/forward.h"
#include "proxy/gate.h"
#include "proxy/link.h"

enum fault
link_send(struct exchange *x, bool *moved)
{
    struct link *link = x->link;
    size_t before;

    if (!link->head_sent) {
        enum fault fault = x->is_tunnel ? FAULT_NONE : forward_request(x, &link->out);

        if (fault != FAULT_NONE)
            return fault;
        link->head_sent = true;
    }
    if (!x->upload.delivered && !chunk_queue_is_full(&link->out) &&
        (!chunk_queue_is_empty(&x->upload.data) || x->upload.ended)) {
        http_body_encode(x->request.framing.kind, &x->upload.data, x->upload.ended,
            &link->out);
        x->upload.delivered = x->upload.ended;
        *moved = true;
    }
    before = link->out.length;
    if (tls_stream_write(&link->stream, &link->out) == TLS_IO_MOVED)
        *moved = true;
    link->sent += before - link->out.length;
    if (x->request.framing.kind == HTTP_TUNNEL && x->upload.delivered &&
        chunk_queue_is_empty(&link->out))
        tls_stream_finish(&link->stream);
    return FAULT_NONE; /* a failed write shows when the answer is read */
}

/* The fault of a link that ended before the answer was complete. */
static enum fault
ended_early(const struct link *link, enum tls_io io)
{
    if (link->stream.fault == FAULT_MEMORY_FULL) /* ours, whatever else it looks like */
        return FAULT_MEMORY_FULL;
    if (link->answer_begun)
        return FAULT_UPSTREAM_TRUNCATED;
    if (io == TLS_IO_EOF || link->stream.fault == FAULT_UPSTREAM_TRUNCATED)
        return FAULT_UPSTREAM_CLOSED;
    return link->stream.fault;
}

static enum fault
malformed(struct exchange *x, enum fault how)
{
    if (how == FAULT_MEMORY)
        return FAULT_UPSTREAM_MEMORY;
    if (how == FAULT_UPSTREAM_TRUNCATED || how == FAULT_UPSTREAM_HEAD_LONG ||
        how == FAULT_UPSTREAM_FIELD_COUNT || how == FAULT_UPSTREAM_FIELD_LONG)
        return how;
    if (x->note.text[0] == '\0')
        note_set(&x->note, "%s", fault_text(how));
    return FAULT_UPSTREAM_MALFORMED;
}

/* What the finder refuses it has not counted to its end. */
static void
tell_limit(struct exchange *x, const struct http_limits *limits, enum fault fault)
{
    if (fault == FAULT_UPSTREAM_HEAD_LONG)
        note_set(&x->note, "more than %u bytes (limits.head)", limits->head_bytes);
    else if (fault == FAULT_UPSTREAM_FIELD_COUNT)
        note_set(&x->note, "more than %u fields (limits.fields)", limits->fields);
    else if (fault == FAULT_UPSTREAM_FIELD_LONG)
        note_set(&x->note, "a line of more than %u bytes (limits.field_value)",
            limits->value_bytes);
}

/* 101: the upstream agrees to what we let pass, to exactly that, or it is refused. */
static enum fault
switch_protocols(struct exchange *x)
{
    const struct http_field *upgrade = http_head_field(&x->response, FIELD_UPGRADE);

    if (!x->request.wants_websocket || !x->route->websocket || upgrade == NULL ||
        !bytes_equal_nocase(upgrade->value, BYTES("websocket")))
        return FAULT_UPSTREAM_UPGRADE;
    x->request.framing = x->response.framing = (struct http_framing){ HTTP_TUNNEL, 0 };
    x->upload.ended = x->upload.delivered =
        false; /* a GET had no body; now bytes flow */
    return FAULT_NONE;
}

static enum fault
take_answer(struct exchange *x, const struct http_limits *limits)
{
    struct link *link = x->link;
    unsigned status = x->response.status;
    enum fault fault = FAULT_NONE;

    if (x->response.carries_connection_auth)
        link->carried_auth = true;
    if (status >= 100 && status < 200 && status != 101) {
        link->search = (struct http_head_search){ .seen = 0 };
        if (++link->interims > limits->interims) {
            note_set(&x->note, "%u interim answers, the limit is %u", link->interims,
                limits->interims);
            return FAULT_UPSTREAM_INTERIM;
        }
        if (x->request.minor > 0)
            x->answer = ANSWER_INTERIM;
        else
            exchange_interim_passed(x); /* HTTP/1.0 knows none: it ends here */
        return FAULT_NONE;
    }
    if (status == 101)
        fault = switch_protocols(x);
    if (fault != FAULT_NONE)
        return fault;
    x->answer = ANSWER_HELD;
    x->answered_ns = clock_ns();
    link->answered_early = !link_is_told(x);
    http_body_begin(&link->body, x->response.framing, limits);
    return FAULT_NONE;
}

/* The head may go out once the gate has seen as much of the body as it needs. */
static enum fault
release_answer(struct exchange *x)
{
    enum fault fault;

    if (x->answer != ANSWER_HELD || gate_holds_answer(x))
        return FAULT_NONE;
    fault = gate_answer(x);
    if (fault == FAULT_NONE)
        x->answer = ANSWER_HEAD;
    return fault;
}

/* Reads one head, if it is all there. */
static enum fault
receive_head(struct exchange *x, bool *moved)
{
    const struct http_limits *limits = &x->publish->limits;
    struct link *link = x->link;
    size_t length = 0;
    enum fault fault = FAULT_NONE;
    char *raw;

    switch (http_head_find(&link->search, &link->in, limits, true, &length, &fault)) {
    case HTTP_NEEDS_MORE:
        return FAULT_NONE;
    case HTTP_IS_REFUSED:
        tell_limit(x, limits, fault);
        return malformed(x, fault);
    case HTTP_HAS_ALL:
        break;
    }
    raw = arena_take(&x->answer_arena, length);
    if (raw == NULL)
        return FAULT_UPSTREAM_MEMORY;
    chunk_queue_peek(&link->in, 0, raw, length);
    chunk_queue_drop(&link->in, length);
    fault = http_response_parse(bytes_of(raw, length), x->request.method_id, limits,
        &x->answer_arena, &x->response, &x->note);
    if (fault != FAULT_NONE)
        return malformed(x, fault);
    *moved = true;
    return take_answer(x, limits);
}

static enum fault
receive_body(struct exchange *x, bool *moved)
{
    struct link *link = x->link;
    size_t before = link->in.length;
    enum fault fault;

    if (x->download.ended)
        return FAULT_NONE;
    fault = http_body_decode(&link->body, &link->in, &x->download.data);
    if (fault != FAULT_NONE)
        return malformed(x, fault);
    x->download.bytes = link->body.decoded;
    x->download.ended = link->body.ended;
    if (link->in.length != before || x->download.ended)
        *moved = true;
    return FAULT_NONE;
}

/* The stream has ended or broken; what was read before it counts. */
static enum fault
receive_end(struct exchange *x, enum tls_io io, bool *moved)
{
    struct link *link = x->link;
    enum fault fault;

    if (x->download.ended) /* a tunnel's other half is open as long as it takes bytes */
        return io == TLS_IO_FAILED ? link->stream.fault : FAULT_NONE;
    if (x->answer == ANSWER_INTERIM)
        return FAULT_NONE;
    if (x->answer == ANSWER_NONE)
        return ended_early(link, io);
    if (!chunk_queue_is_empty(&link->in))
        return FAULT_NONE; /* the client has to take some first */
    if (io == TLS_IO_FAILED)
        return ended_early(link, io);
    fault = http_body_wire_ended(&link->body);
    x->download.ended = link->body.ended;
    *moved = true;
    return fault;
}

/* All that is there and has room, and how the stream stands behind it. */
static enum tls_io
read_all(struct link *link)
{
    enum tls_io io;

    do
        io = tls_stream_read(&link->stream, &link->in);
    while (io == TLS_IO_MOVED && !chunk_queue_is_full(&link->in));
    return io;
}

enum fault
link_receive(struct exchange *x, bool *moved)
{
    struct link *link = x->link;
    size_t before = link->in.length;
    bool waits_for_head = x->answer == ANSWER_NONE;
    enum fault fault = FAULT_NONE;
    enum tls_io io;

    /* A head has to lie there as a whole; of a body no more than is passed on. */
    link->in.limit = x->answer >= ANSWER_HELD
        ? WIRE_LIMIT
        : x->publish->limits.head_bytes + CHUNK_BYTES;
    io = waits_for_head ? read_all(link) : tls_stream_read(&link->stream, &link->in);
    link->received += link->in.length - before;
    if (link->in.length > 0)
        link->answer_begun = true;
    /* Bytes of a head that is not complete are no progress: it could drip for ever. */
    if (waits_for_head)
        fault = receive_head(x, moved);
    else if (io == TLS_IO_MOVED)
        *moved = true;
    if (fault == FAULT_NONE && x->answer >= ANSWER_HELD)
        fault = receive_body(x, moved);
    /* A head that came with the end goes out first; behind an interim one lies another. */
    if (fault == FAULT_NONE && (io == TLS_IO_EOF || io == TLS_IO_FAILED) &&
        !(waits_for_head && *moved))
        fault = receive_end(x, io, moved);
    if (fault == FAULT_NONE)
        fault = release_answer(x);
    return fault;
}

bool
link_is_told(const struct exchange *x)
{
    return x->upload.delivered && chunk_queue_is_empty(&x->link->out);
}

bool
link_survives_answer(const struct exchange *x)
{
    return x->response.keep_alive && x->request.framing.kind != HTTP_TUNNEL &&
        x->response.framing.kind != HTTP_UNTIL_CLOSE;
}

bool
link_listens(struct link *link)
{
    return chunk_queue_is_empty(&link->in) && !link->stream.write_broken &&
        tls_stream_read(&link->stream, &link->in) == TLS_IO_WAIT;
}

/*
 * A server that answers before it has the request, and then takes the rest of the body for
 * the next request, would answer that to whoever comes next. So such a link serves on only
 * where nobody else can come: where it is its client's own.
 */
bool
link_is_reusable(const struct exchange *x)
{
    return x->fault == FAULT_NONE && x->download.ended && x->upload.delivered &&
        link_survives_answer(x) && (!x->link->answered_early || x->link->carried_auth);
}
