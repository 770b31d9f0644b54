/*
 * log/logd.c - the process that formats events and appends them to their targets.
 *
 * One poll, one thread. Each turn reads some batches of each asker, turns every event
 * into a line for every sink, and lets the sinks write once. Nothing here waits for a
 * target: sinks queue, drop and count, and what they dropped becomes an event in the
 * target that dropped it. What a sender's numbers leave out is an event, too. All that
 * a successor has to know stands in the backlog, which is committed after each batch.
 *
 * Trust: the control channel is the parent's. Askers are not trusted: whoever sends
 * what is no event loses its channel. Owns the askers' channels and the sinks.
 */
#include "log/logd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "base/jail.h"
#include "log/ecs.h"
#include "log/sink.h"

#define ASKERS_MAX 1024

/* Batches read from one asker before the next has its turn. */
#define BATCHES_PER_TURN 4

/* How often a full disk is tried again. */
#define STUCK_RETRY_MS 1000

/* How long the last lines may take to leave. */
#define DRAIN_MS 3000

struct asker {
    int channel; /* -1: closed, to be taken off the list */
    uint64_t life;
    struct backlog_sender *sender; /* of all lives of this name */
};

struct logd {
    int control;
    bool draining;
    struct backlog backlog;
    struct ecs *ecs;
    struct sink **sinks;
    unsigned sink_count, asker_count;
    struct asker askers[ASKERS_MAX];
    struct pollfd *polled; /* control, askers, sinks */
    struct ipc_message message;
    struct ipc_writer reply;
    struct event_view view;
    char line[ECS_LINE_BYTES];
};

/* --- events in, lines out --- */

/* Queues the event in `view`, which tells of `events` events, for every sink. */
static void
write_event(struct logd *logd, uint64_t events)
{
    size_t length = ecs_write(logd->ecs, &logd->view, logd->line);

    for (unsigned i = 0; i < logd->sink_count; i++)
        sink_put(logd->sinks[i], bytes_of(logd->line, length), events);
}

/* An attacker in a worker must not speak in the name of another process. */
static void
name_process(struct logd *logd, const struct backlog_sender *sender)
{
    event_view_set_text(&logd->view, EF_PROCESS_NAME, bytes_of_string(sender->name));
}

/*
 * Between two events, because a flush commits: what is committed must not hold a line in
 * one queue and lack it in another, nor a line without its number.
 */
static void
make_room(struct logd *logd)
{
    for (unsigned i = 0; i < logd->sink_count; i++)
        if (!sink_has_room(logd->sinks[i], 2 * ECS_LINE_BYTES))
            sink_flush(logd->sinks[i]);
}

/* The sender's next event has the number `next`: what it made before and we lack is lost. */
static void
tell_gap(struct logd *logd, struct backlog_sender *sender, uint64_t next)
{
    uint64_t lost = next - sender->next;

    if (lost == 0)
        return;
    make_room(logd);
    event_view_init(&logd->view, EVENT_LOG_DROPPED);
    name_process(logd, sender);
    event_view_set_number(&logd->view, EF_DROPPED, lost);
    write_event(logd, lost);
    sender->next = next;
}

/* Writes the events of the message; false when one of them is none. */
static bool
write_batch(struct logd *logd, const struct asker *asker)
{
    struct ipc_message *m = &logd->message;
    struct backlog_sender *sender = asker->sender;
    uint64_t first;

    if (m->tag != IPC_EVENTS)
        return false;
    first = ipc_get_u64(m);
    if (m->broken || first < sender->next || asker->life != sender->life)
        return false;
    tell_gap(logd, sender, first);
    while (!ipc_at_end(m)) {
        struct bytes raw = ipc_get_bytes(m);

        make_room(logd);
        if (m->broken || !event_read(raw, &logd->view))
            return false;
        name_process(logd, sender);
        write_event(logd, 1);
        sender->next++;
    }
    return true;
}

static void
close_asker(struct asker *asker)
{
    close(asker->channel);
    asker->channel = -1;
}

