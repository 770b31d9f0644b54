/*
 * http/body.c - body bytes out of the wire's framing, and back into one.
 *
 * Chunked bodies are read by two readers in step: the one below, which knows the
 * bounds, and llhttp, which is shown every framing byte but chunk extensions.
 * Both must see the same chunks and the same end. Data is never looked at: it
 * changes queues, in whole chunks of memory where it can.
 *
 * Trust: the bytes come from the network, from either side. Owns nothing.
 */
#include "http/body.h"

#include <stdio.h>

#include "base/require.h"
#include "http/fields.h"
#include "http/scan.h"

#define CHUNK_DIGITS 16

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION_NAME, /* behind ';' */
    CHUNK_EXTENSION,
    CHUNK_QUOTED,      /* inside a quoted extension value */
    CHUNK_QUOTED_PAIR, /* behind a backslash in it */
    CHUNK_LINE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR, /* behind the data */
    CHUNK_DATA_LF,
    CHUNK_TRAILER_FIRST, /* the first byte of a trailer line, or of the last CRLF */
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_LAST_LF,
};

#define FIELD(symbol, text, flags)                                                     \
    _Static_assert(sizeof(text) - 1 <= sizeof(((struct http_body *)0)->chunked.name),  \
        "names that are refused in trailers must be remembered whole");
#include "http/fields.def"
#undef FIELD

/* What llhttp told us while it was shown some bytes. */
struct report {
    size_t data_bytes;
    bool complete;
};

static int
on_data(llhttp_t *parser, const char *at, size_t length)
{
    struct report *report = parser->data;

    (void)at;
    report->data_bytes += length;
    return 0;
}

static int
on_complete(llhttp_t *parser)
{
    struct report *report = parser->data;

    report->complete = true;
    return 0;
}

static const llhttp_settings_t settings = {
    .on_body = on_data,
    .on_message_complete = on_complete,
};

/* Shows llhttp the next bytes; false when it refuses them. */
static bool
show(struct http_body *body, struct bytes bytes, struct report *report)
{
    llhttp_t *parser = &body->chunked.parser;
    llhttp_errno_t found;

    *report = (struct report){ 0 };
    parser->data = report;
    found = llhttp_execute(parser, bytes.at, bytes.length);
    parser->data = NULL; /* the report lives on the caller's stack */
    return found == HPE_OK;
}

