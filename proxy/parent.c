/*
 * proxy/parent.c - the parent's life: open, start, watch, stop.
 *
 * Order of the start: logd first (so that everything can be told), keyd and the
 * resolver, then the workers. Order of the end: workers finish their requests, then
 * the others go, logd last. The parent sees no byte that somebody outside wrote.
 */
#include "proxy/parent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/jail.h"
#include "base/secret.h"
#include "log/backlog.h"
#include "proxy/expiry.h"
#include "proxy/machine.h"
#include "proxy/notify.h"
#include "proxy/parent_priv.h"
#include "proxy/resolver.h"
#include "proxy/sources.h"

#define QUICK_MS 1000
#define PAUSE_MS 250 /* doubles with each quick end */
#define PAUSE_LONGEST_MS 8000
#define RESOLVER_PATIENCE_MS 3000 /* at the start; later answers come as they come */
#define STOP_PATIENCE_MS 5000     /* beyond the drain deadline */
#define DAY_MS (24 * 3600 * 1000)

/*
 * A reader of standard error that has stopped must not stop the parent: a line that finds
 * no room at once is dropped. What matters is an event, too.
 */
static void
complain(const char *who, const char *why)
{
    struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

    if (poll(&room, 1, 0) == 1)
        fprintf(stderr, "postern: %s%s%s\n", who, who[0] != '\0' ? ": " : "", why);
}

void
parent_complain(const struct child *child, const char *why)
{
    complain(child->name, why);
}

/* --- stopping --- */

static bool
is_anyone_left(const struct parent *p, enum child_role role)
{
    for (unsigned i = 0; i < p->child_count; i++) {
        if (p->children[i].role == role && p->children[i].pid > 0)
            return true;
    }
    return false;
}

static void
drain_role(struct parent *p, enum child_role role)
{
    for (unsigned i = 0; i < p->child_count; i++) {
        if (p->children[i].role == role)
            family_drain(&p->children[i]);
    }
}

static void
close_handles(struct parent *p)
{
    uv_handle_t *handles[] = { (uv_handle_t *)&p->sigterm, (uv_handle_t *)&p->sigint,
        (uv_handle_t *)&p->sigchld, (uv_handle_t *)&p->sighup,
        (uv_handle_t *)&p->rotation, (uv_handle_t *)&p->daily,
        (uv_handle_t *)&p->patience, (uv_handle_t *)&p->batch,
        (uv_handle_t *)&p->watchdog, (uv_handle_t *)&p->news };

    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        if (!uv_is_closing(handles[i]))
            uv_close(handles[i], NULL);
    }
    for (unsigned i = 0; i < p->child_count; i++) {
        if (!uv_is_closing((uv_handle_t *)&p->children[i].again))
            uv_close((uv_handle_t *)&p->children[i].again, NULL);
    }
}

/* While stopping: who may go next? */
static void
stop_next(struct parent *p)
{
    drain_role(p, CHILD_WORKER);
    drain_role(p, CHILD_RESOLVER);
    if (is_anyone_left(p, CHILD_WORKER))
        return;
    drain_role(p, CHILD_KEYD);
    if (is_anyone_left(p, CHILD_KEYD) || is_anyone_left(p, CHILD_RESOLVER))
        return;
    if (is_anyone_left(p, CHILD_LOGD)) {
        if (!parent_logd(p)->drained) {
            event_begin(p->log, EVENT_STOPPED);
            event_end(p->log);
            event_flush_last(p->log, 1000);
        }
        drain_role(p, CHILD_LOGD);
        return;
    }
    close_handles(p);
}

static void
kill_all(struct parent *p)
{
    for (unsigned i = 0; i < p->child_count; i++) {
        if (p->children[i].pid > 0)
            kill(p->children[i].pid, SIGKILL);
    }
}

/*
 * Asked twice: nobody is waited for, and that is no loss to tell of. But logd has to
 * write what the others said last; it goes when it was told to, or is asked once more.
 */
static void
hurry(struct parent *p)
{
    for (unsigned i = 0; i < p->child_count; i++) {
        struct child *child = &p->children[i];

        if (child->pid <= 0 || (child->role == CHILD_LOGD && !child->drained))
            continue;
        child->drained = true;
        kill(child->pid, SIGKILL);
    }
}

static void
on_stop_deadline(uv_timer_t *timer)
{
    struct parent *p = timer->data;

    complain("", "the processes did not end in time and are killed");
    p->status = 1;
    kill_all(p);
}

