/*
 * proxy/gate.h - the ordered checks that a request passes, or not.
 *
 * Each gate is a function of what is already known about the request; it changes
 * nothing but what it found out (publish, route, url). Nothing reaches the
 * upstream before the last one has said FAULT_NONE.
 */
#ifndef PROXY_GATE_H
#define PROXY_GATE_H

#include <stdbool.h>

#include "base/fault.h"
#include "http/filter.h"

struct exchange;

struct gate {
    const char *name; /* for `postern explain` */
    enum fault (*run)(struct exchange *x);
};

/* In the order in which a request meets them. */
extern const struct gate gates[];
extern const unsigned gate_count;

/* What the application's filter is asked about this request. */
struct filter_input gate_filter_input(struct exchange *x);

/* Runs all gates in order; the first fault ends it, with x->note filled where it helps. */
enum fault gate_pass(struct exchange *x);

/*
 * Body bytes have arrived in x->upload and none of them has left: are they still
 * within bounds, and what the application takes? To be called before each send.
 */
enum fault gate_body(struct exchange *x);

/* The first bytes of an answer's body have arrived in x->download, or it has none. */
enum fault gate_answer(struct exchange *x);

/* True while gate_answer wants more of the body before the answer's head goes out. */
bool gate_holds_answer(const struct exchange *x);

#endif
