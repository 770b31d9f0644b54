/*
 * http/write.h - a head back to bytes. What was checked is what is sent.
 *
 * Writes at the end of a queue. Values come from parsed heads or from us; a CR,
 * LF or NUL in any part is a programmer's mistake and ends the process (require).
 */
#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include "base/chunk.h"
#include "http/head.h"

void http_write_request_line(struct chunk_queue *to, struct bytes method,
    struct bytes target);

/* `reason` may be empty. Always HTTP/1.1. */
void
http_write_status_line(struct chunk_queue *to, unsigned status, struct bytes reason);

void http_write_field(struct chunk_queue *to, struct bytes name, struct bytes value);

/* Date with the present time, as IMF-fixdate (RFC 9110, 5.6.7). */
void http_write_date(struct chunk_queue *to);

/* The framing field that `framing` needs: Content-Length, Transfer-Encoding or none. */
void http_write_framing(struct chunk_queue *to, struct http_framing framing);

/* The empty line. */
void http_write_end(struct chunk_queue *to);

/*
 * True when a field of a received head may be passed on: it is not hop-by-hop,
 * not framing, and not named by the head's Connection field unless protected.
 * Of requests (`is_request`), identity fields are refused as well, and any name that
 * is a known one spelled with underscores; so is an Expect that came in HTTP/1.0.
 */
bool http_field_is_forwarded(const struct http_head *head,
    const struct http_field *field, bool is_request);

/* The registered phrase of a status ("Not Found"), or "". */
const char *http_reason(unsigned status);

#endif