static void
refuse_asker(struct logd *logd, struct asker *asker)
{
    make_room(logd);
    event_view_init(&logd->view, EVENT_LOG_REFUSED);
    name_process(logd, asker->sender);
    write_event(logd, 1);
    close_asker(asker);
}

/* Reads up to `batches` of them; false when nothing was left to read. */
static bool
read_asker(struct logd *logd, struct asker *asker, unsigned batches)
{
    while (batches-- > 0 && asker->channel >= 0) {
        bool good;

        switch (ipc_receive(asker->channel, 0, &logd->message)) {
        case IPC_DONE:
            good = write_batch(logd, asker);
            ipc_done(&logd->message);
            if (!good)
                refuse_asker(logd, asker);
            backlog_commit(&logd->backlog);
            break;
        case IPC_AGAIN:
            return false;
        case IPC_CLOSED:
            close_asker(asker);
            return false;
        case IPC_REFUSED:
            refuse_asker(logd, asker);
            backlog_commit(&logd->backlog);
            return false;
        }
    }
    return asker->channel >= 0;
}

static void
forget_closed_askers(struct logd *logd)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < logd->asker_count; i++)
        if (logd->askers[i].channel >= 0)
            logd->askers[kept++] = logd->askers[i];
    logd->asker_count = kept;
}

static void
flush_sinks(struct logd *logd)
{
    for (unsigned i = 0; i < logd->sink_count; i++) {
        struct sink *sink = logd->sinks[i];
        uint64_t dropped;

        sink_flush(sink);
        dropped = sink_take_dropped(sink);
        if (dropped == 0)
            continue;
        event_view_init(&logd->view, EVENT_LOG_DROPPED);
        event_view_set_text(&logd->view, EF_PROCESS_NAME, BYTES("logd"));
        event_view_set_number(&logd->view, EF_DROPPED, dropped);
        sink_put(sink,
            bytes_of(logd->line, ecs_write(logd->ecs, &logd->view, logd->line)),
            dropped);
        sink_flush(sink);
    }
}

/* --- the parent --- */

/*
 * Who comes again has one channel, however many it was given. Nothing more goes into the
 * one before (unix(7): SHUT_RD), and what lies in it, with lower numbers, is taken first.
 */
static void
end_earlier(struct logd *logd, const struct backlog_sender *sender)
{
    for (unsigned i = 0; i < logd->asker_count; i++) {
        struct asker *asker = &logd->askers[i];

        if (asker->sender != sender || asker->channel < 0)
            continue;
        (void)shutdown(asker->channel, SHUT_RD);
        while (read_asker(logd, asker, 1))
            continue;
    }
}

/*
 * Another life of the same name begins with event 0; the same one, known from the logd
 * before, goes on.
 */
static void
begin_life(struct backlog_sender *sender, uint64_t life)
{
    if (sender->life == life)
        return;
    sender->life = life;
    sender->next = 0;
    sender->is_settled = false;
}

static void
add_asker(struct logd *logd)
{
    struct ipc_message *m = &logd->message;
    char name[BACKLOG_NAME_BYTES];
    struct asker asker;

    forget_closed_askers(logd);
    ipc_get_string(m, name, sizeof name);
    asker.life = ipc_get_u64(m);
    asker.channel = ipc_take_fd(m);
    require(asker.channel >= 0 && ipc_at_end(m) && name[0] != '\0');
    asker.sender = backlog_sender(&logd->backlog, name);
    if (asker.sender == NULL || logd->asker_count == ASKERS_MAX) {
        close_asker(&asker);
        return;
    }
    end_earlier(logd, asker.sender);
    begin_life(asker.sender, asker.life);
    logd->askers[logd->asker_count++] = asker;
    backlog_commit(&logd->backlog);
}

/*
 * A process has ended, so its channel has an end: what is in it is taken first, and the
 * rest of what it made was never sent. The parent says so to each logd anew.
 */
