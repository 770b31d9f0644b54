/*
 * tests/conformance/judge.c - see judge.h.
 */
#include "tests/conformance/judge.h"

#include "http/body.h"
#include "http/url.h"
#include "http/write.h"

#define ARENA_BYTES ((size_t)512 * 1024)

static const struct http_limits limits = HTTP_LIMITS_DEFAULT;

/* One side of a connection: what has arrived, what is still to come. */
struct wire {
    struct chunk_queue queue;
    struct bytes coming;
    size_t step;
    bool is_response;
    enum http_method to;
};

/* The next piece; false at the end. */
static bool
receive(struct wire *wire)
{
    struct bytes piece = wire->coming;

    if (piece.length > wire->step)
        piece.length = wire->step;
    chunk_queue_append(&wire->queue, piece);
    wire->coming.at += piece.length;
    wire->coming.length -= piece.length;
    return piece.length > 0;
}

static enum fault
parse(struct wire *wire, size_t length, struct arena *arena, struct http_head *head)
{
    char *raw = arena_take(arena, length);

    if (raw == NULL)
        return FAULT_MEMORY;
    chunk_queue_peek(&wire->queue, 0, raw, length);
    chunk_queue_drop(&wire->queue, length);
    if (wire->is_response)
        return http_response_parse(bytes_of(raw, length), wire->to, &limits, arena,
            head, NULL);
    return http_request_parse(bytes_of(raw, length), &limits, arena, head, NULL);
}

static enum fault
read_head(struct wire *wire, struct arena *arena, struct http_head *head)
{
    struct http_head_search search = { 0 };
    enum http_progress progress;
    enum fault fault;
    size_t length = 0;

    do
        progress = http_head_find(&search, &wire->queue, &limits, wire->is_response,
            &length, &fault);
    while (progress == HTTP_NEEDS_MORE && receive(wire));
    if (progress == HTTP_IS_REFUSED)
        return fault;
    return progress == HTTP_HAS_ALL ? parse(wire, length, arena, head) : UNFINISHED;
}

/* All of the body, thrown away. */
static enum fault
read_body(struct wire *wire, struct http_framing framing)
{
    struct http_body body;
    struct chunk_queue data;
    enum fault fault;

    chunk_queue_init(&data, CHUNK_BYTES);
    http_body_begin(&body, framing, &limits);
    do {
        fault = http_body_decode(&body, &wire->queue, &data);
        chunk_queue_clear(&data);
    } while (fault == FAULT_NONE && !body.ended &&
        (!chunk_queue_is_empty(&wire->queue) || receive(wire)));
    if (fault == FAULT_NONE && http_body_wire_ended(&body) != FAULT_NONE)
        fault = UNFINISHED;
    if (wire->is_response && fault != FAULT_NONE && fault != UNFINISHED)
        fault = FAULT_UPSTREAM_MALFORMED; /* as the caller has to say (http/body.h) */
    return fault;
}

/* --- written again, read again --- */

static void
write_again(const struct http_head *head, bool is_response, struct chunk_queue *to)
{
    if (is_response)
        http_write_status_line(to, head->status, head->reason);
    else
        http_write_request_line(to, head->method, head->target);
    for (unsigned i = 0; i < head->field_count; i++)
        if (http_field_is_forwarded(head, &head->fields[i], !is_response))
            http_write_field(to, head->fields[i].name, head->fields[i].value);
    http_write_framing(to, head->framing);
    http_write_end(to);
}

/* The fields that were to be forwarded are those, in that order, that arrived. */
static bool
has_same_fields(const struct http_head *was, const struct http_head *is,
    bool is_response)
{
    unsigned next = 0;

    for (unsigned i = 0; i < was->field_count; i++) {
        const struct http_field *field = &was->fields[i];

        if (!http_field_is_forwarded(was, field, !is_response))
            continue;
        if (next == is->field_count ||
            !bytes_equal(field->name, is->fields[next].name) ||
            !bytes_equal(field->value, is->fields[next].value))
            return false;
        next++;
    }
    if (is->framing.kind == HTTP_LENGTH || is->framing.kind == HTTP_CHUNKED)
        next++;
    return next == is->field_count;
}

static bool
is_same(const struct http_head *was, const struct http_head *is, bool is_response)
{
    return bytes_equal(was->method, is->method) &&
        bytes_equal(was->target, is->target) &&
        bytes_equal(was->authority.host, is->authority.host) &&
        was->authority.port == is->authority.port && was->status == is->status &&
        bytes_equal(was->reason, is->reason) && was->framing.kind == is->framing.kind &&
        was->framing.length == is->framing.length &&
        has_same_fields(was, is, is_response);
}

static enum fault
check_again(const struct http_head *head, bool is_response, enum http_method to)
{
    struct wire wire = { .is_response = is_response, .to = to };
    struct arena arena;
    struct http_head again;
    enum fault fault;

    arena_init(&arena, ARENA_BYTES);
    chunk_queue_init(&wire.queue, CHUNK_BYTES);
    write_again(head, is_response, &wire.queue);
    fault = read_head(&wire, &arena, &again);
    if (fault == FAULT_NONE &&
        (!chunk_queue_is_empty(&wire.queue) || !is_same(head, &again, is_response)))
        fault = FAULT_HTTP_PARSERS_DISAGREE;
    chunk_queue_clear(&wire.queue);
    arena_clear(&arena);
    return fault == FAULT_NONE ? FAULT_NONE : FAULT_HTTP_PARSERS_DISAGREE;
}

/* --- one message, all messages --- */

static enum fault
judge_url(const struct http_head *head, struct arena *arena)
{
    struct url url;
    enum fault fault = url_canonicalise(head->target, arena, &url);

    return fault == FAULT_NONE ? url_judge(&url) : fault;
}

static enum fault
judge_message(struct wire *wire)
{
    struct arena arena;
    struct http_head head;
    bool is_connect = false;
    enum fault fault;

    arena_init(&arena, ARENA_BYTES);
    fault = read_head(wire, &arena, &head);
    if (fault == FAULT_NONE)
        is_connect = !wire->is_response && head.method_id == HTTP_METHOD_CONNECT;
    if (fault == FAULT_NONE && !wire->is_response && !is_connect)
        fault = judge_url(&head, &arena);
    if (fault == FAULT_NONE)
        fault = read_body(wire, head.framing);
    if (fault == FAULT_NONE && !is_connect)
        fault = check_again(&head, wire->is_response, wire->to);
    arena_clear(&arena);
    return fault;
}

static enum fault
judge(struct wire *wire)
{
    enum fault fault;

    chunk_queue_init(&wire->queue, CHUNK_BYTES);
    do
        fault = judge_message(wire);
    while (
        fault == FAULT_NONE && (!chunk_queue_is_empty(&wire->queue) || receive(wire)));
    chunk_queue_clear(&wire->queue);
    return fault;
}

enum fault
judge_requests(struct bytes raw, size_t step)
{
    struct wire wire = { .coming = raw, .step = step };

    return judge(&wire);
}

enum fault
judge_responses(struct bytes raw, size_t step, enum http_method to)
{
    struct wire wire = { .coming = raw, .step = step, .is_response = true, .to = to };

    return judge(&wire);
}