static void
stop(struct parent *p, int status)
{
    if (p->stopping) {
        if (status == 0)
            hurry(p);
        return;
    }
    p->stopping = true;
    p->status = status;
    notify_service_manager("STOPPING=1");
    event_begin(p->log, EVENT_STOPPING);
    event_end(p->log);
    sockets_close(&p->sockets);
    uv_timer_start(&p->patience, on_stop_deadline,
        p->snapshot->drain_ms + STOP_PATIENCE_MS, 0);
    stop_next(p);
}

/* --- starting --- */

static void
announce(struct parent *p)
{
    p->announced = true;
    for (unsigned u = 0; u < p->snapshot->upstream_count; u++) {
        const struct upstream_policy *upstream = &p->snapshot->upstreams[u];

        if (upstream->bridge != BRIDGE_CLEAR_TEXT)
            continue;
        event_begin(p->log, EVENT_UPSTREAM_UNPROTECTED);
        event_string(p->log, EF_UPSTREAM, upstream->name);
        event_end(p->log);
    }
    for (unsigned i = 0; i < p->sockets.count; i++) {
        const struct bound_socket *row = &p->sockets.rows[i];

        if (row->worker != 0)
            continue;
        event_begin(p->log, EVENT_LISTENING);
        event_string(p->log, EF_LISTENER, p->snapshot->listeners[row->listener].name);
        event_address(p->log, EF_SERVER_IP, EF_SERVER_PORT, (const void *)&row->at);
        event_flag(p->log, EF_REDIRECTS, row->redirects);
        event_end(p->log);
    }
    event_begin(p->log, EVENT_STARTED);
    event_end(p->log);
    expiry_report(p->snapshot, p->log);
    event_flush(p->log);
    printf("postern ready\n");
    fflush(stdout);
    notify_service_manager("READY=1");
}

static void on_again(uv_timer_t *timer);

/* At the start it works or all ends; later, no memory for a process is a matter of time. */
static void
start_child(struct child *child)
{
    struct note note = { "" };
    bool started = family_start(child, &note);

    if (note.text[0] != '\0')
        parent_complain(child, note.text);
    if (!started && child->parent->announced)
        uv_timer_start(&child->again, on_again, PAUSE_LONGEST_MS, 0);
    else if (!started)
        stop(child->parent, 1);
}

static bool
are_names_known(const struct parent *p)
{
    uint64_t all =
        p->name_count >= 64 ? UINT64_MAX : (UINT64_C(1) << p->name_count) - 1;

    return p->impatient || p->names_seen == all;
}

void
parent_advance(struct parent *p)
{
    bool helpers = true, workers = true;

    if (p->stopping || p->announced)
        return;
    for (unsigned i = 0; i < p->child_count; i++) {
        if (p->children[i].role == CHILD_WORKER)
            workers = workers && p->children[i].ready;
        else
            helpers = helpers && p->children[i].ready;
    }
    if (!p->workers_started && helpers && are_names_known(p)) {
        p->workers_started = true;
        uv_timer_stop(&p->patience);
        for (unsigned i = 0; i < p->child_count && !p->stopping; i++) {
            if (p->children[i].role == CHILD_WORKER)
                start_child(&p->children[i]);
        }
    } else if (p->workers_started && helpers && workers) {
        announce(p);
    }
}

static void
on_impatient(uv_timer_t *timer)
{
    struct parent *p = timer->data;

    p->impatient = true;
    parent_advance(p);
}

/* --- watching --- */

static void
on_again(uv_timer_t *timer)
{
    struct child *child = timer->data;

    if (!child->parent->stopping)
        start_child(child);
}

static void
tell_loss(struct child *child, int status)
{
    struct event_log *log = child->parent->log;
    char how[64];

    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "killed by signal %d", WTERMSIG(status));
    else
        snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
    complain(child->name, how);
    event_begin(log, EVENT_PROCESS_LOST);
    event_string(log, EF_LOST_PROCESS, child->name);
    event_number(log, EF_LOST_PID, (uint64_t)child->pid);
    event_string(log, EF_ERROR_MESSAGE, how);
    event_end(log);
}

static void
tell_keys_unavailable(struct parent *p)
{
    event_begin(p->log, EVENT_KEYS_UNAVAILABLE);
    event_end(p->log);
}

