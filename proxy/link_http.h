/*
 * proxy/link_http.h - HTTP/1.1 toward the upstream: the request of an exchange out
 * over its link, the answer in.
 */
#ifndef PROXY_LINK_HTTP_H
#define PROXY_LINK_HTTP_H

#include <stdbool.h>

#include "base/fault.h"

struct exchange;
struct link;

/*
 * Moves request bytes from x->upload to the link, its head first. The link must be
 * established. A server that stops reading is no fault while it may still answer.
 */
enum fault link_send(struct exchange *x, bool *moved);

/* Moves answer bytes from the link into x->response and x->download. */
enum fault link_receive(struct exchange *x, bool *moved);

/* True when the whole request is out, the TLS layer has it all. */
bool link_is_told(const struct exchange *x);

/* True when the answer, of which the head is known, leaves the link open for more. */
bool link_survives_answer(const struct exchange *x);

/* Behind a whole answer: false when the server says more, or has ended the connection. */
bool link_listens(struct link *link);

/* True when the request is out, the answer is in, and the link may serve again. */
bool link_is_reusable(const struct exchange *x);

#endif
