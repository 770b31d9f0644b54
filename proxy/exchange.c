/*
 * proxy/exchange.c - from a judged request to a complete answer.
 *
 * exchange_step is the decider: it looks at where the exchange stands and does
 * what can be done now. It frees nothing. What may be tried again, and when it may
 * not, is decided in one function (may_try_again): bytes that may have reached a
 * server are sent a second time only when the method is safe and there was no body.
 */
#include "proxy/exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/require.h"
#include "proxy/gate.h"
#include "proxy/journal.h"
#include "proxy/link.h"
#include "proxy/link_http.h"
#include "proxy/listener.h"
#include "proxy/own_page.h"
#include "proxy/worker.h"
#include "tls/key_turn.h"

/* A head twice at its largest, the table of its fields, and what is worked out of it. */
#define REQUEST_ARENA_BYTES ((size_t)768 * 1024)
#define ANSWER_ARENA_BYTES ((size_t)640 * 1024)
#define TRIES_MAX 8

static uint64_t
now_ms(const struct exchange *x)
{
    return uv_now(&x->client->worker->loop);
}

/* From here on the client is held to the least rate of an upload anew. */
static void
begin_pace(struct exchange *x)
{
    x->pace_since_ms = now_ms(x);
    x->pace_from = x->upload.bytes;
}

struct exchange *
exchange_new(struct client *client, uint64_t begun_ns)
{
    struct exchange *x = calloc(1, sizeof *x);

    if (x == NULL)
        return NULL;
    x->client = client;
    x->phase = PHASE_GATE;
    x->begun_ns = begun_ns;
    x->answer_taken = UINT64_MAX;
    x->moved_ms = x->upload_moved_ms = now_ms(x);
    begin_pace(x);
    request_id_make(x->id);
    arena_init(&x->arena, REQUEST_ARENA_BYTES);
    arena_init(&x->answer_arena, ANSWER_ARENA_BYTES);
    flow_init(&x->upload);
    flow_init(&x->download);
    return x;
}

void
exchange_begin(struct exchange *x)
{
    x->upload.ended = x->request.framing.kind == HTTP_NO_BODY ||
        (x->request.framing.kind == HTTP_LENGTH && x->request.framing.length == 0);
}

void
exchange_begin_tunnel(struct exchange *x, const struct publish_policy *publish)
{
    x->is_tunnel = true;
    x->publish = publish;
    x->route = &publish->routes[0];
    x->idle_ms = x->route->idle_ms;
    x->request.framing.kind = x->response.framing.kind = HTTP_TUNNEL;
    x->phase = PHASE_DIAL;
}

/* What the log will want to know of the link, before it goes. */
static void
remember_link(struct exchange *x)
{
    const struct link *link = x->link;
    struct tls_facts facts;

    x->link_sent += link->sent;
    x->link_received += link->received;
    x->link_reused = link->reused;
    x->server_address = link->address;
    if (!link->reused && link->established_ns != 0)
        x->connect_ns = link->established_ns - link->opened_ns;
    tls_stream_facts(&link->stream, &facts);
    snprintf(x->upstream_tls_version, sizeof x->upstream_tls_version, "%s",
        facts.version);
    snprintf(x->upstream_tls_cipher, sizeof x->upstream_tls_cipher, "%s", facts.cipher);
    x->upstream_tls_resumed = facts.resumed;
}

static void
drop_link(struct exchange *x, bool reusable)
{
    if (x->link == NULL)
        return;
    remember_link(x);
    link_release(x->link, reusable);
    x->link = NULL;
}

/* Not its own ceiling but that of all was reached: no message was too large. */
static bool
is_memory_of_all(const struct exchange *x, enum fault fault)
{
    return (fault == FAULT_MEMORY && x->arena.starved) ||
        (fault == FAULT_UPSTREAM_MEMORY && x->answer_arena.starved);
}