/* A child has ended: expected, or a reason to give up, or to start it again. */
static void
on_end(struct child *child, int status)
{
    struct parent *p = child->parent;
    uint64_t pause = 0;

    if (child->condemned)
        watchdog_tell(child);
    else if (!child->drained)
        tell_loss(child, status);
    if (!child->drained && child->role == CHILD_KEYD)
        tell_keys_unavailable(p);
    family_forget(child);
    child->quick_ends =
        clock_ms() - child->started_ms < QUICK_MS ? child->quick_ends + 1 : 0;
    if (p->stopping) {
        if (child->role == CHILD_LOGD && !child->drained && child->quick_ends < 3)
            start_child(child); /* the others still have something to say */
        stop_next(p);
        return;
    }
    if (!p->announced) {
        stop(p, 1); /* what cannot start will not start by being tried again */
        return;
    }
    if (child->quick_ends > 0)
        pause = (uint64_t)PAUSE_MS
            << (child->quick_ends < 6 ? child->quick_ends - 1 : 5);
    if (pause > PAUSE_LONGEST_MS)
        pause = PAUSE_LONGEST_MS;
    uv_timer_start(&child->again, on_again, pause, 0);
}

static void
on_sigchld(uv_signal_t *signal, int number)
{
    struct parent *p = signal->data;
    int status;

    (void)number;
    for (unsigned i = 0; i < p->child_count; i++) {
        struct child *child = &p->children[i];

        if (child->pid > 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
            family_listen(child); /* its last words come before its end */
            on_end(child, status);
        }
    }
}

static void
on_stop_signal(uv_signal_t *signal, int number)
{
    (void)number;
    stop(signal->data, 0);
}

static void
on_sighup(uv_signal_t *signal, int number)
{
    (void)signal;
    (void)number;
    complain("", "SIGHUP: this version takes a new configuration by restart only");
}

static void
on_rotation(uv_timer_t *timer)
{
    struct parent *p = timer->data;

    tls_tickets_rotate(&p->tickets);
    family_send_tickets(p);
}

static void
on_daily(uv_timer_t *timer)
{
    struct parent *p = timer->data;

    expiry_report(p->snapshot, p->log);
}

static void
on_batch(uv_prepare_t *prepare)
{
    struct parent *p = prepare->data;

    event_flush(p->log);
}

/* --- the whole --- */

static void
raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void
init_children(struct parent *p)
{
    static const enum child_role helpers[] = { CHILD_LOGD, CHILD_KEYD, CHILD_RESOLVER };
    unsigned count = sizeof helpers / sizeof helpers[0];

    p->child_count = count + p->snapshot->workers;
    p->children = require_zeroed(p->child_count, sizeof *p->children);
    for (unsigned i = 0; i < p->child_count; i++) {
        struct child *child = &p->children[i];

        child->parent = p;
        child->role = i < count ? helpers[i] : CHILD_WORKER;
        child->index = i < count ? 0 : i - count;
        child->control = -1;
        if (child->role == CHILD_WORKER)
            snprintf(child->name, sizeof child->name, "worker-%u", child->index);
        else
            snprintf(child->name, sizeof child->name, "%s",
                child_role_name(child->role));
        uv_timer_init(&p->loop, &child->again);
        child->again.data = child;
    }
}

static void
init_handles(struct parent *p)
{
    uv_signal_init(&p->loop, &p->sigterm);
    uv_signal_init(&p->loop, &p->sigint);
    uv_signal_init(&p->loop, &p->sigchld);
    uv_signal_init(&p->loop, &p->sighup);
    uv_timer_init(&p->loop, &p->rotation);
    uv_timer_init(&p->loop, &p->daily);
    uv_timer_init(&p->loop, &p->patience);
    uv_timer_init(&p->loop, &p->news);
    uv_prepare_init(&p->loop, &p->batch);
    p->sigterm.data = p->sigint.data = p->sigchld.data = p->sighup.data = p;
    p->rotation.data = p->daily.data = p->patience.data = p->batch.data = p->news.data =
        p;
    uv_signal_start(&p->sigterm, on_stop_signal, SIGTERM);
    uv_signal_start(&p->sigint, on_stop_signal, SIGINT);
    uv_signal_start(&p->sigchld, on_sigchld, SIGCHLD);
    uv_signal_start(&p->sighup, on_sighup, SIGHUP);
    uv_timer_start(&p->rotation, on_rotation, TICKET_ROTATION_S * 1000,
        TICKET_ROTATION_S * 1000);
    uv_timer_start(&p->daily, on_daily, DAY_MS, DAY_MS);
    uv_timer_start(&p->patience, on_impatient, RESOLVER_PATIENCE_MS, 0);
    uv_prepare_start(&p->batch, on_batch);
    watchdog_start(p);
}

