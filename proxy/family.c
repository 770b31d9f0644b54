/*
 * proxy/family.c - what the parent tells its children, and what they tell it.
 *
 * Each child gets exactly what its role needs: keyd the sealed keys, workers the
 * sockets, the resolver nothing but names. Trust: a child may be compromised, so
 * of what it says only its readiness and well-formed addresses are believed.
 */
#include "proxy/parent_priv.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tls/key_wire.h"

#define SETUP_MS 5000
#define NEWS_MS 100
#define ASKED_MS 1000 /* at the soonest after the one before, for each child and kind */
#define LOST_MS 1000  /* likewise, between channels that a worker asks for */
#define MESSAGES_PER_TURN 64 /* one child that never stops must not keep the parent */

/* One message buffer: the parent has one thread and never sends from inside a send. */
static struct ipc_writer out;

static enum ipc_result
send_now(struct child *child)
{
    return child->control >= 0 ? ipc_send(child->control, &out) : IPC_CLOSED;
}

/*
 * A child that is being set up gets more messages than its channel holds, and takes them
 * as soon as it runs; false when it does not. One at work is never waited for: it may
 * have fallen. What it has no room for makes it useless, and the watchdog sees to it.
 */
static bool
send_out(struct child *child)
{
    bool may_wait =
        !child->ready && !child->deaf; /* once, or 64 workers are 64 waits */
    uint64_t deadline = may_wait ? clock_ms() + SETUP_MS : 0;
    enum ipc_result result = send_now(child);

    while (result == IPC_AGAIN && clock_ms() < deadline) {
        struct pollfd room = { .fd = child->control, .events = POLLOUT };

        (void)poll(&room, 1, SETUP_MS);
        result = send_now(child);
    }
    child->deaf |= result == IPC_AGAIN;
    return result == IPC_DONE || child->ready;
}

bool
family_ask(struct child *child, uint32_t number)
{
    ipc_begin(&out, IPC_PING);
    ipc_put_u32(&out, number);
    return !child->deaf && send_now(child) == IPC_DONE;
}

/* --- channels between children --- */

/* Every process of this configuration may ask for every key of it. */
static void
put_scope(void)
{
    unsigned char every[KEY_SCOPE_BYTES];

    memset(every, 0xff, sizeof every);
    ipc_put_bytes(&out, bytes_of(every, sizeof every));
}

/*
 * Gives `asker` a channel to `service`, under the name that the service will know. One of
 * them may die at this moment: that must not hold up the other, and who comes back gets a
 * new channel. False when there is no descriptor for one.
 */
static bool
introduce(struct child *asker, struct child *service, enum ipc_tag tag)
{
    int pair[2];

    if (service->control < 0)
        return true; /* it gets one when the service is back */
    if (!ipc_pair(pair))
        return false;
    ipc_begin(&out, IPC_CLIENT);
    ipc_put_string(&out, asker->name);
    if (service->role == CHILD_KEYD)
        put_scope();
    else
        ipc_put_u64(&out, asker->life);
    ipc_put_fd(&out, pair[0]);
    (void)send_out(service);
    ipc_begin(&out, tag);
    ipc_put_fd(&out, pair[1]);
    (void)send_out(asker);
    close(pair[0]);
    close(pair[1]);
    return true;
}

/* The parent's own channel to the log. */
static bool
introduce_parent(struct parent *parent)
{
    int pair[2];
    bool ok;

    if (!ipc_pair(pair))
        return false;
    ipc_begin(&out, IPC_CLIENT);
    ipc_put_string(&out, "parent");
    ipc_put_u64(&out, 1);
    ipc_put_fd(&out, pair[0]);
    ok = send_out(parent_logd(parent));
    close(pair[0]);
    event_log_set_channel(parent->log, pair[1]);
    return ok;
}

/* A service is new or back: every worker that runs gets a channel to it. */
static bool
introduce_workers(struct child *service, enum ipc_tag tag)
{
    struct parent *parent = service->parent;
    bool ok = true;

    for (unsigned i = 0; i < parent->child_count; i++) {
        struct child *child = &parent->children[i];

        if (child->role == CHILD_WORKER && child->control >= 0)
            ok = introduce(child, service, tag) && ok;
    }
    return ok;
}

/* --- what each role is told --- */

