/*
 * proxy/loop.h - was this request here before?
 *
 * Two marks tell: our pseudonym in Via (RFC 9110, 7.6.3), and for applications whose
 * servers must not see a Via (`headers: {via: false}`) a field of our own. Its value
 * is an HMAC of a key that no other postern has: nobody can make it up, and it tells
 * nothing. Those of other posterns are passed on, so that each finds its own.
 */
#ifndef PROXY_LOOP_H
#define PROXY_LOOP_H

#include <stdbool.h>

#include "base/bytes.h"
#include "http/head.h"
#include "proxy/affinity.h"

#define LOOP_FIELD "Postern-Loop"
#define LOOP_MARK_BYTES AFFINITY_TAG_BYTES /* 128 bits in hex and a NUL */

/* The mark of everybody who has this key: all workers of one postern. */
void loop_mark(const struct affinity_key *key, char mark[LOOP_MARK_BYTES]);

/* True when `pseudonym` stands in a Via, or `mark` in a field of ours. */
bool
loop_is_closed(const struct http_head *head, struct bytes pseudonym, struct bytes mark);

#endif
