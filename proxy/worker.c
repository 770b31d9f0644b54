/*
 * proxy/worker.c - a worker's life: set up, jailed, at work, drained.
 *
 * Trust: messages of the control channel come from the parent and are believed;
 * everything else that arrives here was written by somebody outside.
 */
#include "proxy/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/jail.h"
#include "base/require.h"
#include "base/secret.h"
#include "proxy/conn.h"
#include "proxy/ledger.h"
#include "proxy/link.h"
#include "proxy/listener.h"
#include "proxy/sources.h"
#include "proxy/upstream.h"

#define HOUSEKEEPING_MS 5000
#define BATCH_MS 20  /* how old an event may be before it leaves for logd */
#define LOST_MS 1000 /* a lost channel is asked for: by then a dead neighbour is back */

/* What goes to the parent; nothing is sent from inside a send. */
static struct ipc_writer out;

static void
say(struct worker *w, enum ipc_tag tag, const char *text)
{
    ipc_begin(&out, tag);
    if (text != NULL)
        ipc_put_string(&out, text);
    (void)!ipc_send(w->control, &out); /* without a parent the loop ends by itself */
}

/* --- setting up --- */

static void
take_role(struct worker *w, struct ipc_message *m)
{
    char name[32];

    w->index = ipc_get_u32(m);
    w->count = ipc_get_u32(m);
    ipc_get_string(m, w->pseudonym, sizeof w->pseudonym);
    snprintf(name, sizeof name, "worker-%u", w->index);
    w->log = event_log_new(name);
    w->keys = key_client_new(&w->loop);
    w->trust = tls_trust_new();
}

static bool
take_ledger(struct worker *w, struct ipc_message *m)
{
    w->ledger = ledger_take(m, w->index);
    if (w->ledger == NULL ||
        ledger_shape(w->ledger)->listeners < w->snapshot->listener_count)
        return false;
    w->sources = sources_new(w->ledger);
    event_log_count_in(w->log, ledger_event_tally(w->ledger));
    return true;
}

/* The last message that listeners and upstreams wait for: from here on there are any. */
static bool
take_cookie_key(struct worker *w, struct ipc_message *m, struct note *note)
{
    const struct snapshot *snapshot = w->snapshot;
    struct bytes key = ipc_get_bytes(m);

    if (key.length != sizeof w->cookie_key.bytes)
        return false;
    memcpy(w->cookie_key.bytes, key.at, key.length);
    loop_mark(&w->cookie_key, w->loop_mark);
    w->upstreams = require_zeroed(snapshot->upstream_count + 1, sizeof *w->upstreams);
    w->listeners = require_zeroed(snapshot->listener_count + 1, sizeof *w->listeners);
    for (unsigned i = 0; i < snapshot->upstream_count; i++) {
        if (!upstream_init(&w->upstreams[i], w, &snapshot->upstreams[i], note))
            return false;
    }
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        if (!listener_init(&w->listeners[i], w, &snapshot->listeners[i], note))
            return false;
    }
    return true;
}

static bool
take_socket(struct worker *w, struct ipc_message *m, struct note *note)
{
    unsigned listener = ipc_get_u32(m), index = ipc_get_u32(m);
    bool redirects = ipc_get_u32(m) != 0;

    if (m->broken || listener >= w->snapshot->listener_count)
        return false;
    return listener_adopt(&w->listeners[listener], index, redirects, ipc_take_fd(m),
        note);
}

static void
take_addresses(struct worker *w, struct ipc_message *m)
{
    struct address_list list;

    if (!address_list_read(&list, m))
        return;
    for (unsigned i = 0; i < w->snapshot->upstream_count; i++)
        upstream_set_addresses(&w->upstreams[i], &list);
}

/* --- draining --- */

/* Nothing holds the loop any more but what is closed here. */
static void
end(struct worker *w)
{
    uv_handle_t *handles[] = { (uv_handle_t *)&w->control_poll,
        (uv_handle_t *)&w->prepare, (uv_handle_t *)&w->check,
        (uv_handle_t *)&w->batch_due, (uv_handle_t *)&w->lost,
        (uv_handle_t *)&w->drain_timer, (uv_handle_t *)&w->housekeeping };

    for (unsigned i = 0; i < w->snapshot->upstream_count; i++)
        upstream_close_idle(&w->upstreams[i]);
    key_client_close(w->keys);
    capacity_close(w);
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], NULL);
    }
}