static bool
tell_configuration(struct child *child)
{
    ipc_begin(&out, IPC_CONFIG);
    ipc_put_fd(&out, child->parent->sealed.text);
    return send_out(child);
}

static bool
tell_tickets(struct child *worker)
{
    const struct tls_tickets *tickets = &worker->parent->tickets;

    ipc_begin(&out, IPC_TICKETS);
    ipc_put_bytes(&out,
        bytes_of(tickets->secret, (size_t)tickets->count * TICKET_SECRET_BYTES));
    return send_out(worker);
}

void
family_send_tickets(struct parent *parent)
{
    for (unsigned i = 0; i < parent->child_count; i++) {
        if (parent->children[i].role == CHILD_WORKER)
            (void)tell_tickets(&parent->children[i]); /* one that died gets them anew */
    }
}

static bool
tell_addresses(struct child *worker, const struct address_list *list)
{
    if (list->count == 0)
        return true;
    address_list_write(list, &out);
    return send_out(worker);
}

static bool
tell_sockets(struct child *worker)
{
    const struct sockets *sockets = &worker->parent->sockets;
    bool ok = true;

    for (unsigned i = 0; ok && i < sockets->count; i++) {
        const struct bound_socket *row = &sockets->rows[i];

        if (row->worker != worker->index)
            continue;
        ipc_begin(&out, IPC_LISTENER);
        ipc_put_u32(&out, row->listener);
        ipc_put_u32(&out, row->address);
        ipc_put_u32(&out, row->redirects);
        ipc_put_fd(&out, row->fd);
        ok = send_out(worker);
    }
    return ok;
}

static bool
tell_worker(struct child *worker)
{
    struct parent *parent = worker->parent;
    bool ok;

    ipc_begin(&out, IPC_ROLE);
    ipc_put_u32(&out, worker->index);
    ipc_put_u32(&out, parent->snapshot->workers);
    ipc_put_string(&out, parent->pseudonym);
    ok = send_out(worker);
    ledger_put(parent->ledger, &out);
    ok = ok && send_out(worker) && tell_tickets(worker);
    ipc_begin(&out, IPC_COOKIE_KEY);
    ipc_put_bytes(&out,
        bytes_of(parent->cookie_key.bytes, sizeof parent->cookie_key.bytes));
    ok = ok && send_out(worker) && tell_sockets(worker);
    for (unsigned i = 0; ok && i < parent->name_count; i++)
        ok = tell_addresses(worker, &parent->names[i]);
    return ok && introduce(worker, parent_keyd(parent), IPC_KEYD) &&
        introduce(worker, parent_logd(parent), IPC_LOGD);
}

static bool
tell_keyd(struct child *keyd)
{
    ipc_begin(&out, IPC_KEYS);
    ipc_put_fd(&out, keyd->parent->sealed.keys);
    return send_out(keyd);
}

/* How far the processes that ended had come; logd knows what it has heard already. */
static bool
tell_ends(struct child *logd, const struct child *child)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < child->end_count; i++) {
        ipc_begin(&out, IPC_ENDED);
        ipc_put_string(&out, child->name);
        ipc_put_u64(&out, child->ends[i].life);
        ipc_put_u64(&out, child->ends[i].events);
        ok = send_out(logd);
    }
    return ok;
}

static bool
tell_logd(struct child *logd)
{
    struct parent *parent = logd->parent;
    bool ok;

    ipc_begin(&out, IPC_BACKLOG);
    ipc_put_fd(&out, parent->backlog);
    ok = send_out(logd);
    for (unsigned i = 0; ok && i < parent->child_count; i++)
        ok = tell_ends(logd, &parent->children[i]);
    return ok && introduce_parent(parent) && introduce_workers(logd, IPC_LOGD);
}

static bool
tell(struct child *child)
{
    bool ok = tell_configuration(child);

    switch (child->role) {
    case CHILD_LOGD:
        ok = ok && tell_logd(child);
        break;
    case CHILD_KEYD:
        ok = ok && tell_keyd(child) && introduce_workers(child, IPC_KEYD);
        break;
    case CHILD_WORKER:
        ok = ok && tell_worker(child);
        break;
    case CHILD_RESOLVER:
    case CHILD_NOTARY: /* has its one question from notary.c */
        break;
    }
    ipc_begin(&out, IPC_BEGIN);
    return ok && send_out(child);
}