void
exchange_fail(struct exchange *x, enum fault fault)
{
    if (x->fault != FAULT_NONE)
        return;
    if (is_memory_of_all(x, fault))
        fault = FAULT_MEMORY_FULL;
    /* A cause that somebody forgot is our mistake: never a success in the log. */
    x->fault = fault != FAULT_NONE ? fault : FAULT_INTERNAL;
    x->ended_in = x->phase;
    drop_link(x, false);
    x->upload.ended = true;
    chunk_queue_clear(&x->upload.data);
    if (x->phase == PHASE_REST) { /* the answer is whole, whatever came behind it */
        x->phase = PHASE_DONE;
        return;
    }
    /* Complete is not delivered: what is cut while it waits for the client is cut. */
    if (x->answer == ANSWER_HEAD || x->phase == PHASE_DONE || x->is_tunnel ||
        fault_status(x->fault) == 0) {
        x->cut = true;
        x->phase = PHASE_DONE;
    } else {
        chunk_queue_clear(&x->download.data); /* came with a head that was held back */
        x->answer = ANSWER_OWN;
        x->phase = PHASE_REPLY;
    }
}

static void
pass_gates(struct exchange *x)
{
    enum fault fault = gate_pass(x);

    if (fault != FAULT_NONE) {
        exchange_fail(x, fault);
    } else if (x->redirect != 0) {
        x->answer = ANSWER_OWN;
        x->phase = PHASE_REPLY;
    } else {
        x->phase = x->own_page != NULL ? PHASE_COLLECT : PHASE_DIAL;
    }
}

/* A page of our own: its body is short and read whole, then it is answered. */
static bool
collect(struct exchange *x)
{
    enum fault fault = gate_body(x);

    if (fault == FAULT_NONE && !x->upload.ended) {
        if (!x->request.expects_continue || x->answer != ANSWER_NONE)
            return false;
        x->response = (struct http_head){ .status = 100, .reason = BYTES("Continue") };
        x->answer = ANSWER_INTERIM;
        return true;
    }
    if (fault == FAULT_NONE)
        fault = own_page_take(x);
    if (fault != FAULT_NONE) {
        exchange_fail(x, fault);
        return true;
    }
    x->answer = ANSWER_OWN;
    x->phase = PHASE_REPLY;
    return true;
}

static struct upstream *
upstream_of(const struct exchange *x)
{
    return &x->client->worker->upstreams[x->route->upstream->index];
}

static struct bytes
affinity_of(const struct exchange *x)
{
    for (unsigned i = 0; i < x->request.field_count; i++) {
        const struct http_field *field = &x->request.fields[i];
        struct bytes tag;

        if (field->id != FIELD_COOKIE)
            continue;
        tag = affinity_read(field->value);
        if (tag.length > 0)
            return tag;
    }
    return bytes_of(NULL, 0);
}

/* The next server, with its addresses still to be tried. */
static enum fault
choose_server(struct exchange *x)
{
    struct bytes tag = bytes_of(NULL, 0);
    bool sticky = x->route->upstream->balance == BALANCE_COOKIE;
    struct server *next;

    if (sticky)
        tag = affinity_of(x);
    next = upstream_pick(upstream_of(x), tag, x->servers_tried);
    if (next == NULL) /* the log still tells of the last one that was tried */
        return x->dial_fault != FAULT_NONE ? x->dial_fault : FAULT_INTERNAL;
    x->server = next;
    x->servers_tried |= UINT64_C(1) << x->server->index;
    x->address_left = x->server->address_count;
    x->address_at = x->server->good_address;
    x->affinity_tag[0] = '\0';
    if (sticky && !bytes_equal(tag, bytes_of_string(x->server->tag)))
        memcpy(x->affinity_tag, x->server->tag, sizeof x->affinity_tag);
    return FAULT_NONE;
}

/*
 * Not after one failed us. And not for the first leg of NTLM or Negotiate: the server may
 * have closed an idle connection at this very moment, and such a request, which may have
 * a body and whose connection is its user's from then on, is never sent a second time.
 */
static bool
may_take_pooled(const struct exchange *x)
{
    return !x->fresh_only && !x->request.carries_connection_auth;
}

/* A connection that is there already, or a new one to the next address. */
static enum fault
find_link(struct exchange *x)
{
    enum fault fault;

    x->link = link_take_pinned(x->client, upstream_of(x), x);
    if (x->link != NULL) {
        x->server = x->link->server;
        return FAULT_NONE;
    }
    if (x->address_left == 0) {
        fault = choose_server(x);
        if (fault != FAULT_NONE)
            return fault;
        if (may_take_pooled(x))
            x->link = link_take_idle(x->server, x);
    }
    if (x->link == NULL && x->address_left == 0) {
        x->dial_fault = FAULT_UPSTREAM_UNRESOLVED;
        server_failed(x->server, x->dial_fault, NULL);
        return FAULT_NONE; /* the next look tries the next server */
    }
    if (x->link == NULL) {
        if (x->address_at >= x->server->address_count)
            x->address_at = 0; /* the last one, or the name has fewer now */
        x->link = link_open(x->server, x->address_at, x);
        if (x->link == NULL)
            return FAULT_NO_SOCKET;
        x->address_at++;
        x->address_left--;
    }
    x->tries++;
    x->dial_until_ms = now_ms(x) + x->route->upstream->connect_ms;
    return FAULT_NONE;
}

