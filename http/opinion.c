/*
 * http/opinion.c - llhttp reads the head again, and must agree.
 *
 * It is shown the canonical form: what an upstream would be sent, with our own
 * method kept aside (llhttp knows no RPC_IN_DATA) and Upgrade left out (it would
 * stop parsing and declare a tunnel). Most heads are canonical as they came, so the
 * form is shown piece by piece from where it lies, and never written down.
 *
 * llhttp lets much pass that we refuse (docs/decisions.md); what it refuses or reads otherwise
 * is refused too. No lenient flag is ever set.
 */
#include <llhttp.h>

#include "http/head_priv.h"

struct opinion {
    llhttp_t parser;
    bool complete, failed;
    size_t fields, name_bytes, value_bytes;
    struct bytes pending; /* put, not shown yet */
};

static int
on_name(llhttp_t *parser, const char *at, size_t length)
{
    struct opinion *opinion = parser->data;

    (void)at;
    opinion->name_bytes += length;
    return 0;
}

static int
on_value(llhttp_t *parser, const char *at, size_t length)
{
    struct opinion *opinion = parser->data;

    (void)at;
    opinion->value_bytes += length;
    return 0;
}

static int
on_value_complete(llhttp_t *parser)
{
    struct opinion *opinion = parser->data;

    opinion->fields++;
    return 0;
}

static int
on_head_complete(llhttp_t *parser)
{
    struct opinion *opinion = parser->data;

    opinion->complete = true;
    return HPE_PAUSED; /* the body is http/body.c's */
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_head_complete,
};

/* Only the very end may complete the head. */
static void
show(struct opinion *opinion, bool is_last)
{
    llhttp_errno_t found =
        llhttp_execute(&opinion->parser, opinion->pending.at, opinion->pending.length);

    if (found != (is_last ? HPE_PAUSED : HPE_OK) || opinion->complete != is_last)
        opinion->failed = true;
}

/* The next bytes. What follows in memory what was put before is shown with it. */
static void
put(struct opinion *opinion, struct bytes part)
{
    struct bytes *pending = &opinion->pending;

    if (part.length == 0 || opinion->failed)
        return;
    if (pending->length > 0 && part.at == pending->at + pending->length) {
        pending->length += part.length;
        return;
    }
    if (pending->length > 0)
        show(opinion, false);
    *pending = part;
}

/* A whole field line. Within a raw head CR and LF stand behind each value. */
static void
put_field(struct opinion *opinion, const struct http_field *field)
{
    const char *colon = field->name.at + field->name.length;

    if (field->value.at == colon + 2 && colon[1] == ' ' &&
        field->value.at[field->value.length] == '\r') {
        put(opinion,
            bytes_of(field->name.at, field->name.length + field->value.length + 4));
        return;
    }
    put(opinion, field->name);
    put(opinion, BYTES(": "));
    put(opinion, field->value);
    put(opinion, BYTES("\r\n"));
}

static void
put_request_line(struct opinion *opinion, const struct http_head *head)
{
    /* The authority form of CONNECT is not for POST. */
    bool has_path = head->target.at[0] == '/' || head->target.at[0] == '*';

    put(opinion, BYTES("POST "));
    put(opinion, has_path ? head->target : BYTES("/"));
    put(opinion, head->minor == 1 ? BYTES(" HTTP/1.1\r\n") : BYTES(" HTTP/1.0\r\n"));
}

static void
put_status_line(struct opinion *opinion, const struct http_head *head)
{
    const char digits[] = { (char)('0' + head->status / 100),
        (char)('0' + head->status / 10 % 10), (char)('0' + head->status % 10) };

    put(opinion, head->minor == 1 ? BYTES("HTTP/1.1 ") : BYTES("HTTP/1.0 "));
    put(opinion, bytes_of(digits, sizeof digits));
    put(opinion, BYTES(" "));
    put(opinion, head->reason);
    put(opinion, BYTES("\r\n"));
}

static bool
agrees(const struct opinion *opinion, const struct http_head *head,
    const struct framing_claim *claim)
{
    const llhttp_t *parser = &opinion->parser;

    return parser->http_major == 1 && parser->http_minor == head->minor &&
        parser->status_code == head->status && !parser->upgrade &&
        ((parser->flags & F_CHUNKED) != 0) == claim->is_chunked &&
        ((parser->flags & F_CONTENT_LENGTH) != 0) == claim->has_length &&
        parser->content_length == claim->length;
}

enum fault
opinion_confirm(const struct http_head *head, const struct framing_claim *claim,
    bool is_response)
{
    struct opinion opinion = { 0 };
    size_t fields = 0;
    size_t name_bytes = 0;
    size_t value_bytes = 0;

    llhttp_init(&opinion.parser, is_response ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    opinion.parser.data = &opinion;

    if (is_response)
        put_status_line(&opinion, head);
    else
        put_request_line(&opinion, head);
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];

        if (field->id == FIELD_UPGRADE)
            continue;
        put_field(&opinion, field);
        fields++;
        name_bytes += field->name.length;
        value_bytes += field->value.length;
    }
    put(&opinion, BYTES("\r\n"));
    show(&opinion, true);

    if (opinion.failed || opinion.fields != fields ||
        opinion.name_bytes != name_bytes || opinion.value_bytes != value_bytes ||
        !agrees(&opinion, head, claim))
        return FAULT_HTTP_PARSERS_DISAGREE;
    return FAULT_NONE;
}