/* --- life --- */

static void
on_control(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error is seen again by the read */
    (void)events;
    family_listen(poll->data);
}

static void
on_poll_closed(uv_handle_t *poll)
{
    free(poll);
}

/* Takes `poll` over. False where the kernel refuses to watch one more (epoll_ctl(2)). */
static bool
listen_to(struct child *child, uv_poll_t *poll)
{
    if (uv_poll_init(&child->parent->loop, poll, child->control) != 0) {
        free(poll); /* libuv has not taken it in */
        child->poll = NULL;
        return false;
    }
    child->poll = poll;
    poll->data = child;
    uv_poll_start(poll, UV_READABLE, on_control);
    return true;
}

bool
family_start(struct child *child, struct note *note)
{
    uv_poll_t *poll = calloc(1, sizeof *poll);

    if (poll == NULL)
        note_set(note, "no memory to watch %s", child->name);
    child->pid = poll == NULL ? -1 : child_spawn(child->role, &child->control, note);
    if (child->pid < 0) {
        free(poll);
        child->pid = 0;
        child->control = -1;
        return false;
    }
    child->started_ms = clock_ms();
    child->life++;
    child->ready = child->drained = child->deaf = child->condemned = false;
    child->watch = (struct watch){ 0 };
    if (!listen_to(child, poll)) {
        note_set(note, "cannot watch %s", child->name);
        kill(child->pid, SIGKILL); /* unheard it would never be ready */
    } else if (!tell(child)) {
        note_set(note, "%s did not take its instructions", child->name);
        kill(child->pid, SIGKILL); /* half told it would wait for ever */
    }
    return true; /* one that died meanwhile is reaped like any other */
}

/* What it made and never sent is lost, and logd says so when it has read the rest. */
static void
note_end(struct child *worker)
{
    struct child *logd = parent_logd(worker->parent);
    unsigned last = sizeof worker->ends / sizeof worker->ends[0] - 1;

    if (worker->end_count > last) {
        memmove(worker->ends, worker->ends + 1, last * sizeof worker->ends[0]);
        worker->end_count = last;
    }
    worker->ends[worker->end_count++] = (struct child_end){ worker->life,
        ledger_events(worker->parent->ledger, worker->index) };
    if (logd->control >= 0)
        (void)tell_ends(logd, worker);
}

void
family_forget(struct child *child)
{
    if (child->role == CHILD_WORKER)
        note_end(child);
    if (child->role == CHILD_WORKER)
        ledger_clear(child->parent->ledger, child->index);
    if (child->poll != NULL)
        uv_close((uv_handle_t *)child->poll, on_poll_closed);
    if (child->control >= 0)
        close(child->control);
    child->poll = NULL;
    child->control = -1;
    child->pid = 0;
    child->ready = false;
}

void
family_drain(struct child *child)
{
    if (child->drained || child->control < 0)
        return;
    child->drained = true;
    ipc_begin(&out, IPC_DRAIN);
    (void)send_out(child); /* if it is gone, so much the better */
}

static void
on_news(uv_timer_t *timer)
{
    struct parent *parent = timer->data;

    for (unsigned i = 0; i < parent->name_count; i++) {
        if (!parent->names_are_news[i])
            continue;
        parent->names_are_news[i] = 0;
        for (unsigned k = 0; k < parent->child_count; k++) {
            if (parent->children[k].role == CHILD_WORKER)
                (void)tell_addresses(&parent->children[k], &parent->names[i]);
        }
    }
}

/*
 * New addresses of a name we asked about go to all workers; none is no news. They go
 * after a moment, once each: a resolver that has fallen must not fill the workers'
 * channels.
 */
static void
take_addresses(struct parent *parent, struct ipc_message *m)
{
    struct address_list list;

    if (!address_list_read(&list, m))
        return;
    for (unsigned i = 0; i < parent->name_count; i++) {
        struct address_list *known = &parent->names[i];

        if (strcmp(known->host, list.host) != 0)
            continue;
        if (i < 64)
            parent->names_seen |= UINT64_C(1) << i;
        if (list.count == 0 || memcmp(known, &list, sizeof list) == 0)
            continue;
        *known = list;
        parent->names_are_news[i] = 1;
        if (!uv_is_active((uv_handle_t *)&parent->news))
            uv_timer_start(&parent->news, on_news, NEWS_MS, 0);
    }
    parent_advance(parent);
}

