/*
 * proxy/link.c - the life of an upstream connection: dialled, used, idle, closed.
 *
 * Trust: an upstream is believed no more than a client; what it sends is parsed
 * with the same strictness (proxy/link_http.c), and silence is part of the protocol.
 */
#include "proxy/link.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/require.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/flow.h"
#include "proxy/worker.h"

static uv_loop_t *
loop_of(const struct link *link)
{
    return &link->server->upstream->worker->loop;
}

static void
on_closed(void *owner)
{
    struct link *link = owner;

    link->server->upstream->worker->capacity.links--;
    chunk_queue_clear(&link->in);
    chunk_queue_clear(&link->out);
    free(link); /* the one place a link is freed */
}

/* Takes the link out of a list that is linked through `next`. */
static bool
leave_list(struct link **at, struct link *link)
{
    while (*at != NULL && *at != link)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = link->next;
    link->next = NULL;
    return true;
}

static void
leave_pool(struct link *link)
{
    if (link->owner != NULL)
        leave_list(&link->owner->pinned, link);
    else if (leave_list(&link->server->idle, link))
        link->server->idle_count--;
}

/* Ends a link that no exchange uses. */
static void
close_link(struct link *link)
{
    leave_pool(link);
    link->exchange = NULL;
    link->owner = NULL;
    if (link->stream.established && link->stream.fault == FAULT_NONE) {
        /* close_notify leaves if the socket takes it now */
        tls_stream_finish(&link->stream);
        tls_stream_settle(&link->stream, false);
    }
    tls_stream_close(&link->stream, on_closed);
}

/*
 * Something happened on a link that nobody uses: whatever it is, it ends the link.
 * TLS 1.3 session tickets are the one thing a server may send unasked; reading
 * them yields no plaintext.
 */
static void
idle_step(struct link *link)
{
    struct client *owner = link->owner;
    enum tls_io io = tls_stream_read(&link->stream, &link->in);

    if (io == TLS_IO_WAIT && chunk_queue_is_empty(&link->in)) {
        tls_stream_settle(&link->stream, true);
        return;
    }
    close_link(link);
    if (owner != NULL) {
        owner->pinned_lost = true;
        owner->wake(owner->owner);
    }
}

static void
on_wake(void *owner)
{
    struct link *link = owner;

    if (link->exchange == NULL)
        idle_step(link);
    else
        link->exchange->client->wake(link->exchange->client->owner);
}

struct link *
link_open(struct server *server, unsigned index, struct exchange *exchange)
{
    struct upstream *upstream = server->upstream;
    struct worker *worker = upstream->worker;
    struct link *link = capacity_may_dial(worker) ? calloc(1, sizeof *link) : NULL;
    SSL *ssl = NULL;

    if (link != NULL && upstream->tls != NULL)
        ssl = tls_client_ssl(upstream->tls, server->policy->host, server->index);
    if (link == NULL || (upstream->tls != NULL && ssl == NULL)) {
        free(link);
        return NULL;
    }
    worker->capacity.links++;

    link->server = server;
    link->exchange = exchange;
    link->address = server->addresses[index];
    link->opened_ns = clock_ns();
    link->old_from_ms = uv_now(loop_of(link)) + upstream->policy->pool_age_ms;
    chunk_queue_init(&link->in, WIRE_LIMIT);
    chunk_queue_init(&link->out, WIRE_LIMIT);
    tls_stream_init(&link->stream, TLS_SIDE_UPSTREAM, &upstream->worker->loop, ssl,
        on_wake, link);
    tls_stream_connect(&link->stream, (const void *)&link->address);
    return link;
}

/* The chain that was verified for it is still valid. */
static bool
is_still_verified(const struct link *link)
{
    return link->chain_ends == 0 || link->chain_ends > time(NULL);
}

static bool
is_still_good(const struct link *link)
{
    uint64_t now = uv_now(loop_of(link));

    return link->idle_until_ms > now && link->old_from_ms > now &&
        is_still_verified(link) && server_has_address(link->server, &link->address);
}

/*
 * What came before the question is not its answer. The loop may serve the client first
 * and tell of such bytes, or of the server's goodbye, when it is too late.
 */
static bool
may_be_asked(const struct link *link)
{
    return is_still_verified(link) && tls_stream_is_quiet(&link->stream);
}