static void
begin_chunked(struct http_body *body)
{
    struct bytes head = BYTES("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    struct report report;

    body->chunked.state = CHUNK_SIZE;
    llhttp_init(&body->chunked.parser, HTTP_REQUEST, &settings);
    require(show(body, head, &report) && !report.complete);
}

void
http_body_begin(struct http_body *body, struct http_framing framing,
    const struct http_limits *limits)
{
    *body = (struct http_body){ .framing = framing, .limits = limits };
    if (framing.kind == HTTP_CHUNKED)
        begin_chunked(body);
    if (framing.kind == HTTP_LENGTH)
        body->left = framing.length;
    body->ended = framing.kind == HTTP_NO_BODY ||
        (framing.kind == HTTP_LENGTH && framing.length == 0);
}

/* Counts the bytes of a chunk line but its CRLF. */
static bool
is_line_long(struct http_body *body)
{
    return ++body->chunked.line_bytes > body->limits->chunk_line_bytes;
}

static enum fault
take_size(struct http_body *body, char c)
{
    bool has_digit = body->chunked.digits > 0;

    if (has_digit && c == '\r') {
        body->chunked.state = CHUNK_LINE_LF;
        return FAULT_NONE;
    }
    if (is_line_long(body))
        return FAULT_HTTP_CHUNK_LINE;
    if (has_digit && c == ';') {
        body->chunked.state = CHUNK_EXTENSION_NAME;
        return FAULT_NONE;
    }
    /* Leading zeros count: a size has no business being longer than 64 bits. */
    if (!scan_is(c, SCAN_HEX) || ++body->chunked.digits > CHUNK_DIGITS)
        return FAULT_HTTP_CHUNK_SIZE;
    body->left = body->left << 4 | scan_hex(c);
    return body->left > INT64_MAX ? FAULT_HTTP_CHUNK_SIZE : FAULT_NONE;
}

static enum fault
take_extension_name(struct http_body *body, char c)
{
    if (is_line_long(body) || !scan_is(c, SCAN_TOKEN))
        return FAULT_HTTP_CHUNK_LINE;
    body->chunked.state = CHUNK_EXTENSION;
    return FAULT_NONE;
}

static enum fault
take_extension(struct http_body *body, char c)
{
    if (c == '\r') {
        body->chunked.state = CHUNK_LINE_LF;
        return FAULT_NONE;
    }
    if (is_line_long(body) || c <= ' ' || c > '~') /* `char` may be signed or not */
        return FAULT_HTTP_CHUNK_LINE;
    if (c == '"')
        body->chunked.state = CHUNK_QUOTED;
    if (c == ';')
        body->chunked.state = CHUNK_EXTENSION_NAME;
    return FAULT_NONE;
}

static enum fault
take_quoted(struct http_body *body, char c)
{
    if (is_line_long(body) || !scan_is(c, SCAN_TEXT))
        return FAULT_HTTP_CHUNK_LINE;
    if (body->chunked.state == CHUNK_QUOTED_PAIR)
        body->chunked.state = CHUNK_QUOTED;
    else if (c == '\\')
        body->chunked.state = CHUNK_QUOTED_PAIR;
    else if (c == '"')
        body->chunked.state = CHUNK_EXTENSION;
    return FAULT_NONE;
}

static enum fault
take_line_lf(struct http_body *body, char c)
{
    if (c != '\n')
        return FAULT_HTTP_CHUNK_LINE;
    body->chunked.line_bytes = 0;
    body->chunked.digits = 0;
    body->chunked.state = body->left > 0 ? CHUNK_DATA : CHUNK_TRAILER_FIRST;
    return FAULT_NONE;
}

static enum fault
take_data_end(struct http_body *body, char c)
{
    bool is_cr = body->chunked.state == CHUNK_DATA_CR;

    if (c != (is_cr ? '\r' : '\n'))
        return FAULT_HTTP_CHUNK_DATA;
    body->chunked.state = is_cr ? CHUNK_DATA_LF : CHUNK_SIZE;
    return FAULT_NONE;
}

/*
 * A trailer is dropped, so only one thing matters: that nobody else could read it
 * as part of a head. Whatever the table marks as special is refused by name
 * (RFC 9110, 6.5.1); longer names than the table has are not special.
 */
static bool
is_trailer_name(const struct http_body *body)
{
    struct bytes name = bytes_of(body->chunked.name, body->chunked.name_bytes);

    if (name.length == 0 || name.length > body->limits->name_bytes)
        return false;
    return name.length > sizeof body->chunked.name ||
        field_flags(field_find(name)) == 0;
}

static enum fault
take_trailer_name(struct http_body *body, char c)
{
    uint32_t at = body->chunked.name_bytes;

    if (c == ':') {
        if (!is_trailer_name(body))
            return FAULT_HTTP_TRAILER;
        body->chunked.name_bytes = 0;
        body->chunked.state = CHUNK_TRAILER_VALUE;
        return FAULT_NONE;
    }
    if (!scan_is(c, SCAN_TOKEN))
        return FAULT_HTTP_TRAILER;
    if (at < sizeof body->chunked.name)
        body->chunked.name[at] = c;
    body->chunked.name_bytes = at + 1;
    body->chunked.state = CHUNK_TRAILER_NAME;
    return FAULT_NONE;
}

static bool
is_trailer_long(struct http_body *body)
{
    return ++body->chunked.trailer_bytes > body->limits->trailer_bytes;
}

static enum fault
take_trailer(struct http_body *body, char c)
{
    if (is_trailer_long(body))
        return FAULT_HTTP_TRAILER;
    if (body->chunked.state == CHUNK_TRAILER_FIRST && c == '\r')
        body->chunked.state = CHUNK_LAST_LF;
    else if (body->chunked.state != CHUNK_TRAILER_VALUE)
        return take_trailer_name(body, c);
    else if (c == '\r')
        body->chunked.state = CHUNK_TRAILER_LF;
    else if (!scan_is(c, SCAN_TEXT))
        return FAULT_HTTP_TRAILER;
    return FAULT_NONE;
}

static enum fault
take_trailer_lf(struct http_body *body, char c)
{
    if (c != '\n' || is_trailer_long(body))
        return FAULT_HTTP_TRAILER;
    if (body->chunked.state == CHUNK_LAST_LF)
        body->ended = true;
    body->chunked.state = CHUNK_TRAILER_FIRST;
    return FAULT_NONE;
}

typedef enum fault take_byte(struct http_body *body, char c);

/* Who takes the next byte in which state; data is not taken byte by byte. */
static take_byte *const takers[] = {
    [CHUNK_SIZE] = take_size,
    [CHUNK_EXTENSION_NAME] = take_extension_name,
    [CHUNK_EXTENSION] = take_extension,
    [CHUNK_QUOTED] = take_quoted,
    [CHUNK_QUOTED_PAIR] = take_quoted,
    [CHUNK_LINE_LF] = take_line_lf,
    [CHUNK_DATA_CR] = take_data_end,
    [CHUNK_DATA_LF] = take_data_end,
    [CHUNK_TRAILER_FIRST] = take_trailer,
    [CHUNK_TRAILER_NAME] = take_trailer,
    [CHUNK_TRAILER_VALUE] = take_trailer,
    [CHUNK_TRAILER_LF] = take_trailer_lf,
    [CHUNK_LAST_LF] = take_trailer_lf,
};

/*
 * llhttp's releases disagree about the grammar of extensions, and nobody needs
 * them: they are ours alone to check.
 */
static bool
is_extension(unsigned state)
{
    return state >= CHUNK_EXTENSION_NAME && state <= CHUNK_QUOTED_PAIR;
}

/* Framing bytes from the front of `wire`, up to data, the body's end or the run's. */
static enum fault
decode_framing(struct http_body *body, struct chunk_queue *wire)
{
    struct bytes run = chunk_queue_front(wire);
    enum fault fault = FAULT_NONE;
    size_t taken = 0;

    while (taken < run.length && fault == FAULT_NONE && !body->ended &&
        body->chunked.state != CHUNK_DATA) {
        struct bytes byte = bytes_of(run.at + taken++, 1);
        struct report report;

        fault = takers[body->chunked.state](body, *byte.at);
        if (fault != FAULT_NONE || is_extension(body->chunked.state))
            continue;
        if (!show(body, byte, &report) || report.data_bytes > 0 ||
            report.complete != body->ended)
            fault = FAULT_HTTP_PARSERS_DISAGREE;
    }
    chunk_queue_drop(wire, taken);
    return fault;
}

static enum fault
decode_data(struct http_body *body, struct chunk_queue *wire, struct chunk_queue *data)
{
    struct bytes run = chunk_queue_front(wire);
    struct report report;

    if (run.length > body->left)
        run.length = (size_t)body->left;
    if (!show(body, run, &report) || report.data_bytes != run.length || report.complete)
        return FAULT_HTTP_PARSERS_DISAGREE;
    chunk_queue_move(data, wire, run.length);
    body->decoded += run.length;
    body->left -= run.length;
    if (body->left == 0)
        body->chunked.state = CHUNK_DATA_CR;
    return FAULT_NONE;
}

static void
decode_plain(struct http_body *body, struct chunk_queue *wire, struct chunk_queue *data)
{
    bool has_length = body->framing.kind == HTTP_LENGTH;
    size_t bytes = chunk_queue_front(wire).length;

    if (has_length && bytes > body->left)
        bytes = (size_t)body->left;
    chunk_queue_move(data, wire, bytes);
    body->decoded += bytes;
    if (has_length) {
        body->left -= bytes;
        body->ended = body->left == 0;
    }
}

enum fault
http_body_decode(struct http_body *body, struct chunk_queue *wire,
    struct chunk_queue *data)
{
    enum fault fault = FAULT_NONE;

    while (fault == FAULT_NONE && !body->ended && !chunk_queue_is_empty(wire) &&
        !chunk_queue_is_full(data)) {
        if (body->framing.kind != HTTP_CHUNKED)
            decode_plain(body, wire, data);
        else if (body->chunked.state == CHUNK_DATA)
            fault = decode_data(body, wire, data);
        else
            fault = decode_framing(body, wire);
    }
    return fault;
}

enum fault
http_body_wire_ended(struct http_body *body)
{
    if (body->framing.kind == HTTP_UNTIL_CLOSE || body->framing.kind == HTTP_TUNNEL)
        body->ended = true;
    return body->ended ? FAULT_NONE : FAULT_UPSTREAM_TRUNCATED;
}

void
http_body_encode(enum http_framing_kind kind, struct chunk_queue *data, bool last,
    struct chunk_queue *wire)
{
    bool is_chunked = kind == HTTP_CHUNKED;
    bool has_data = data->length > 0; /* a chunk of 0 bytes would end the body */
    char line[24];

    if (is_chunked && has_data) {
        int length = snprintf(line, sizeof line, "%zx\r\n", data->length);

        chunk_queue_append(wire, bytes_of(line, (size_t)length));
    }
    chunk_queue_move(wire, data, data->length);
    if (is_chunked && has_data)
        chunk_queue_append(wire, BYTES("\r\n"));
    if (is_chunked && last)
        chunk_queue_append(wire, BYTES("0\r\n\r\n"));
}