static void
settle(struct logd *logd)
{
    struct ipc_message *m = &logd->message;
    char name[BACKLOG_NAME_BYTES];
    struct backlog_sender *sender;
    uint64_t life, made;

    ipc_get_string(m, name, sizeof name);
    life = ipc_get_u64(m);
    made = ipc_get_u64(m);
    require(ipc_at_end(m) && name[0] != '\0');
    sender = backlog_sender(&logd->backlog, name);
    if (sender == NULL || sender->life > life ||
        (sender->life == life && sender->is_settled))
        return;
    begin_life(sender, life); /* one that no logd has ever heard of */
    for (unsigned i = 0; i < logd->asker_count; i++)
        while (
            logd->askers[i].sender == sender && read_asker(logd, &logd->askers[i], 1))
            continue;
    if (made > sender->next)
        tell_gap(logd, sender, made);
    sender->is_settled = true;
    backlog_commit(&logd->backlog);
}

static void
obey(struct logd *logd)
{
    enum ipc_tag tag = logd->message.tag;

    if (tag == IPC_CLIENT)
        add_asker(logd);
    else if (tag == IPC_ENDED)
        settle(logd);
    else if (tag == IPC_PING)
        ipc_pong(logd->control, &logd->message, &logd->reply);
}

/*
 * Handles one message of the parent, waiting for it up to `timeout_ms`. Returns its
 * tag; IPC_DRAIN also when the parent is gone, and IPC_LOGD, which nobody sends here, when
 * there is none.
 */
static enum ipc_tag
obey_parent(struct logd *logd, int timeout_ms)
{
    enum ipc_tag tag = IPC_DRAIN;
    enum ipc_result result = ipc_receive(logd->control, timeout_ms, &logd->message);

    if (result == IPC_AGAIN)
        return IPC_LOGD; /* a passing lack of memory, too */
    if (result == IPC_DONE) {
        tag = logd->message.tag;
        obey(logd);
        ipc_done(&logd->message);
    }
    logd->draining |= tag == IPC_DRAIN;
    return tag;
}

static bool
tell_parent(struct logd *logd, enum ipc_tag tag, const char *text)
{
    ipc_begin(&logd->reply, tag);
    if (text != NULL)
        ipc_put_string(&logd->reply, text);
    return ipc_send(logd->control, &logd->reply) == IPC_DONE;
}

/* --- a life --- */

static bool
open_sinks(struct logd *logd, const struct log_policy *policy, struct note *note)
{
    logd->sinks = require_zeroed(policy->target_count + 1, sizeof(struct sink *));
    for (unsigned i = 0; i < policy->target_count; i++) {
        logd->sinks[i] = sink_open(&policy->targets[i], &logd->backlog, i, note);
        if (logd->sinks[i] == NULL)
            return false;
        logd->sink_count++;
        sink_recover(logd->sinks[i]);
    }
    return true;
}

/* The parent's first message brings the memory that outlives us. */
static bool
open_backlog(struct logd *logd, unsigned targets, struct note *note)
{
    struct ipc_message *m = &logd->message;
    int memory = -1;
    bool good;

    if (ipc_receive(logd->control, -1, m) == IPC_DONE) {
        if (m->tag == IPC_BACKLOG)
            memory = ipc_take_fd(m);
        ipc_done(m);
    }
    good = memory >= 0 && backlog_open(&logd->backlog, memory, targets);
    if (!good)
        note_set(note, "the parent gave no memory for lines that wait");
    else if (!backlog_recover(&logd->backlog))
        fprintf(stderr, "postern: logd: the lines that waited are lost\n");
    if (memory >= 0)
        close(memory);
    return good;
}

/* Opens the targets, waits for the parent's word, enters the jail. */
static bool
start(struct logd *logd, const struct log_policy *policy, const char *user)
{
    struct note note = { "" };
    bool good = open_backlog(logd, policy->target_count, &note) &&
        open_sinks(logd, policy, &note);

    while (good && !logd->draining && obey_parent(logd, -1) != IPC_BEGIN)
        continue;
    good = good && (logd->draining || jail_enter(JAIL_LOGD, user, &note));
    if (!good)
        (void)tell_parent(logd, IPC_FAILED, note.text);
    return good;
}

