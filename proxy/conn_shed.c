/*
 * proxy/conn_shed.c - who has to go when there is not enough for all.
 */
#include "proxy/conn_priv.h"

#include "base/clock.h"
#include "proxy/conn.h"
#include "proxy/listener.h"
#include "proxy/worker.h"

/* Connected, and not one byte sent. */
static bool
is_bare(const struct conn *c, uint64_t age_ms)
{
    return c->phase == PHASE_HANDSHAKE && c->stream.bytes_in == 0 &&
        clock_ns() - c->accepted_ns >= age_ms * 1000000;
}

unsigned
conn_shed_bare(struct worker *worker, uint64_t age_ms)
{
    struct conn *next;
    unsigned shed = 0;

    for (unsigned i = 0; i < worker->snapshot->listener_count; i++) {
        for (struct conn *c = worker->listeners[i].conns; c != NULL; c = next) {
            next = c->next; /* freeing happens in callbacks, never here */
            if (!is_bare(c, age_ms))
                continue;
            conn_abort(c, FAULT_NO_SOCKET);
            conn_step(c);
            shed++;
        }
    }
    return shed;
}