static void
on_drain_deadline(uv_timer_t *timer)
{
    struct worker *w = timer->data;

    for (unsigned i = 0; i < w->snapshot->listener_count; i++)
        conn_drain_all(&w->listeners[i], true);
}

static void
drain(struct worker *w)
{
    if (w->draining)
        return;
    w->draining = true;
    w->drain_since_ms = uv_now(&w->loop);
    for (unsigned i = 0; i < w->snapshot->listener_count; i++) {
        listener_stop(&w->listeners[i]);
        conn_drain_all(&w->listeners[i], false);
    }
    for (unsigned i = 0; i < w->snapshot->upstream_count; i++)
        upstream_close_idle(&w->upstreams[i]);
    uv_timer_start(&w->drain_timer, on_drain_deadline, w->snapshot->drain_ms, 0);
    if (w->connections == 0)
        end(w);
}

void
worker_connection_gone(struct worker *w)
{
    require(w->connections > 0);
    if (--w->connections == 0 && w->draining)
        end(w);
    else
        capacity_freed(w);
}

/* --- messages --- */

/* False with a note when the worker cannot do what it was told. */
static bool
obey(struct worker *w, struct ipc_message *m, struct note *note)
{
    switch (m->tag) {
    case IPC_ROLE:
        take_role(w, m);
        return true;
    case IPC_LEDGER:
        return take_ledger(w, m);
    case IPC_TICKETS:
        return tls_tickets_replace(&w->tickets, ipc_get_bytes(m));
    case IPC_COOKIE_KEY:
        return take_cookie_key(w, m, note);
    case IPC_LISTENER:
        return take_socket(w, m, note);
    case IPC_ADDRESSES:
        take_addresses(w, m);
        return true;
    case IPC_KEYD:
        key_client_set_channel(w->keys, ipc_take_fd(m));
        return true;
    case IPC_LOGD:
        event_log_set_channel(w->log, ipc_take_fd(m));
        return true;
    case IPC_DRAIN:
        drain(w);
        return true;
    case IPC_PING:
        ipc_pong(w->control, m, &out);
        return true;
    case IPC_BEGIN:
    case IPC_CONFIG:
    case IPC_KEYS:
    case IPC_READY:
    case IPC_FAILED:
    case IPC_CLIENT:
    case IPC_SIGN:
    case IPC_SIGNED:
    case IPC_ASKED:
    case IPC_LOST:
    case IPC_NOTARIZE:
    case IPC_NOTARIZED:
    case IPC_EVENTS:
    case IPC_PONG:
    case IPC_BACKLOG:
    case IPC_ENDED:
        break;
    }
    return true; /* not for a worker */
}

static void
on_control(uv_poll_t *poll, int status, int events)
{
    static struct ipc_message m;
    struct worker *w = poll->data;
    struct note note = { "" };
    enum ipc_result result = IPC_DONE;

    (void)status;
    (void)events;
    while (result == IPC_DONE) {
        result = ipc_receive(w->control, 0, &m);
        if (result == IPC_DONE) {
            obey(w, &m, &note);
            ipc_done(&m);
        }
    }
    if (result == IPC_AGAIN)
        return;
    uv_poll_stop(poll); /* the parent is gone: so is the reason to go on */
    drain(w);
    on_drain_deadline(&w->drain_timer);
}

static void
on_batch_due(uv_timer_t *timer)
{
    event_flush(((struct worker *)timer->data)->log);
}

static void
say_lost(struct worker *w, enum ipc_tag channel)
{
    ipc_begin(&out, IPC_LOST);
    ipc_put_u32(&out, channel);
    (void)!ipc_send(w->control, &out); /* it will be said again */
}

static void
on_lost(uv_timer_t *timer)
{
    struct worker *w = timer->data;

    if (!key_client_has_channel(w->keys))
        say_lost(w, IPC_KEYD);
    if (!event_log_has_channel(w->log))
        say_lost(w, IPC_LOGD);
}

/* Whoever closed one, a worker without it serves no new client, or tells nothing of it. */
static void
look_for_lost_channels(struct worker *w)
{
    bool has_all = key_client_has_channel(w->keys) && event_log_has_channel(w->log);

    if (!has_all && !uv_is_active((uv_handle_t *)&w->lost))
        uv_timer_start(&w->lost, on_lost, LOST_MS, 0);
}

/*
 * Before the loop sleeps: are there events to send? They wait a moment for company,
 * so that a busy worker pays for one message to logd in many requests. A full batch
 * goes by itself (log/event.h).
 */
