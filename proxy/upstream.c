/*
 * proxy/upstream.c - which server is asked next, and what is remembered of it.
 *
 * Health is passive and per worker: what real requests meet. A resting server is
 * asked again when its rest is over; the first success clears it.
 */
#include "proxy/upstream.h"

#include <stdlib.h>

#include "base/require.h"
#include "proxy/journal.h"
#include "proxy/link.h"
#include "proxy/worker.h"

/* An address literal needs no resolver. */
static void
take_literal(struct server *server)
{
    struct address_list list;

    if (!address_list_literal(&list, server->policy->host))
        return;
    address_list_sockaddr(&list, 0, server->policy->port, &server->addresses[0]);
    server->address_count = 1;
}

bool
upstream_init(struct upstream *upstream, struct worker *worker,
    const struct upstream_policy *policy, struct note *note)
{
    *upstream = (struct upstream){ .policy = policy, .worker = worker };
    if (policy->bridge == BRIDGE_REENCRYPT) {
        upstream->tls = tls_client_new(&policy->tls, worker->keys, note);
        if (upstream->tls == NULL)
            return false;
    }
    upstream->servers = require_zeroed(policy->server_count, sizeof *upstream->servers);
    for (unsigned i = 0; i < policy->server_count; i++) {
        struct server *server = &upstream->servers[i];

        server->policy = &policy->servers[i];
        server->upstream = upstream;
        server->index = i;
        affinity_tag(&worker->cookie_key, policy->name, server->policy->url,
            server->tag);
        take_literal(server);
    }
    return true;
}

void
upstream_close_idle(struct upstream *upstream)
{
    for (unsigned i = 0;
         upstream->servers != NULL && i < upstream->policy->server_count; i++)
        link_expire_idle(&upstream->servers[i], UINT64_MAX);
}

void
upstream_fini(struct upstream *upstream)
{
    tls_client_free(&upstream->tls);
    free(upstream->servers);
    upstream->servers = NULL;
}

static bool
is_fit(const struct upstream *upstream, const struct server *server, uint64_t tried)
{
    if (tried >> server->index & 1)
        return false;
    return server->rests_until_ms <= uv_now(&upstream->worker->loop);
}

struct server *
upstream_pick(struct upstream *upstream, struct bytes tag, uint64_t tried)
{
    unsigned count = upstream->policy->server_count;

    for (unsigned i = 0; tag.length > 0 && i < count; i++) {
        struct server *server = &upstream->servers[i];

        if (bytes_equal(tag, bytes_of_string(server->tag)) &&
            is_fit(upstream, server, tried))
            return server;
    }
    for (unsigned i = 0; i < count; i++) {
        struct server *server = &upstream->servers[upstream->next];

        upstream->next = (upstream->next + 1) % count;
        if (is_fit(upstream, server, tried))
            return server;
    }
    return NULL;
}

void
upstream_set_addresses(struct upstream *upstream, const struct address_list *list)
{
    for (unsigned i = 0; i < upstream->policy->server_count; i++) {
        struct server *server = &upstream->servers[i];

        if (strcmp(server->policy->host, list->host) != 0)
            continue;
        for (unsigned k = 0; k < list->count; k++)
            address_list_sockaddr(list, k, server->policy->port, &server->addresses[k]);
        server->address_count = list->count;
        server->good_address = 0;
    }
}

void
server_took(struct server *server, unsigned address)
{
    if (address < server->address_count) /* the list may have shrunk meanwhile */
        server->good_address = address;
}

void
server_succeeded(struct server *server)
{
    server->failures = 0;
    server->rests_until_ms = 0;
    if (server->down)
        journal_server(server, true, FAULT_NONE, NULL);
    server->down = false;
}

void
server_failed(struct server *server, enum fault fault, const struct note *note)
{
    const struct upstream_policy *policy = server->upstream->policy;
    bool certificate =
        fault >= FAULT_UPSTREAM_CERT_CHAIN && fault <= FAULT_UPSTREAM_CERT;

    if (fault_who(fault) != FAULT_BY_UPSTREAM)
        return;
    if (++server->failures < policy->failures && !certificate)
        return;
    if (!server->down)
        journal_server(server, false, fault, note);
    server->down = true;
    if (policy->server_count > 1)
        server->rests_until_ms =
            uv_now(&server->upstream->worker->loop) + policy->rest_ms;
}
