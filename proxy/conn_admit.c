/*
 * proxy/conn_admit.c - may one more connection come in?
 *
 * The limits are exact over all workers (proxy/ledger.h). What was counted is written
 * down in the connection, so that it is given back once and whole.
 */
#include "proxy/conn_priv.h"

#include "proxy/ledger.h"
#include "proxy/listener.h"
#include "proxy/sources.h"
#include "proxy/worker.h"

enum fault
conn_admit(struct conn *c)
{
    const struct listener_policy *policy = c->listener->policy;
    struct worker *worker = c->listener->worker;

    if (!ledger_enter(worker->ledger, policy->index, policy->connections))
        return FAULT_CONNECTION_LIMIT;
    c->counted = COUNTED_BY_LISTENER;
    if (!sources_enter(worker->sources, (struct sockaddr *)&c->client.address,
            policy->index, policy->connections_per_source))
        return FAULT_CONNECTION_LIMIT_SOURCE;
    c->counted = COUNTED_BY_SOURCE;
    return FAULT_NONE;
}

void
conn_dismiss(struct conn *c)
{
    const struct listener_policy *policy = c->listener->policy;
    struct worker *worker = c->listener->worker;

    if (c->counted >= COUNTED_BY_SOURCE)
        sources_leave(worker->sources, (struct sockaddr *)&c->client.address,
            policy->index, policy->connections_per_source);
    if (c->counted >= COUNTED_BY_LISTENER)
        ledger_leave(worker->ledger, policy->index);
    c->counted = COUNTED_NOWHERE;
}
