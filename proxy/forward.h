/*
 * proxy/forward.h - what is changed in a head on its way: the request toward the
 * upstream, the response toward the client.
 */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include "base/chunk.h"
#include "base/fault.h"
#include "http/head.h"

struct exchange;

/*
 * Writes the request head for the upstream: canonical target, the client's fields
 * in their order and case without hop-by-hop and identity ones, then ours
 * (X-Forwarded-*, Forwarded, Via, X-Request-ID).
 */
enum fault forward_request(struct exchange *x, struct chunk_queue *to) MUST_USE;

/*
 * Writes the response head for an HTTP/1 client with this framing. `close`: says
 * that the connection ends afterwards; `persist`: an HTTP/1.0 client is told that it does not.
 */
enum fault forward_response(struct exchange *x, struct http_framing framing, bool close,
    bool persist, struct chunk_queue *to) MUST_USE;

/*
 * Strict-Transport-Security for an answer of our own to this request; empty: none, as in
 * clear text (RFC 6797, 7.2) or before it is known who is asked.
 */
struct bytes forward_hsts(const struct exchange *x);

/*
 * "https://host[:port]target" for a request that came in clear text, in its arena; a view
 * of NULL when that is full. The port is the one that clients connect to.
 */
struct bytes forward_redirect(struct exchange *x);

#endif