static void
on_prepare(uv_prepare_t *prepare)
{
    struct worker *w = prepare->data;

    ledger_say(w->ledger, PLACE_WAITING);
    if (event_log_is_pending(w->log) && !uv_is_active((uv_handle_t *)&w->batch_due))
        uv_timer_start(&w->batch_due, on_batch_due, BATCH_MS, 0);
    look_for_lost_channels(w);
}

/* The loop woke up, or looked without sleeping: who watches sees that it turns. */
static void
on_check(uv_check_t *check)
{
    struct worker *w = check->data;

    ledger_say(w->ledger, PLACE_BETWEEN);
}

static void
on_housekeeping(uv_timer_t *timer)
{
    struct worker *w = timer->data;

    for (unsigned i = 0; i < w->snapshot->upstream_count; i++) {
        for (unsigned s = 0; s < w->upstreams[i].policy->server_count; s++)
            link_expire_idle(&w->upstreams[i].servers[s], uv_now(&w->loop));
    }
}

/* Reads the parent's messages up to IPC_BEGIN. */
static bool
set_up(struct worker *w, struct note *note)
{
    static struct ipc_message m;

    for (;;) {
        bool done;

        if (ipc_receive(w->control, -1, &m) != IPC_DONE) {
            note_set(note, "the parent is gone");
            return false;
        }
        done = m.tag == IPC_BEGIN;
        if (m.tag == IPC_DRAIN) {
            note_set(note, "the parent ended the start");
            return false;
        }
        if (!done && (!obey(w, &m, note) || m.broken)) {
            if (note->text[0] == '\0')
                note_set(note, "message %d of the parent is malformed", (int)m.tag);
            ipc_done(&m);
            return false;
        }
        ipc_done(&m);
        if (done)
            return true;
    }
}

static bool
start(struct worker *w, struct note *note)
{
    size_t seed;

    uv_poll_init(&w->loop, &w->control_poll, w->control);
    uv_prepare_init(&w->loop, &w->prepare);
    uv_check_init(&w->loop, &w->check);
    uv_timer_init(&w->loop, &w->batch_due);
    uv_timer_init(&w->loop, &w->lost);
    uv_timer_init(&w->loop, &w->drain_timer);
    uv_timer_init(&w->loop, &w->housekeeping);
    w->control_poll.data = w->prepare.data = w->check.data = w->batch_due.data =
        w->lost.data = w->drain_timer.data = w->housekeeping.data = w;
    if (!capacity_init(w, note))
        return false;
    /* Else jansson would look for a seed of its hashes in /dev/urandom, behind the jail. */
    secret_random(&seed, sizeof seed);
    json_object_seed(seed | 1);
    if (!jail_enter(JAIL_WORKER, w->snapshot->user, note))
        return false;
    for (unsigned i = 0; i < w->snapshot->listener_count; i++) {
        if (!listener_start(&w->listeners[i], note))
            return false;
    }
    uv_poll_start(&w->control_poll, UV_READABLE, on_control);
    uv_prepare_start(&w->prepare, on_prepare);
    uv_check_start(&w->check, on_check);
    uv_timer_start(&w->housekeeping, on_housekeeping, HOUSEKEEPING_MS, HOUSEKEEPING_MS);
    return true;
}

static void
fini(struct worker *w)
{
    event_flush_last(w->log, 1000);
    for (unsigned i = 0; i < w->snapshot->listener_count; i++)
        listener_fini(&w->listeners[i]);
    for (unsigned i = 0; i < w->snapshot->upstream_count; i++)
        upstream_fini(&w->upstreams[i]);
    free(w->listeners);
    free(w->upstreams);
    sources_free(&w->sources);
    ledger_free(&w->ledger);
    tls_trust_free(&w->trust);
    key_client_free(&w->keys);
    event_log_free(&w->log);
    snapshot_unref(&w->snapshot);
    require(uv_loop_close(&w->loop) == 0); /* every handle was closed */
}

int
worker_run(int control, struct snapshot *snapshot)
{
    static struct worker worker;
    struct worker *w = &worker;
    struct note note = { "" };

    w->control = control;
    w->snapshot = snapshot;
    uv_loop_init(&w->loop);
    if (!set_up(w, &note) || !start(w, &note)) {
        say(w, IPC_FAILED, note.text);
        return 1; /* the process ends; the kernel takes back what was half made */
    }
    say(w, IPC_READY, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    fini(w);
    return 0;
}
