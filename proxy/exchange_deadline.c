/*
 * proxy/exchange_deadline.c - how long an exchange waits, for whom, and whose fault it is
 * when that was too long.
 *
 * What answers a question here changes nothing.
 */
#include "proxy/exchange.h"

#include "proxy/link.h"
#include "proxy/listener.h"
#include "proxy/worker.h"

/*
 * One direction is over. A client that went away looks just like one that only listens, and
 * a server that takes nothing more after its answer like one that will.
 */
#define HALF_DONE_MS 30000

static uint64_t
now_ms(const struct exchange *x)
{
    return uv_now(&x->client->worker->loop);
}

/* One of the two channels of RPC over HTTP: a body of a gigabyte that comes as it comes. */
static bool
is_channel(const struct exchange *x)
{
    return x->verdict.rule != NULL && x->verdict.rule->grammar == GRAMMAR_RPC_PROXY;
}

/* The client owes us body bytes, and is not waiting for a 100 of the upstream. */
static bool
waits_for_upload(const struct exchange *x)
{
    return !x->upload.ended && !is_channel(x) &&
        x->request.framing.kind != HTTP_TUNNEL &&
        !chunk_queue_is_full(&x->upload.data) && x->answer == ANSWER_NONE &&
        !(x->request.expects_continue && x->upload.bytes == 0);
}

/* By when the next bytes of the body have to be here, and the least of them. */
static uint64_t
upload_deadline(const struct exchange *x)
{
    uint64_t body_ms = x->client->listener->policy->body_ms;
    uint64_t pace = x->pace_since_ms + body_ms, silence = x->upload_moved_ms + body_ms;

    return x->client->worker->snapshot->minimum_rate > 0 && pace < silence ? pace
                                                                           : silence;
}

bool
exchange_keeps_pace(const struct exchange *x)
{
    uint64_t body_ms = x->client->listener->policy->body_ms;
    uint64_t least = x->client->worker->snapshot->minimum_rate * body_ms / 1000;

    return x->upload_moved_ms + body_ms > now_ms(x) &&
        x->upload.bytes - x->pace_from >= least;
}

/* Behind a whole answer: whose turn is it to let the body go on? */
static uint64_t
rest_deadline(const struct exchange *x, enum fault *fault)
{
    if (chunk_queue_is_empty(&x->upload.data) && chunk_queue_is_empty(&x->link->out)) {
        *fault = FAULT_CLIENT_SLOW_BODY;
        return upload_deadline(x);
    }
    *fault = FAULT_UPSTREAM_STALLED;
    return x->moved_ms + (x->idle_ms < HALF_DONE_MS ? x->idle_ms : HALF_DONE_MS);
}

uint64_t
exchange_deadline(const struct exchange *x, enum fault *fault)
{
    uint64_t idle_ms, until;

    if (x->phase == PHASE_DIAL) {
        *fault = FAULT_UPSTREAM_CONNECT_TIMEOUT;
        return x->dial_until_ms;
    }
    if (x->phase == PHASE_COLLECT) {
        *fault = FAULT_CLIENT_SLOW_BODY;
        return upload_deadline(x);
    }
    if (x->phase == PHASE_REST)
        return rest_deadline(x, fault);
    if (x->phase != PHASE_RELAY)
        return UINT64_MAX;
    if (x->answer == ANSWER_HEAD && chunk_queue_is_full(&x->download.data))
        return UINT64_MAX; /* it is the client who does not take what is there */
    idle_ms = x->idle_ms;
    if ((x->half_closed || x->download.ended) && idle_ms > HALF_DONE_MS)
        idle_ms = HALF_DONE_MS;
    until = x->moved_ms + idle_ms;
    *fault = x->answer >= ANSWER_HELD ? FAULT_UPSTREAM_STALLED : FAULT_UPSTREAM_TIMEOUT;
    if (x->download.ended) /* a tunnel, and the upstream has said all it had to say */
        *fault = FAULT_CLIENT_IDLE;
    if (waits_for_upload(x) && upload_deadline(x) < until) {
        until = upload_deadline(x);
        *fault = FAULT_CLIENT_SLOW_BODY;
    }
    return until;
}
