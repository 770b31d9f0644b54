/*
 * http/request.c - a request head, from bytes to meaning.
 *
 * One pass over the raw head, each step refusing at the first thing that two
 * readers could understand differently (RFC 9112, 3 and 11.2), and llhttp's
 * opinion last.
 *
 * Trust: the bytes come from the network. Memory is the arena's.
 */
#include "http/head_priv.h"
#include "http/scan.h"

static enum http_method
method_find(struct bytes method)
{
    static const struct {
        struct bytes name;
        enum http_method id;
    } methods[] = {
        { { "GET", 3 }, HTTP_METHOD_GET },
        { { "POST", 4 }, HTTP_METHOD_POST },
        { { "HEAD", 4 }, HTTP_METHOD_HEAD },
        { { "OPTIONS", 7 }, HTTP_METHOD_OPTIONS },
        { { "PUT", 3 }, HTTP_METHOD_PUT },
        { { "DELETE", 6 }, HTTP_METHOD_DELETE },
        { { "PATCH", 5 }, HTTP_METHOD_PATCH },
        { { "CONNECT", 7 }, HTTP_METHOD_CONNECT },
        { { "TRACE", 5 }, HTTP_METHOD_TRACE },
    };

    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++)
        if (bytes_equal(methods[i].name, method))
            return methods[i].id;
    return HTTP_METHOD_OTHER;
}

/* `at` holds neither what may stand in this part nor the space behind it. */
static enum fault
line_fault(struct head_reader *reader, const char *at, enum fault otherwise)
{
    enum fault fault = head_line_end(reader, at, otherwise);

    return fault == FAULT_NONE ? FAULT_HTTP_REQUEST_LINE : fault; /* ended too early */
}

static enum fault
read_method(struct head_reader *reader)
{
    struct http_head *head = reader->head;
    const char *stop = scan_while(reader->at, reader->end, SCAN_TOKEN);

    if (*stop != ' ')
        return line_fault(reader, stop, FAULT_HTTP_METHOD);
    if (stop == reader->at)
        return FAULT_HTTP_REQUEST_LINE;
    if (stop - reader->at > HEAD_METHOD_BYTES)
        return FAULT_HTTP_METHOD;
    head->method = bytes_of(reader->at, (size_t)(stop - reader->at));
    head->method_id = method_find(head->method);
    reader->at = stop + 1;
    return FAULT_NONE;
}

static enum fault
check_escapes(struct bytes target)
{
    struct bytes rest = target;

    bytes_cut(&rest, '%');
    for (; rest.at != NULL; bytes_cut(&rest, '%')) {
        if (rest.length > 0 && (rest.at[0] | 0x20) == 'u')
            return FAULT_URL_UNICODE_ESCAPE;
        if (rest.length < 2 || !scan_is(rest.at[0], SCAN_HEX) ||
            !scan_is(rest.at[1], SCAN_HEX))
            return FAULT_URL_ESCAPE;
    }
    return FAULT_NONE;
}

/*
 * Browsers leave '|' and '^' of a path as they are, the others escaped (WHATWG URL, 1.3);
 * whether an application takes what they leave, there and in the query, is its own to say.
 */
static bool
is_escaped_in_path(struct bytes target)
{
    struct bytes rest = target;
    struct bytes path = bytes_cut(&rest, '?');

    for (size_t i = 0; i < path.length; i++)
        if (scan_is(path.at[i], SCAN_UNESCAPED) && path.at[i] != '|' &&
            path.at[i] != '^')
            return false;
    return true;
}

static enum fault
read_target(struct head_reader *reader)
{
    struct http_head *head = reader->head;
    const char *stop =
        scan_while(reader->at, reader->end, SCAN_TARGET | SCAN_UNESCAPED);

    if (stop - reader->at > reader->limits->target_bytes)
        return FAULT_HTTP_TARGET_LONG;
    if (*stop != ' ')
        return line_fault(reader, stop, FAULT_HTTP_TARGET);
    if (stop == reader->at)
        return FAULT_HTTP_REQUEST_LINE;
    head->target = bytes_of(reader->at, (size_t)(stop - reader->at));
    reader->at = stop + 1;
    return is_escaped_in_path(head->target) ? check_escapes(head->target)
                                            : FAULT_HTTP_TARGET;
}