/* Fills the poll set; returns the time to wait at most: -1 for ever. */
static int
fill_polled(struct logd *logd)
{
    struct pollfd *polled = logd->polled;
    int timeout_ms = -1;

    *polled++ = (struct pollfd){ .fd = logd->control, .events = POLLIN };
    for (unsigned i = 0; i < logd->asker_count; i++)
        *polled++ = (struct pollfd){ .fd = logd->askers[i].channel, .events = POLLIN };
    for (unsigned i = 0; i < logd->sink_count; i++) {
        int fd = sink_descriptor(logd->sinks[i]);
        bool waits = sink_is_waiting(logd->sinks[i]);

        *polled++ = (struct pollfd){ .fd = waits ? fd : -1, .events = POLLOUT };
        if (waits && fd < 0)
            timeout_ms = STUCK_RETRY_MS;
    }
    return timeout_ms;
}

static void
serve(struct logd *logd)
{
    while (!logd->draining) {
        int timeout_ms = fill_polled(logd);
        unsigned asked = logd->asker_count;

        if (poll(logd->polled, 1 + asked + logd->sink_count, timeout_ms) < 0) {
            require(errno == EINTR || errno == ENOMEM);
            continue;
        }
        for (unsigned i = 0; i < asked; i++)
            if (logd->polled[1 + i].revents != 0)
                read_asker(logd, &logd->askers[i], BATCHES_PER_TURN);
        if (logd->polled[0].revents != 0)
            obey_parent(logd, 0);
        forget_closed_askers(logd);
        flush_sinks(logd);
    }
}

static int
left_ms(uint64_t deadline_ms)
{
    uint64_t now_ms = clock_ms();

    return now_ms < deadline_ms ? (int)(deadline_ms - now_ms) : 0;
}

/* Waits for room in the sink's target until all is written, or the time is over. */
static void
empty_sink(struct logd *logd, struct sink *sink, uint64_t deadline_ms)
{
    while (sink_is_waiting(sink) && sink_descriptor(sink) >= 0 &&
        left_ms(deadline_ms) > 0) {
        struct pollfd room = { .fd = sink_descriptor(sink), .events = POLLOUT };

        (void)poll(&room, 1, left_ms(deadline_ms));
        flush_sinks(logd);
    }
}

/* Writes what was sent before the end, as far as the targets take it in time. */
static void
drain(struct logd *logd)
{
    uint64_t deadline_ms = clock_ms() + DRAIN_MS;

    for (unsigned i = 0; i < logd->asker_count; i++)
        while (read_asker(logd, &logd->askers[i], 1) && left_ms(deadline_ms) > 0)
            flush_sinks(logd);
    flush_sinks(logd);
    for (unsigned i = 0; i < logd->sink_count; i++) {
        empty_sink(logd, logd->sinks[i], deadline_ms);
        sink_tell_lost(logd->sinks[i]);
    }
}

static void
logd_free(struct logd *logd)
{
    for (unsigned i = 0; i < logd->asker_count; i++)
        if (logd->askers[i].channel >= 0)
            close_asker(&logd->askers[i]);
    for (unsigned i = 0; i < logd->sink_count; i++)
        sink_close(&logd->sinks[i]);
    ecs_free(&logd->ecs);
    backlog_close(&logd->backlog);
    free(logd->sinks);
    free(logd->polled);
    free(logd);
}

int
logd_run(int control, const struct log_policy *policy, const char *user)
{
    static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP };
    struct logd *logd = require_zeroed(1, sizeof(*logd));
    bool good;

    /* A reader that went away, or a file as large as may be, is an errno and no end. */
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        (void)signal(ignored[i], SIG_IGN);
    logd->control = control;
    logd->ecs = ecs_new();
    logd->polled =
        require_zeroed(1 + ASKERS_MAX + policy->target_count, sizeof(struct pollfd));

    good = start(logd, policy, user);
    if (good && (logd->draining || tell_parent(logd, IPC_READY, NULL))) {
        serve(logd);
        drain(logd);
    }
    logd_free(logd);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