/* This address did not work; the next look takes the next one, or the next server. */
static void
dial_failed(struct exchange *x, enum fault fault)
{
    x->dial_fault = fault;
    /* A name may have more addresses than there are tries: that is a failure, too. */
    if (x->address_left == 0 || x->tries >= TRIES_MAX)
        server_failed(x->server, fault, &x->note);
    drop_link(x, false);
    if (x->tries >= TRIES_MAX)
        exchange_fail(x, fault);
}

static bool
dial(struct exchange *x)
{
    enum fault fault;

    if (x->link == NULL) {
        fault = find_link(x);
        if (fault != FAULT_NONE)
            exchange_fail(x, fault);
        if (x->link == NULL)
            return true;
    }
    switch (link_establish(x->link, &x->note)) {
    case TLS_IO_WAIT:
        return false;
    case TLS_IO_MOVED:
        if (!x->link->reused)
            server_reached(x->server, &x->link->address);
        if (x->request.carries_connection_auth)
            x->link->carried_auth = true;
        if (x->is_tunnel) {
            http_body_begin(&x->link->body, x->response.framing, &x->publish->limits);
            x->answer = ANSWER_HEAD;
        }
        x->note.text[0] = '\0'; /* what failed before no longer matters */
        x->moved_ms = now_ms(x);
        begin_pace(x);
        x->phase = PHASE_RELAY;
        return true;
    case TLS_IO_EOF:
    case TLS_IO_FAILED:
        dial_failed(x, x->link->stream.fault);
        return true;
    }
    return false;
}

/*
 * May the request be sent once more, after this link failed? Only if no answer byte
 * came, it had no body, and its method is safe (RFC 9110, 9.2.1); a pooled connection
 * that the server had closed meanwhile is the usual cause.
 */
static bool
may_try_again(const struct exchange *x)
{
    return x->answer == ANSWER_NONE && !x->link->answer_begun && !x->is_tunnel &&
        x->request.framing.kind == HTTP_NO_BODY &&
        http_method_is_safe(x->request.method_id) && x->tries < TRIES_MAX &&
        !x->link->carried_auth && (x->link->reused || !x->fresh_only);
}

static void
link_failed(struct exchange *x, enum fault fault)
{
    if (!may_try_again(x)) {
        exchange_fail(x, fault);
        return;
    }
    x->fresh_only = true;
    if (x->link->reused) {
        x->address_left = x->server->address_count;
        x->address_at = x->server->good_address;
    }
    x->dial_fault = fault;
    drop_link(x, false);
    x->phase = PHASE_DIAL;
}

/*
 * Both directions are over. A tunnel's end independently of each other (RFC 9293, 3.6):
 * what one side still has to say goes through after the other has closed its half.
 */
static bool
is_relayed(const struct exchange *x)
{
    if (x->answer != ANSWER_HEAD || !x->download.ended)
        return false;
    return x->request.framing.kind != HTTP_TUNNEL ||
        (x->upload.delivered && chunk_queue_is_empty(&x->link->out) &&
            tls_stream_is_flushed(&x->link->stream));
}

/*
 * Who waits for whom. Behind an early answer an upload that drips keeps nothing alive:
 * only what the upstream still says does.
 */
static void
note_movement(struct exchange *x, bool sent, bool received)
{
    if (received ||
        (sent && (x->answer == ANSWER_NONE || x->request.framing.kind == HTTP_TUNNEL)))
        x->moved_ms = now_ms(x);
    if (chunk_queue_is_full(&x->upload.data))
        begin_pace(x); /* it is the upstream that does not take more */
}

bool
exchange_takes_rest(const struct exchange *x)
{
    return (x->phase == PHASE_RELAY || x->phase == PHASE_REST) &&
        link_survives_answer(x);
}

