/*
 * proxy/upstream.c - which server is asked next, and what is remembered of it.
 *
 * Health is passive and per worker: whether the connections that real requests need
 * can be had. A resting server is asked again when its rest is over, or when there is no
 * better one; the first connection clears it.
 */
#include "proxy/upstream.h"

#include <stdlib.h>
#include <string.h>

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
        upstream->tls = tls_client_new(&policy->tls, worker->trust, worker->keys, note);
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
was_tried(const struct server *server, uint64_t tried)
{
    return (tried >> server->index & 1) != 0;
}

static bool
is_fit(const struct upstream *upstream, const struct server *server, uint64_t tried)
{
    return !was_tried(server, tried) &&
        server->rests_until_ms <= uv_now(&upstream->worker->loop);
}

/* Among servers that rest: whose rest ends first, then who has failed least. */
static bool
is_less_bad(const struct server *a, const struct server *b)
{
    if (a->rests_until_ms != b->rests_until_ms)
        return a->rests_until_ms < b->rests_until_ms;
    return a->failures < b->failures;
}

static struct server *
find_least_bad(struct upstream *upstream, uint64_t tried)
{
    struct server *least = NULL;

    for (unsigned i = 0; i < upstream->policy->server_count; i++) {
        struct server *server = &upstream->servers[i];

        if (!was_tried(server, tried) && (least == NULL || is_less_bad(server, least)))
            least = server;
    }
    return least;
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
    return find_least_bad(upstream, tried);
}

static unsigned
find_address(const struct server *server, const struct sockaddr_storage *address)
{
    unsigned i = 0;

    while (i < server->address_count &&
        memcmp(&server->addresses[i], address, sizeof *address) != 0)
        i++;
    return i; /* address_count: it is none of them */
}

bool
server_has_address(const struct server *server, const struct sockaddr_storage *address)
{
    return find_address(server, address) < server->address_count;
}

/* The one that last worked stays the first to be tried, wherever it stands now. */
static void
take_addresses(struct server *server, const struct address_list *list)
{
    struct sockaddr_storage good = server->addresses[server->good_address];
    unsigned at;

    for (unsigned k = 0; k < list->count; k++)
        address_list_sockaddr(list, k, server->policy->port, &server->addresses[k]);
    server->address_count = list->count;
    at = find_address(server, &good);
    server->good_address = at < list->count ? at : 0;
    link_expire_idle(server, uv_now(&server->upstream->worker->loop));
}

void
upstream_set_addresses(struct upstream *upstream, const struct address_list *list)
{
    for (unsigned i = 0; i < upstream->policy->server_count; i++) {
        if (strcmp(upstream->servers[i].policy->host, list->host) == 0)
            take_addresses(&upstream->servers[i], list);
    }
}

void
server_reached(struct server *server, const struct sockaddr_storage *address)
{
    unsigned at = find_address(server, address);

    if (at < server->address_count) /* the name may have lost it meanwhile */
        server->good_address = at;
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
    server->rests_until_ms = uv_now(&server->upstream->worker->loop) + policy->rest_ms;
}
