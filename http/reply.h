/*
 * http/reply.h - the answers we give ourselves: small, no script, one sentence.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include <stdbool.h>

#include "base/chunk.h"
#include "base/fault.h"
#include "http/head.h"

struct http_reply {
    enum fault fault;        /* gives status and sentence; text never tells the rule */
    struct bytes request_id; /* shown to the user, as in the log */
    bool as_json;            /* application/problem+json (RFC 9457) instead of HTML */
    bool head_only;          /* answer to HEAD */
    bool close;              /* adds Connection: close */
    unsigned status;         /* not 0: this status and no body, whatever the fault */
    struct bytes location;   /* non-empty: Location field, for a redirect */
    struct bytes allow;      /* non-empty: Allow field, for 405 */
    struct bytes hsts;       /* non-empty: Strict-Transport-Security (RFC 6797, 6.1) */
};

/*
 * Writes the whole answer, head and body, to `to`, with Cache-Control: no-store,
 * nosniff and a Content-Security-Policy that allows nothing but inline-free text.
 */
void http_reply_write(const struct http_reply *reply, struct chunk_queue *to);

/* True when the request's Accept prefers JSON to HTML, or it looks like a script call. */
bool http_wants_json(const struct http_head *request);

#endif