/* What a child says goes to a terminal or a journal. */
static void
make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

static struct child *
find_child(struct parent *parent, const char *name)
{
    for (unsigned i = 0; i < parent->child_count; i++) {
        if (strcmp(parent->children[i].name, name) == 0)
            return &parent->children[i];
    }
    return NULL;
}

/*
 * keyd says what a child asked of it. Once in a while, so that a keyd that has fallen
 * does not write the log full.
 */
static void
take_asked(struct parent *parent, struct ipc_message *m)
{
    char name[sizeof parent->children->name];
    struct child *asker;
    bool is_odd;
    uint64_t questions, refused, usual;

    ipc_get_string(m, name, sizeof name);
    is_odd = ipc_get_u32(m) != 0;
    questions = ipc_get_u64(m);
    refused = ipc_get_u64(m);
    usual = ipc_get_u64(m);
    asker = find_child(parent, name);
    if (!ipc_at_end(m) || asker == NULL ||
        clock_ms() < asker->asked_ms[is_odd] + ASKED_MS)
        return;
    asker->asked_ms[is_odd] = clock_ms();
    event_begin(parent->log, is_odd ? EVENT_KEYS_ASKED_ODDLY : EVENT_KEYS_ASKED);
    event_string(parent->log, EF_LOST_PROCESS, asker->name);
    event_number(parent->log, EF_KEY_QUESTIONS, questions);
    event_number(parent->log, EF_KEY_REFUSED, refused);
    if (is_odd)
        event_number(parent->log, EF_KEY_USUAL, usual);
    event_end(parent->log);
}

/*
 * A worker says that one of its channels has ended, and gets another: once in a while, so
 * that a worker that has fallen costs little. Whether it is true need not be known: who is
 * introduced again loses the channel from before. A service that is away meets all workers
 * when it begins, and both sides must be ready: those are not waited for (send_out).
 */
static void
take_lost(struct child *worker, struct ipc_message *m)
{
    uint32_t tag = ipc_get_u32(m);
    bool is_keys = tag == IPC_KEYD;
    struct child *service =
        is_keys ? parent_keyd(worker->parent) : parent_logd(worker->parent);

    if (!ipc_at_end(m) || (!is_keys && tag != IPC_LOGD) || !worker->ready ||
        !service->ready || clock_ms() < worker->lost_ms[!is_keys] + LOST_MS)
        return;
    worker->lost_ms[!is_keys] = clock_ms();
    (void)introduce(worker, service, is_keys ? IPC_KEYD : IPC_LOGD);
}

/* Why it cannot work is only said, and only believed, before it begins to. */
static void
obey(struct child *child, struct ipc_message *m)
{
    char why[NOTE_BYTES];

    if (m->tag == IPC_READY && !child->ready) {
        child->ready = true;
        parent_advance(child->parent);
    } else if (m->tag == IPC_FAILED && !child->ready) {
        ipc_get_string(m, why, sizeof why);
        make_printable(why);
        parent_complain(child, why);
    } else if (m->tag == IPC_PONG) {
        watch_answered(&child->watch, ipc_get_u32(m));
    } else if (m->tag == IPC_ADDRESSES && child->role == CHILD_RESOLVER) {
        take_addresses(child->parent, m);
    } else if (m->tag == IPC_ASKED && child->role == CHILD_KEYD) {
        take_asked(child->parent, m);
    } else if (m->tag == IPC_LOST && child->role == CHILD_WORKER) {
        take_lost(child, m);
    }
}

void
family_listen(struct child *child)
{
    static struct ipc_message m;

    for (unsigned i = 0; i < MESSAGES_PER_TURN && child->control >= 0; i++) {
        enum ipc_result result = ipc_receive(child->control, 0, &m);

        if (result == IPC_AGAIN)
            return;
        if (result != IPC_DONE) {
            if (child->poll != NULL)
                uv_poll_stop(child->poll); /* it is ending; SIGCHLD tells the rest */
            return;
        }
        obey(child, &m);
        ipc_done(&m);
    }
}
