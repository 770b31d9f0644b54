/*
 * proxy/conn.c - one client connection from accept to its last close callback.
 *
 * conn_step is the decider. It is called after every event of the client's stream
 * or of the upstream link, looks at the whole connection, moves what can move, then
 * settles reading and writing once. What was decided to end ends as the last act of
 * the step (conn_close), so no function below it loses what its caller holds. Nothing
 * here frees a connection but on_handle_closed.
 */
#include "proxy/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/require.h"
#include "proxy/conn_priv.h"
#include "proxy/flow.h"
#include "proxy/journal.h"
#include "proxy/ledger.h"
#include "proxy/link.h"
#include "proxy/worker.h"
#include "tls/client_hello.h"

static uint64_t
now_ms(const struct conn *c)
{
    return uv_now(c->stream.tcp.loop);
}

enum phase
conn_phase(const struct conn *c)
{
    if (c->exchange != NULL && c->phase < PHASE_LINGER)
        return c->exchange->phase;
    return c->phase;
}

void
conn_enter(struct conn *c, enum phase phase)
{
    c->phase = phase;
    c->phase_since_ms = now_ms(c);
}

/* --- the end --- */

static void
conn_free(struct conn *c)
{
    struct listener *listener = c->listener;
    struct worker *worker = listener->worker;

    conn_dismiss(c);
    *c->at = c->next;
    if (c->next != NULL)
        c->next->at = c->at;
    snapshot_unref(&c->snapshot);
    free(c); /* the one place a connection is freed */
    worker_connection_gone(worker);
}

static void
on_handle_closed(void *owner)
{
    struct conn *c = owner;

    if (--c->open_handles == 0)
        conn_free(c);
}

static void
on_timer_closed(uv_handle_t *timer)
{
    on_handle_closed(timer->data);
}

static void
remember_fault(struct conn *c, enum fault fault)
{
    if (c->fault != FAULT_NONE || fault == FAULT_NONE)
        return;
    c->ended_in = conn_phase(c);
    c->fault = fault;
}

/* The one ending event; now, because with the stream goes what is known of its TLS. */
static void
tell_end(const struct conn *c)
{
    const struct journal_connection facts = { .fault = c->fault,
        .phase = c->ended_in,
        .note = &c->note,
        .stream = &c->stream,
        .accepted_ns = c->accepted_ns,
        .requests = c->requests,
        .credentials_seen = c->credentials_seen };

    journal_connection(&c->client, &facts);
}

/* Ends what is under way; its ending event says why, and how far the answer came. */
static void
drop_exchange(struct conn *c)
{
    uint64_t taken;

    if (c->exchange == NULL)
        return;
    exchange_fail(c->exchange, c->fault != FAULT_NONE ? c->fault : FAULT_CLIENT_CLOSED);
    taken = tls_stream_acknowledged(&c->stream);
    if (c->answer_begun)
        c->exchange->answer_taken = taken > c->answer_from ? taken - c->answer_from : 0;
    exchange_free(&c->exchange);
}

/*
 * Gives everything back but the handles; their close callbacks do the rest. Last in a
 * step, because nobody may hold the exchange any more.
 */