static void
make_secrets(struct parent *p)
{
    uint32_t instance;

    tls_tickets_rotate(&p->tickets);
    secret_random(p->cookie_key.bytes, sizeof p->cookie_key.bytes);
    secret_random(&instance, sizeof instance);
    snprintf(p->pseudonym, sizeof p->pseudonym, "postern-%08x", instance);
}

/* Slots for as many sources as a worker can have connections, if they count at all. */
static uint32_t
source_slots(const struct snapshot *snapshot)
{
    uint64_t connections = 0;
    bool are_counted = false;
    struct rlimit limit;

    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        connections += snapshot->listeners[i].connections;
        if (snapshot->listeners[i].connections_per_source > 0)
            are_counted = true;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < connections)
        connections = limit.rlim_cur;
    return are_counted ? sources_slots(connections) : 0;
}

static bool
open_ledger(struct parent *p, struct note *note)
{
    struct ledger_shape shape = { .columns = p->snapshot->workers,
        .listeners = p->snapshot->listener_count,
        .sources = source_slots(p->snapshot),
        .memory = p->snapshot->memory_bytes };

    if (shape.memory == 0)
        shape.memory = machine_buffers("", p->snapshot->workers);
    secret_random(&shape.key, sizeof shape.key);
    p->ledger = ledger_new(&shape, note);
    return p->ledger != NULL;
}

static bool
open_backlog(struct parent *p, struct note *note)
{
    unsigned targets = p->snapshot->log.target_count;

    if (targets > BACKLOG_TARGETS) {
        note_set(note, "log.to has %u targets, and may have %d", targets,
            BACKLOG_TARGETS);
        return false;
    }
    p->backlog = backlog_make(targets);
    if (p->backlog < 0)
        note_set(note, "no memory for lines that wait: %s", strerror(errno));
    return p->backlog >= 0;
}

static void
fini(struct parent *p)
{
    ledger_free(&p->ledger);
    if (p->backlog >= 0)
        close(p->backlog);
    sockets_close(&p->sockets);
    event_log_free(&p->log);
    secret_wipe(&p->tickets, sizeof p->tickets);
    secret_wipe(&p->cookie_key, sizeof p->cookie_key);
    free(p->children);
    free(p->names);
    free(p->names_are_news);
    close(p->sealed.text);
    close(p->sealed.keys);
    snapshot_unref(&p->snapshot);
}

/* The parent reads the configuration as its children do: sealed, and without keys. */
static struct snapshot *
unseal(const struct sealed *sealed)
{
    struct diagnostics diagnostics;
    struct snapshot *snapshot;

    diagnostics_init(&diagnostics);
    snapshot = config_unseal(sealed->text, &diagnostics);
    if (snapshot == NULL)
        diagnostics_print(&diagnostics, stderr, false);
    diagnostics_fini(&diagnostics);
    return snapshot;
}

int
parent_run(const struct sealed *sealed)
{
    static struct parent parent;
    struct parent *p = &parent;
    struct note note = { "" };

    p->sealed = *sealed;
    p->snapshot = unseal(sealed);
    if (p->snapshot == NULL)
        return 1;
    p->backlog = -1;
    p->log = event_log_new("parent");
    p->names = resolver_names(p->snapshot, &p->name_count);
    p->names_are_news = require_zeroed(p->name_count + 1, 1);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    make_secrets(p);
    if (!sockets_open(&p->sockets, p->snapshot, &note) || !open_ledger(p, &note) ||
        !open_backlog(p, &note) || !jail_enter(JAIL_PARENT, NULL, &note)) {
        complain("", note.text);
        fini(p);
        return 1;
    }
    uv_loop_init(&p->loop);
    init_children(p);
    init_handles(p);
    for (unsigned i = 0; i < p->child_count && !p->stopping; i++) {
        if (p->children[i].role != CHILD_WORKER)
            start_child(&p->children[i]);
    }
    uv_run(&p->loop, UV_RUN_DEFAULT);
    uv_loop_close(&p->loop);
    fini(p);
    return p->status;
}