static void
begin_use(struct link *link, struct exchange *exchange)
{
    link->exchange = exchange;
    link->reused = true;
    link->head_sent = link->answer_begun = link->answered_early = false;
    link->interims = 0;
    link->sent = link->received = 0;
    link->search = (struct http_head_search){ .seen = 0 };
}

struct link *
link_take_idle(struct server *server, struct exchange *exchange)
{
    struct link *link;

    while ((link = server->idle) != NULL) {
        leave_pool(link);
        if (is_still_good(link) && may_be_asked(link)) {
            begin_use(link, exchange);
            return link;
        }
        close_link(link);
    }
    return NULL;
}

struct link *
link_take_pinned(struct client *client, const struct upstream *upstream,
    struct exchange *exchange)
{
    struct link *link = client->pinned;

    while (link != NULL && link->server->upstream != upstream)
        link = link->next;
    if (link == NULL)
        return NULL;
    if (!may_be_asked(link)) {
        close_link(link);
        client->pinned_lost = true;
        return NULL;
    }
    leave_pool(link);
    begin_use(link, exchange);
    return link;
}

void
link_close_pinned(struct client *client)
{
    while (client->pinned != NULL)
        close_link(client->pinned);
}

enum tls_io
link_establish(struct link *link, struct note *note)
{
    enum tls_io io = link->stream.established
        ? TLS_IO_MOVED
        : tls_stream_handshake(&link->stream, note);

    if (io == TLS_IO_MOVED && link->established_ns == 0) {
        link->established_ns = clock_ns();
        if (link->stream.ssl != NULL)
            link->chain_ends = tls_client_chain_ends(link->stream.ssl);
    }
    return io;
}

/*
 * True when the bytes of both directions are all accounted for. `in` may have been full
 * just where the answer ended: what lies behind it, undecrypted, is looked for here,
 * because it would be taken for the answer to somebody else's request.
 */
static bool
is_clean(struct link *link)
{
    struct tls_stream *s = &link->stream;

    return tls_stream_read(s, &link->in) == TLS_IO_WAIT && s->fault == FAULT_NONE &&
        !s->transport_eof && !s->finishing && !s->write_broken &&
        chunk_queue_is_empty(&link->in) && chunk_queue_is_empty(&link->out);
}

void
link_release(struct link *link, bool reusable)
{
    struct server *server = link->server;
    const struct upstream_policy *policy = server->upstream->policy;
    struct client *client = link->exchange->client;

    link->exchange = NULL;
    link->idle_until_ms = uv_now(loop_of(link)) + policy->idle_pool_ms;
    reusable = reusable && is_clean(link) && is_still_verified(link) &&
        !server->upstream->worker->draining;
    if (link->carried_auth && reusable) { /* lives as long as its client, not longer */
        link->owner = client;
        link->next = client->pinned;
        client->pinned = link;
    } else if (!link->carried_auth && reusable && is_still_good(link) &&
        server->idle_count < policy->idle_pool) {
        link->next = server->idle;
        server->idle = link;
        server->idle_count++;
    } else {
        client->pinned_lost = client->pinned_lost || link->carried_auth;
        close_link(link);
        return;
    }
    tls_stream_settle(&link->stream, true);
}

void
link_expire_idle(struct server *server, uint64_t now_ms)
{
    struct link **at = &server->idle;

    while (*at != NULL) {
        struct link *link = *at;

        if (link->idle_until_ms <= now_ms || !is_still_good(link))
            close_link(link);
        else
            at = &link->next;
    }
}

bool
link_drop_idle(struct worker *worker)
{
    struct server *richest = NULL;
    struct link *oldest;

    for (unsigned i = 0; i < worker->snapshot->upstream_count; i++) {
        struct upstream *upstream = &worker->upstreams[i];

        for (unsigned s = 0; s < upstream->policy->server_count; s++) {
            struct server *server = &upstream->servers[s];

            if (server->idle_count > (richest != NULL ? richest->idle_count : 0))
                richest = server;
        }
    }
    if (richest == NULL)
        return false;
    oldest = richest->idle;
    while (oldest->next != NULL)
        oldest = oldest->next;
    close_link(oldest);
    return true;
}