static enum fault
read_version(struct head_reader *reader)
{
    struct bytes rest = bytes_of(reader->at, (size_t)(reader->end - reader->at));
    bool is_1_1 = bytes_has_prefix(rest, BYTES("HTTP/1.1"));

    if (!is_1_1 && !bytes_has_prefix(rest, BYTES("HTTP/1.0")))
        return bytes_has_prefix(rest, BYTES("HTTP/")) ? FAULT_HTTP_VERSION
                                                      : FAULT_HTTP_REQUEST_LINE;
    reader->head->minor = is_1_1 ? 1 : 0;
    return head_line_end(reader, reader->at + sizeof "HTTP/1.1" - 1,
        FAULT_HTTP_REQUEST_LINE);
}

/* Host, checked and in lower case: names of hosts have no case (RFC 3986, 6.2.2.1). */
static enum fault
settle_authority(struct head_reader *reader)
{
    const struct http_field *field = http_head_field(reader->head, FIELD_HOST);
    struct http_authority authority;
    char *copy;

    if (field == NULL)
        return FAULT_HTTP_HOST_MISSING;
    if (!http_authority_read(field->value, &authority)) {
        head_note_text(reader->note, "Host", field->value, SCAN_HOST);
        return FAULT_HTTP_HOST;
    }
    copy = arena_take(reader->arena, authority.host.length);
    if (copy == NULL)
        return FAULT_MEMORY;
    for (size_t i = 0; i < authority.host.length; i++)
        copy[i] = ascii_lower(authority.host.at[i]);
    reader->head->authority =
        (struct http_authority){ bytes_of(copy, authority.host.length),
            authority.port };
    return FAULT_NONE;
}

/* What stands behind the authority of an absolute form, as origin form (RFC 9112, 3.2.2). */
static enum fault
reduce_path(struct head_reader *reader, struct bytes rest)
{
    struct http_head *head = reader->head;

    if (rest.length > 0 && rest.at[0] == '/') {
        head->target = rest;
    } else if (rest.length > 0) { /* "?query" alone */
        head->target = arena_print(reader->arena, "/%.*s", BYTES_ARG(rest));
        if (head->target.at == NULL)
            return FAULT_MEMORY;
    } else {
        head->target = head->method_id == HTTP_METHOD_OPTIONS ? BYTES("*") : BYTES("/");
    }
    return FAULT_NONE;
}

/* Host names the same server in the same scheme (RFC 9110, 4.2.3; RFC 9112, 3.2.2). */
static bool
is_of_host(const struct http_head *head, struct bytes text, uint16_t scheme_port)
{
    struct http_authority authority;

    return http_authority_read(text, &authority) &&
        bytes_equal_nocase(authority.host, head->authority.host) &&
        http_authority_port(&authority, scheme_port) ==
        http_authority_port(&head->authority, scheme_port);
}

static enum fault
reduce_absolute(struct head_reader *reader)
{
    struct bytes rest = reader->head->target;
    struct bytes authority;
    bool is_https = bytes_has_prefix_nocase(rest, BYTES("https://"));
    size_t length = 0;

    if (is_https)
        rest = bytes_of(rest.at + 8, rest.length - 8);
    else if (bytes_has_prefix_nocase(rest, BYTES("http://")))
        rest = bytes_of(rest.at + 7, rest.length - 7);
    else
        return FAULT_HTTP_TARGET;

    while (length < rest.length && rest.at[length] != '/' && rest.at[length] != '?')
        length++;
    authority = bytes_of(rest.at, length);
    if (!is_of_host(reader->head, authority, is_https ? HTTPS_PORT : HTTP_PORT)) {
        head_note_text(reader->note, "target for", authority, SCAN_HOST);
        return FAULT_HTTP_AUTHORITY_FOREIGN;
    }
    return reduce_path(reader, bytes_of(rest.at + length, rest.length - length));
}

