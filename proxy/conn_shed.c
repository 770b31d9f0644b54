/*
 * proxy/conn_shed.c - who has to go when there is not enough for all.
 */
#include "proxy/conn_priv.h"

#include "base/clock.h"
#include "proxy/conn.h"
#include "proxy/link.h"
#include "proxy/listener.h"
#include "proxy/worker.h"

/* Connected, and not one byte sent; in clear text there is no handshake to wait for. */
static bool
is_bare(const struct conn *c, uint64_t age_ms)
{
    return c->phase <= PHASE_HEAD && c->stream.bytes_in == 0 &&
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

static size_t
held_by_stream(const struct tls_stream *s)
{
    return s->cipher_in.length + s->cipher_out.length + s->in_flight.length;
}

/* About what it holds: bytes queued in both directions, and its request's memory. */
static size_t
held_by(const struct conn *c)
{
    size_t held = c->in.length + c->out.length + held_by_stream(&c->stream);
    const struct exchange *x = c->exchange;

    if (x == NULL)
        return held;
    held += x->upload.data.length + x->download.data.length + x->arena.used;
    if (x->link != NULL)
        held +=
            x->link->in.length + x->link->out.length + held_by_stream(&x->link->stream);
    return held;
}

/* The more it holds and the longer nothing has moved, the sooner it goes. */
static uint64_t
burden(const struct conn *c)
{
    uint64_t now = uv_now(c->stream.tcp.loop), since = c->phase_since_ms;

    if (c->phase >= PHASE_LINGER)
        return 0; /* it goes anyway */
    if (c->exchange != NULL)
        since = c->exchange->moved_ms;
    return held_by(c) * (1 + (now > since ? (now - since) / 1000 : 0));
}

/* Who has an answer, be it only a part of it, gets no other. */
static void
shed(struct conn *c)
{
    if (c->exchange != NULL && c->exchange->phase != PHASE_DONE)
        exchange_fail(c->exchange, FAULT_MEMORY_FULL);
    else
        conn_abort(c, FAULT_MEMORY_FULL);
    conn_step(c);
}

bool
conn_shed_heaviest(struct worker *worker)
{
    struct conn *heaviest = NULL;
    uint64_t most = 0;

    for (unsigned i = 0; i < worker->snapshot->listener_count; i++) {
        for (struct conn *c = worker->listeners[i].conns; c != NULL; c = c->next) {
            uint64_t weight = burden(c);

            if (weight > most) {
                most = weight;
                heaviest = c;
            }
        }
    }
    if (heaviest == NULL)
        return false;
    shed(heaviest);
    return true;
}

void
conn_step_all(struct listener *listener)
{
    struct conn *next;

    for (struct conn *c = listener->conns; c != NULL; c = next) {
        next = c->next; /* freeing happens in callbacks, never here */
        conn_step(c);
    }
}
