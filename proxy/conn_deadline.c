/*
 * proxy/conn_deadline.c - how long each phase of a connection may take, and what
 * happens then.
 *
 * One deadline at a time, worked out anew after each step from what is there: what
 * answers a question here changes nothing. What the client has taken is asked of the
 * kernel, and only when the timer fires.
 */
#include "proxy/conn_priv.h"

#include "proxy/listener.h"
#include "proxy/worker.h"
#include "tls/key_turn.h"

/* A client that never stops talking lingers this many times `timeouts.linger` at most. */
#define LINGER_TIMES 15
/* How often, in the time that a client has to take something, the kernel is asked. */
#define LOOKS 4
/* Never more often than this, however brief the times that are configured. */
#define LOOK_LEAST_MS 100

static uint64_t
now_ms(const struct conn *c)
{
    return uv_now(c->stream.tcp.loop);
}

/* --- what the client has taken --- */

/*
 * Bytes wait for the client to take them. What the kernel has it delivers without us, also
 * after the end; between two requests it tells that the client still has to read.
 */
static bool
owes(const struct conn *c)
{
    return !chunk_queue_is_empty(&c->out) || !tls_stream_is_flushed(&c->stream) ||
        (c->delivery.in_kernel && conn_phase(c) == PHASE_HEAD);
}

void
conn_note_delivery(struct conn *c)
{
    struct delivery *d = &c->delivery;

    if (!owes(c))
        d->since_ms = 0;
    else if (d->since_ms == 0)
        d->since_ms = d->looked_ms = now_ms(c);
}

/* Asks the kernel how far the client has come. */
static void
look(struct conn *c)
{
    struct delivery *d = &c->delivery;
    uint64_t acknowledged = tls_stream_acknowledged(&c->stream);
    bool was_in_kernel = d->in_kernel;

    d->in_kernel = acknowledged < tls_stream_written(&c->stream);
    d->looked_ms = now_ms(c);
    if (acknowledged > d->acknowledged || d->since_ms == 0)
        d->since_ms = d->looked_ms;
    d->acknowledged = acknowledged;
    if (was_in_kernel && !d->in_kernel && conn_phase(c) == PHASE_HEAD)
        conn_enter(c, PHASE_HEAD); /* it has the last answer only now */
}

/* --- the deadline of each phase --- */

static uint64_t
delivery_deadline(const struct conn *c, enum fault *fault)
{
    *fault = FAULT_CLIENT_SLOW_READ;
    return c->delivery.since_ms + c->listener->policy->reply_ms;
}

static uint64_t
head_deadline(const struct conn *c, enum fault *fault)
{
    const struct listener_policy *policy = c->listener->policy;
    const struct worker *worker = c->client.worker;
    uint64_t until;

    if (c->head_begun_ns != 0) {
        *fault = FAULT_CLIENT_SLOW_HEAD;
        return c->head_begun_ms + policy->head_ms;
    }
    if (owes(c))
        return delivery_deadline(c, fault);
    *fault = FAULT_CLIENT_IDLE;
    until =
        c->phase_since_ms + (c->requests > 0 ? policy->keep_alive_ms : policy->head_ms);
    /* A request may be on its way while we stop: HTTP/1.1 has no word to prevent that. */
    if (worker->draining && c->requests > 0 &&
        worker->drain_since_ms + policy->linger_ms < until) {
        *fault = FAULT_NONE;
        until = worker->drain_since_ms + policy->linger_ms;
    }
    return until;
}

static uint64_t
exchange_or_delivery_deadline(const struct conn *c, enum fault *fault)
{
    enum fault client_fault;
    uint64_t until = exchange_deadline(c->exchange, fault), client_until;

    if (!owes(c))
        return until;
    client_until = delivery_deadline(c, &client_fault);
    if (client_until >= until)
        return until;
    *fault = client_fault;
    return client_until;
}

static uint64_t
linger_deadline(const struct conn *c, enum fault *fault)
{
    uint64_t linger_ms = c->listener->policy->linger_ms;
    uint64_t last = c->phase_since_ms + LINGER_TIMES * linger_ms;
    uint64_t quiet = c->heard_ms + linger_ms;

    if (owes(c) && c->stream.fault == FAULT_NONE)
        return delivery_deadline(c, fault);
    *fault = FAULT_NONE;
    return quiet < last ? quiet : last;
}

static uint64_t
deadline(const struct conn *c, enum fault *fault)
{
    *fault = FAULT_NONE;
    switch (conn_phase(c)) {
    case PHASE_HANDSHAKE:
        *fault = FAULT_TLS_HANDSHAKE_TIMEOUT;
        return c->phase_since_ms + c->listener->policy->handshake_ms;
    case PHASE_HEAD:
        return head_deadline(c, fault);
    case PHASE_GATE:
    case PHASE_COLLECT:
    case PHASE_DIAL:
    case PHASE_RELAY:
    case PHASE_REST:
    case PHASE_REPLY:
    case PHASE_DONE:
        return exchange_or_delivery_deadline(c, fault);
    case PHASE_LINGER:
        return linger_deadline(c, fault);
    case PHASE_CLOSING:
        break;
    }
    return UINT64_MAX;
}

/* --- when it has passed --- */

static void
time_out(struct conn *c, enum fault fault)
{
    switch (conn_phase(c)) {
    case PHASE_HANDSHAKE:
        if (!key_turn_refuse(&c->stream.turn)) /* else the step sends an alert */
            conn_abort(c, fault);
        break;
    case PHASE_LINGER:
        if (fault != FAULT_NONE)
            conn_abort(c, fault);
        else
            conn_finish(c);
        break;
    case PHASE_HEAD:
        if (fault == FAULT_CLIENT_SLOW_HEAD)
            conn_http_refuse(c, fault);
        else if (fault == FAULT_CLIENT_SLOW_READ)
            conn_abort(c, fault);
        else
            conn_linger(c, fault);
        break;
    case PHASE_GATE:
    case PHASE_COLLECT:
    case PHASE_DIAL:
    case PHASE_RELAY:
    case PHASE_REST:
    case PHASE_REPLY:
    case PHASE_DONE:
        if (fault == FAULT_CLIENT_SLOW_READ)
            conn_abort(c, fault);
        else
            exchange_time_out(c->exchange, fault);
        break;
    case PHASE_CLOSING:
        break;
    }
}

/* Nothing tells us that the kernel has got rid of what it held: then an idle time begins. */
static uint64_t
look_every_ms(const struct conn *c)
{
    const struct listener_policy *policy = c->listener->policy;
    uint64_t every = policy->reply_ms / LOOKS;
    uint64_t idle =
        c->client.worker->draining ? policy->linger_ms : policy->keep_alive_ms;

    if (conn_phase(c) == PHASE_HEAD && idle < every)
        every = idle;
    return every > LOOK_LEAST_MS ? every : LOOK_LEAST_MS;
}

uint64_t
conn_next_look(const struct conn *c)
{
    enum fault unused;
    uint64_t until = deadline(c, &unused);
    uint64_t next = c->delivery.looked_ms + look_every_ms(c);

    return owes(c) && next < until ? next : until;
}

void
conn_keep_time(struct conn *c)
{
    enum fault fault;

    if (conn_next_look(c) > now_ms(c))
        return; /* the timer is of a phase that is over: an answer may just have left */
    look(c);
    if (deadline(c, &fault) <= now_ms(c))
        time_out(c, fault);
}