/* The answer is in. Both sides are done with each other, or the body is on its way yet. */
static void
leave_relay(struct exchange *x)
{
    x->ended_in = PHASE_RELAY;
    if (!link_is_told(x) && exchange_takes_rest(x)) {
        x->phase = PHASE_REST;
        x->moved_ms = x->upload_moved_ms = now_ms(x);
        begin_pace(x);
        return;
    }
    drop_link(x, link_is_reusable(x));
    x->phase = PHASE_DONE;
}

static bool
relay(struct exchange *x)
{
    bool sent = false, received = false;
    enum fault fault = gate_body(x);

    if (fault == FAULT_NONE)
        fault = link_send(x, &sent);
    if (fault == FAULT_NONE)
        fault = link_receive(x, &received);
    if (x->asked_ns == 0 && x->answered_ns == 0 && x->upload.delivered)
        x->asked_ns = clock_ns();
    note_movement(x, sent, received);
    if (fault != FAULT_NONE) {
        link_failed(x, fault);
        return true;
    }
    if (is_relayed(x)) {
        leave_relay(x);
        return true;
    }
    return sent || received;
}

void
exchange_end_rest(struct exchange *x)
{
    drop_link(x, link_is_reusable(x));
    chunk_queue_clear(&x->upload.data);
    x->phase = PHASE_DONE;
}

/* The answer has all it needs; the request does not, and its body is judged to its end. */
static bool
pass_rest(struct exchange *x)
{
    bool sent = false;
    enum fault fault = gate_body(x);

    if (fault == FAULT_NONE)
        fault = link_send(x, &sent);
    note_movement(x, sent, sent);
    if (fault != FAULT_NONE) {
        exchange_fail(x, fault);
        return true;
    }
    if (link_is_told(x) || !link_listens(x->link)) {
        exchange_end_rest(x);
        return true;
    }
    return sent;
}

bool
exchange_step(struct exchange *x)
{
    switch (x->phase) {
    case PHASE_GATE:
        pass_gates(x);
        return true;
    case PHASE_COLLECT:
        return collect(x);
    case PHASE_DIAL:
        return dial(x);
    case PHASE_RELAY:
        return relay(x);
    case PHASE_REST:
        return pass_rest(x);
    case PHASE_REPLY:
    case PHASE_DONE:
    case PHASE_HANDSHAKE:
    case PHASE_HEAD:
    case PHASE_LINGER:
    case PHASE_CLOSING:
        break;
    }
    return false;
}

void
exchange_interim_passed(struct exchange *x)
{
    if (x->response.status == 100) { /* now it is the client's turn */
        x->request.expects_continue = false;
        x->upload_moved_ms = now_ms(x);
        begin_pace(x);
    }
    x->answer = ANSWER_NONE;
    x->response = (struct http_head){ .status = 0 };
    arena_clear(&x->answer_arena);
}

void
exchange_head_failed(struct exchange *x, enum fault fault)
{
    /* A short answer may have ended before its head was written. */
    x->answer = ANSWER_HELD;
    x->phase = PHASE_RELAY;
    exchange_fail(x, fault);
}

void
exchange_time_out(struct exchange *x, enum fault fault)
{
    if (x->phase == PHASE_DIAL && x->link != NULL) {
        if (key_turn_is_waiting(&x->link->stream.turn))
            fault = FAULT_TLS_KEY_UNAVAILABLE; /* it is not the server that is slow */
        dial_failed(x, fault);
    } else if (fault == FAULT_CLIENT_SLOW_BODY && exchange_keeps_pace(x))
        begin_pace(x);
    else if (x->phase == PHASE_REST)
        exchange_end_rest(x);
    else
        exchange_fail(x, fault);
}

bool
exchange_is_answered(const struct exchange *x)
{
    return x->phase == PHASE_DONE && !x->cut &&
        chunk_queue_is_empty(&x->download.data) && x->download.delivered;
}

void
exchange_discard(struct exchange **exchange)
{
    struct exchange *x = *exchange;

    if (x == NULL)
        return;
    drop_link(x, false);
    chunk_queue_clear(&x->upload.data);
    chunk_queue_clear(&x->download.data);
    arena_clear(&x->arena);
    arena_clear(&x->answer_arena);
    free(x);
    *exchange = NULL;
}

void
exchange_free(struct exchange **exchange)
{
    struct exchange *x = *exchange;

    if (x == NULL)
        return;
    drop_link(x, false); /* its facts belong into the event */
    if (x->is_tunnel)
        x->client->passed_to = x->server; /* no request, so the connection tells it */
    else
        journal_request(x);
    exchange_discard(exchange);
}