static void
conn_close(struct conn *c)
{
    if (c->stream.closing)
        return;
    drop_exchange(c);
    link_close_pinned(&c->client);
    chunk_queue_clear(&c->in);
    chunk_queue_clear(&c->out);
    tell_end(c);
    tls_stream_close(&c->stream, on_handle_closed);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

void
conn_finish(struct conn *c)
{
    if (c->phase != PHASE_CLOSING)
        conn_enter(c, PHASE_CLOSING);
}

void
conn_abort(struct conn *c, enum fault fault)
{
    remember_fault(c, fault != FAULT_NONE ? fault : FAULT_INTERNAL);
    conn_finish(c);
}

void
conn_linger(struct conn *c, enum fault fault)
{
    remember_fault(c, fault);
    if (c->phase >= PHASE_LINGER)
        return;
    if (c->fault == FAULT_NONE)
        c->ended_in = conn_phase(c);
    conn_enter(c, PHASE_LINGER);
}

/* --- the phases --- */

/* TLS has failed, the socket has not: the alert that says why leaves first. */
static void
linger_for_alert(struct conn *c)
{
    c->drains_input = true;
    conn_linger(c, c->stream.fault);
}

bool
conn_read(struct conn *c, bool *moved)
{
    switch (tls_stream_read(&c->stream, &c->in)) {
    case TLS_IO_MOVED:
        *moved = true;
        return true;
    case TLS_IO_WAIT:
        return true;
    case TLS_IO_EOF:
        if (!c->ended)
            *moved = true;
        c->ended = true;
        return true;
    case TLS_IO_FAILED:
        break;
    }
    if (c->exchange == NULL && chunk_queue_is_empty(&c->in) &&
        c->stream.fault == FAULT_CLIENT_TRUNCATED)
        conn_linger(c, FAULT_NONE); /* between requests: how most clients leave */
    else if (c->stream.transport_eof || c->stream.write_broken)
        conn_abort(c, c->stream.fault);
    else
        linger_for_alert(c);
    return false;
}

/* Did a password come in the clear? Only that it did is kept. */
static bool
holds_credentials(const struct chunk_queue *bytes)
{
    static const struct bytes signs[] = { { "authorization:", 14 }, { "password=", 9 },
        { "passwd=", 7 }, { "_pass=", 6 }, { "cookie:", 7 } };
    struct bytes text = chunk_queue_front(bytes);

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (bytes_contains_nocase(text, signs[i]))
            return true;
    }
    return false;
}

static bool
begin_tunnel(struct conn *c, const struct publish_policy *publish)
{
    c->client.publish = publish;
    c->exchange = exchange_new(&c->client, c->accepted_ns);
    if (c->exchange == NULL) {
        conn_abort(c, FAULT_MEMORY_FULL);
        return true;
    }
    exchange_begin_tunnel(c->exchange, publish);
    c->answer_framing = HTTP_TUNNEL;
    c->answer_begun = true;
    http_body_begin(&c->body, (struct http_framing){ HTTP_TUNNEL, 0 },
        &publish->limits);
    return true;
}

/* The ClientHello says whose TLS this is: ours, or a tunnelled host's. */
static bool
peek(struct conn *c)
{
    const struct publish_policy *publish = NULL;
    SSL *ssl;
    enum client_hello hello =
        client_hello_read(tls_stream_unread(&c->stream), c->client.server_name);

    if (hello == CLIENT_HELLO_PARTIAL && !c->stream.transport_eof &&
        c->stream.fault == FAULT_NONE)
        return false;
    if (hello == CLIENT_HELLO_NAMED)
        publish = listener_find_publish(c->listener->policy,
            bytes_of_string(c->client.server_name));
    if (publish != NULL && publish->routes[0].upstream->bridge == BRIDGE_TUNNEL)
        return begin_tunnel(c, publish);
    if (c->listener->tls == NULL) { /* only tunnels here, and it is none of them */
        conn_abort(c,
            hello == CLIENT_HELLO_CLEAR       ? FAULT_TLS_CLEAR_TEXT
                : hello == CLIENT_HELLO_NAMED ? FAULT_TLS_NAME_UNKNOWN
                                              : FAULT_TLS_NAME_MISSING);
        return true;
    }
    c->peeking = false;
    ssl = tls_server_ssl(c->listener->tls);
    if (ssl == NULL)
        conn_abort(c, FAULT_NO_SOCKET);
    else
        tls_stream_begin_tls(&c->stream, ssl);
    return true;
}

/* TLS is up: which published host did it choose? */
static void
learn_client(struct conn *c)
{
    struct client *client = &c->client;
    struct tls_facts facts;
    int host;

    if (c->stream.ssl == NULL)
        return;
    tls_stream_facts(&c->stream, &facts);
    for (size_t i = 0; facts.server_name[i] != '\0' && i < CLIENT_NAME_BYTES - 1; i++)
        client->server_name[i] = ascii_lower(facts.server_name[i]);
    host = tls_server_host_of(c->stream.ssl);
    if (host >= 0)
        client->publish = &c->listener->policy->publishes[host];
}

