/*
 * http/head.h - bytes to a request or response head, within limits.
 *
 * We read the raw head ourselves, strictly (RFC 9112; what two readers could
 * understand differently is refused), then let llhttp read a canonical copy and
 * refuse when it sees something else. Nothing here touches a socket.
 *
 * Trust: the bytes come from the network, from either side.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/chunk.h"
#include "base/fault.h"
#include "base/note.h"
#include "http/fields.h"
#include "http/http_policy.h"

enum http_method { /* llhttp's and Exchange's; HTTP_OTHER: a token we do not know */
    HTTP_METHOD_OTHER,
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_CONNECT,
    HTTP_METHOD_TRACE,
};

/* How the body's end is found (RFC 9112, 6.3). */
enum http_framing_kind {
    HTTP_NO_BODY,
    HTTP_LENGTH,
    HTTP_CHUNKED,
    HTTP_UNTIL_CLOSE, /* responses only */
    HTTP_TUNNEL,      /* after 101, both directions, until close */
};

struct http_framing {
    enum http_framing_kind kind;
    uint64_t length; /* HTTP_LENGTH only; at most 2^63 - 1 */
};

/* Whom a request is for (RFC 9110, 4.2 and 7.2). */
struct http_authority {
    struct bytes host; /* without a final dot; an IPv6 address with its brackets */
    uint16_t port;     /* as it was written; 0: none was */
};

struct http_field {
    struct bytes name;  /* case as received */
    struct bytes value; /* trimmed of OWS; no CR, LF, NUL or other controls but HTAB */
    enum field_id id;   /* FIELD_OTHER when the table does not know it */
};

/* A parsed head. All views point into the arena it was parsed into. */
struct http_head {
    struct bytes method; /* requests: case as received */
    enum http_method method_id;
    struct bytes target; /* requests: origin form or "*"; absolute form was reduced */
    struct http_authority authority; /* requests: of Host, in lower case */
    unsigned minor;                  /* HTTP/1.minor: 0 or 1 */
    unsigned status;                 /* responses: 100 .. 599 */
    struct bytes reason;             /* responses: as sent */
    struct http_field *fields;
    unsigned field_count;
    struct http_framing framing;
    bool keep_alive;       /* the sender is willing to go on (RFC 9112, 9.3) */
    bool expects_continue; /* requests with a body */
    bool wants_websocket; /* requests: a well-formed upgrade to that and nothing else */
    bool carries_connection_auth; /* NTLM, Negotiate, Kerberos in Authorization,
                                     WWW-Authenticate or their Proxy- forms */
};

/* Where the search for the end of a head stands. Zero it before each message. */
struct http_head_search {
    size_t seen; /* bytes of the queue already looked at */
    unsigned matched, lines, line_bytes;
    bool skipped_empty_line;
};

enum http_progress {
    HTTP_NEEDS_MORE,
    HTTP_HAS_ALL,
    HTTP_IS_REFUSED,
};

/*
 * Looks for the empty line in `queue` without taking anything out. One CRLF
 * before a request line is dropped from the queue (RFC 9112, 2.2). Refuses as
 * soon as a bound is passed or a forbidden byte (NUL, bare LF, bare CR) is seen,
 * so that a slow or endless head costs no more than its limit.
 * HTTP_HAS_ALL: *head_bytes tells how long the head is, its last CRLFCRLF
 * included. HTTP_IS_REFUSED: *fault says why; for a response UPSTREAM_MALFORMED or
 * one of the bounds of an answer (UPSTREAM_HEAD_LONG, _FIELD_COUNT, _FIELD_LONG).
 */
enum http_progress http_head_find(struct http_head_search *search,
    struct chunk_queue *queue, const struct http_limits *limits, bool is_response,
    size_t *head_bytes, enum fault *fault) MUST_USE;

/*
 * Parses `raw`, a whole head with its final empty line, which must lie in
 * `arena` or outlive it. FAULT_NONE: `head` is filled. Else `head` holds what had
 * been understood (for the log: method, target, authority may be empty).
 * A request's Host must be there exactly once and be a host name, an IPv4 or a
 * bracketed IPv6 address with an optional port (RFC 9110, 7.2); absolute form is
 * accepted only when its authority is that of Host, and only for http and https.
 * CONNECT passes with its target as sent: to refuse it, and TRACE, is a gate's.
 */
enum fault http_request_parse(struct bytes raw, const struct http_limits *limits,
    struct arena *arena, struct http_head *head, struct note *note) MUST_USE;

/*
 * The same for a response to a request with method `to`. Strictness is the same;
 * framing follows RFC 9112, 6.3: no body for HEAD, 1xx, 204, 304, a tunnel after 101.
 * The fault is UPSTREAM_MALFORMED, UPSTREAM_HEAD_LONG, UPSTREAM_FIELD_COUNT,
 * UPSTREAM_FIELD_LONG (whose notes tell value and limit) or MEMORY; for a malformed one
 * the note begins with the reason of the fault that a request would have had. Space
 * before a colon is taken away (RFC 9112, 5.1).
 */
enum fault http_response_parse(struct bytes raw, enum http_method to,
    const struct http_limits *limits, struct arena *arena, struct http_head *head,
    struct note *note) MUST_USE;

/* The first field with this id, or NULL. */
const struct http_field *
http_head_field(const struct http_head *head, enum field_id id);

/* True when one of the fields with this id lists `token` (comma list, any case). */
bool
http_head_lists(const struct http_head *head, enum field_id id, struct bytes token);

/*
 * Reads host[:port]: a host name as DNS has them, with or without its final dot, an IPv4
 * address or a bracketed IPv6 address. False for anything else. The host is a view of
 * `text`, in the case in which it stands there.
 */
bool http_authority_read(struct bytes text, struct http_authority *authority) MUST_USE;

/* The port that is meant where the scheme's own is `otherwise` (RFC 9110, 4.2.3). */
static inline uint16_t
http_authority_port(const struct http_authority *authority, uint16_t otherwise)
{
    return authority->port != 0 ? authority->port : otherwise;
}

#define HTTP_PORT 80u
#define HTTPS_PORT 443u

/* True for methods that may be sent twice (RFC 9110, 9.2.2) and have no side effect here. */
bool http_method_is_safe(enum http_method method);

#endif