/* The four forms of a target (RFC 9112, 3.2) become one, or "*". */
static enum fault
settle_target(struct head_reader *reader)
{
    const struct http_head *head = reader->head;

    if (head->method_id == HTTP_METHOD_CONNECT || head->target.at[0] == '/')
        return FAULT_NONE;
    if (bytes_equal(head->target, BYTES("*")))
        return head->method_id == HTTP_METHOD_OPTIONS ? FAULT_NONE : FAULT_HTTP_TARGET;
    return reduce_absolute(reader);
}

/*
 * RFC 9110, 10.1.1: there is one expectation, only since HTTP/1.1, and of no meaning in a
 * request without a body: nothing would ever end the wait for it.
 */
static enum fault
settle_expectation(struct head_reader *reader)
{
    struct http_head *head = reader->head;

    if (!head_has_seen(reader, FIELD_EXPECT) || head->minor == 0)
        return FAULT_NONE;
    for (unsigned i = 0; i < head->field_count; i++)
        if (head->fields[i].id == FIELD_EXPECT &&
            !bytes_equal_nocase(head->fields[i].value, BYTES("100-continue")))
            return FAULT_HTTP_EXPECT;
    head->expects_continue = head->framing.kind == HTTP_CHUNKED ||
        (head->framing.kind == HTTP_LENGTH && head->framing.length > 0);
    return FAULT_NONE;
}

/* RFC 6455, 4.2.1. Anything less is an ordinary request whose Upgrade is dropped. */
static bool
wants_websocket(const struct head_reader *reader)
{
    const struct http_head *head = reader->head;
    const struct http_field *key, *version;
    unsigned upgrades = 0;

    if (!head_has_seen(reader, FIELD_UPGRADE) || head->method_id != HTTP_METHOD_GET ||
        head->minor == 0 || head->framing.kind != HTTP_NO_BODY ||
        !http_head_lists(head, FIELD_CONNECTION, BYTES("upgrade")))
        return false;
    for (unsigned i = 0; i < head->field_count; i++) {
        if (head->fields[i].id != FIELD_UPGRADE)
            continue;
        if (++upgrades > 1 ||
            !bytes_equal_nocase(head->fields[i].value, BYTES("websocket")))
            return false;
    }
    key = http_head_field(head, FIELD_SEC_WEBSOCKET_KEY);
    version = http_head_field(head, FIELD_SEC_WEBSOCKET_VERSION);
    return key != NULL && key->value.length > 0 && version != NULL &&
        bytes_equal(version->value, BYTES("13"));
}

/* What the fields mean together, once all of them are known. */
static enum fault
settle(struct head_reader *reader)
{
    struct http_head *head = reader->head;
    struct framing_claim claim;
    enum fault fault;

    if ((fault = settle_authority(reader)) != FAULT_NONE ||
        (fault = settle_target(reader)) != FAULT_NONE ||
        (fault = framing_read_claim(head, &claim, reader->note)) != FAULT_NONE ||
        (fault = framing_of_request(head, &claim, &head->framing)) != FAULT_NONE ||
        (fault = settle_expectation(reader)) != FAULT_NONE)
        return fault;
    head->keep_alive = head_wants_keep_alive(head);
    head->wants_websocket = wants_websocket(reader);
    head->carries_connection_auth = head_carries_connection_auth(head);
    return opinion_confirm(head, &claim, false);
}

enum fault
http_request_parse(struct bytes raw, const struct http_limits *limits,
    struct arena *arena, struct http_head *head, struct note *note)
{
    struct head_reader reader;
    enum fault fault;

    if ((fault = head_reader_begin(&reader, raw, limits, arena, head, note)) !=
            FAULT_NONE ||
        (fault = read_method(&reader)) != FAULT_NONE ||
        (fault = read_target(&reader)) != FAULT_NONE ||
        (fault = read_version(&reader)) != FAULT_NONE ||
        (fault = head_read_fields(&reader)) != FAULT_NONE)
        return fault;
    return settle(&reader);
}