static bool
handshake(struct conn *c)
{
    if (c->peeking)
        return peek(c);
    switch (tls_stream_handshake(&c->stream, &c->note)) {
    case TLS_IO_WAIT:
        return false;
    case TLS_IO_MOVED:
        learn_client(c);
        conn_enter(c, PHASE_HEAD);
        return true;
    case TLS_IO_EOF:
    case TLS_IO_FAILED:
        break;
    }
    if (c->stream.fault == FAULT_TLS_CLEAR_TEXT)
        c->credentials_seen = holds_credentials(tls_stream_unread(&c->stream));
    linger_for_alert(c);
    return true;
}

/* What still comes in keeps a lingering connection open: a reset would overtake our words. */
static void
note_what_comes(struct conn *c)
{
    if (c->heard_ms != 0 && c->stream.bytes_in == c->heard_bytes)
        return;
    c->heard_bytes = c->stream.bytes_in;
    c->heard_ms = now_ms(c);
}

/* What is queued leaves; what still comes is thrown away, so that no reset overtakes it. */
static bool
linger(struct conn *c)
{
    bool moved = false, failed = c->stream.fault != FAULT_NONE;

    drop_exchange(c);
    note_what_comes(c);
    if (!failed && c->stream.established) {
        moved = tls_stream_write(&c->stream, &c->out) == TLS_IO_MOVED;
        if (chunk_queue_is_empty(&c->out))
            tls_stream_finish(&c->stream);
        if (tls_stream_read(&c->stream, &c->in) == TLS_IO_MOVED)
            moved = true;
        else if (c->stream.transport_eof)
            c->drains_input = false;
        chunk_queue_clear(&c->in);
    } else {
        chunk_queue_clear(&c->out); /* nothing can be written over it any more */
        tls_stream_finish(&c->stream);
        if (c->stream.transport_eof || c->stream.write_broken)
            c->drains_input = false;
    }
    tls_stream_settle(&c->stream, c->drains_input);
    if (chunk_queue_is_empty(&c->out) && tls_stream_is_flushed(&c->stream) &&
        !c->drains_input)
        conn_finish(c);
    return moved;
}

static bool
advance(struct conn *c)
{
    switch (conn_phase(c)) {
    case PHASE_HANDSHAKE:
        return handshake(c);
    case PHASE_HEAD:
        return conn_http_head(c);
    case PHASE_GATE:
    case PHASE_COLLECT:
    case PHASE_DIAL:
    case PHASE_RELAY:
    case PHASE_REST:
    case PHASE_REPLY:
    case PHASE_DONE:
        return conn_http_exchange(c);
    case PHASE_LINGER:
        return linger(c);
    case PHASE_CLOSING:
        break;
    }
    return false;
}

/*
 * Reading and writing, once per step, from what is there now. True when writing showed
 * that the other side is gone: then there is more to decide. A link that was broken
 * before is no news: it may have to wait until the client has taken what came over it.
 */
static bool
settle(struct conn *c)
{
    struct link *link = c->exchange != NULL ? c->exchange->link : NULL;
    bool was_broken = link != NULL && link->stream.fault != FAULT_NONE;

    if (c->phase >= PHASE_LINGER)
        return false; /* linger() has settled itself */
    tls_stream_settle(&c->stream, !chunk_queue_is_full(&c->in));
    if (link != NULL)
        tls_stream_settle(&link->stream, !chunk_queue_is_full(&link->in));
    return c->stream.fault != FAULT_NONE ||
        (link != NULL && link->stream.fault != FAULT_NONE && !was_broken);
}

/* --- time --- */

static void
on_timer(uv_timer_t *timer)
{
    struct conn *c = timer->data;

    c->timer_at_ms = 0;
    conn_keep_time(c);
    conn_step(c);
}

