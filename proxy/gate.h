/*
 * proxy/gate.h - the ordered checks that a request passes, or not.
 *
 * Each gate is a function of what is already known about the request; it changes
 * nothing but what it found out (publish, route, url). Nothing reaches the
 * upstream before the last one has said FAULT_NONE.
 */
#ifndef PROXY_GATE_H
#define PROXY_GATE_H

#include "base/fault.h"

struct exchange;

struct gate {
    const char *name; /* for `postern explain` */
    enum fault (*run)(struct exchange *x);
};

/* In the order in which a request meets them. */
extern const struct gate gates[];
extern const unsigned gate_count;

/* Runs all gates in order; the first fault ends it, with x->note filled where it helps. */
enum fault gate_pass(struct exchange *x);

/* Body bytes have arrived: still within what the route allows? */
enum fault gate_body(const struct exchange *x);

#endif