/* The timer is left alone when it fires early enough: it looks again then. */
static void
arm(struct conn *c)
{
    uint64_t until = conn_next_look(c), now = now_ms(c);

    if (until == UINT64_MAX || (c->timer_at_ms != 0 && c->timer_at_ms <= until))
        return;
    c->timer_at_ms = until > now ? until : now + 1;
    uv_timer_start(&c->timer, on_timer, c->timer_at_ms - now, 0);
}

void
conn_step(void *owner)
{
    struct conn *c = owner;

    if (c->stream.closing)
        return;
    ledger_say(c->client.worker->ledger, PLACE_IN_PHASE + conn_phase(c));
    if (c->client.pinned_lost && c->phase == PHASE_HEAD && c->exchange == NULL &&
        chunk_queue_is_empty(&c->in))
        conn_linger(c, FAULT_NONE);
    do {
        while (advance(c))
            ;
    } while (settle(c));
    if (c->phase == PHASE_CLOSING) {
        conn_close(c);
        return;
    }
    conn_note_delivery(c);
    arm(c);
}

/* --- the beginning --- */

static void
learn_address(struct conn *c, const struct sockaddr_storage *from)
{
    struct client *client = &c->client;
    const struct sockaddr_in6 *six = (void *)&client->address;
    const struct sockaddr_in *four = (void *)&client->address;

    client->address = *from;
    if (client->address.ss_family == AF_INET)
        inet_ntop(AF_INET, &four->sin_addr, client->address_text,
            sizeof client->address_text);
    else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, client->address_text,
            sizeof client->address_text);
    else
        inet_ntop(AF_INET6, &six->sin6_addr, client->address_text,
            sizeof client->address_text);
}

static void
conn_init(struct conn *c, struct listener *listener, SSL *ssl, bool clear_text)
{
    struct worker *worker = listener->worker;

    c->listener = listener;
    c->snapshot = snapshot_ref(worker->snapshot);
    c->peeking = !clear_text && listener->has_tunnels;
    c->client = (struct client){ .worker = worker,
        .listener = listener,
        .clear_text = clear_text,
        .wake = conn_step,
        .owner = c };
    request_id_make(c->client.id);
    chunk_queue_init(&c->in, WIRE_LIMIT);
    chunk_queue_init(&c->out, WIRE_LIMIT);
    c->accepted_ns = clock_ns();
    c->next = listener->conns;
    c->at = &listener->conns;
    if (c->next != NULL)
        c->next->at = &c->next;
    listener->conns = c;
    worker->connections++;
    tls_stream_init(&c->stream, TLS_SIDE_CLIENT, &worker->loop, ssl, conn_step, c);
    uv_timer_init(&worker->loop, &c->timer);
    c->timer.data = c;
    c->open_handles = 2;
    conn_enter(c, PHASE_HANDSHAKE);
}

void
conn_accept(struct listener *listener, int fd, const struct sockaddr_storage *from,
    bool clear_text)
{
    bool ends_tls = !clear_text && !listener->has_tunnels;
    struct conn *c = calloc(1, sizeof *c);
    SSL *ssl = ends_tls ? tls_server_ssl(listener->tls) : NULL;
    enum fault fault;

    if (c == NULL || (ends_tls && ssl == NULL)) {
        free(c);
        SSL_free(ssl);
        close(fd);
        capacity_refused(listener->worker, ENOMEM);
        return;
    }
    conn_init(c, listener, ssl, clear_text);
    learn_address(c, from);
    if (tls_stream_accept(&c->stream, fd)) {
        key_turn_set_source(&c->stream.turn, (struct sockaddr *)&c->client.address);
        fault = conn_admit(c);
    } else {
        fault = FAULT_CLIENT_RESET;
    }
    if (fault != FAULT_NONE)
        conn_abort(c, fault);
    conn_step(c);
}

void
conn_drain_all(struct listener *listener, bool at_once)
{
    struct conn *next;

    for (struct conn *c = listener->conns; c != NULL; c = next) {
        next = c->next; /* freeing happens in callbacks, never here */
        if (at_once)
            conn_abort(c, FAULT_DRAINED);
        conn_step(c);
    }
}
