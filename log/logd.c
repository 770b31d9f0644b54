/*
 * log/logd.c - the process that formats events and appends them to their targets.
 *
 * One poll, one thread. Each turn reads some batches of each asker, turns every event
 * into a line for every sink, and lets the sinks write once. Nothing here waits for a
 * target: sinks queue, drop and count, and what they dropped becomes an event in the
 * target that dropped it.
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
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "base/jail.h"
#include "log/ecs.h"
#include "log/sink.h"

#define ASKERS_MAX 1024
#define NAME_BYTES 33 /* the limit of process.name, and a NUL */

/* Batches read from one asker before the next has its turn. */
#define BATCHES_PER_TURN 4

/* How often a full disk is tried again. */
#define STUCK_RETRY_MS 1000

/* How long the last lines may take to leave. */
#define DRAIN_MS 3000

struct asker {
    int channel; /* -1: closed, to be taken off the list */
    char name[NAME_BYTES];
};

struct logd {
    int control;
    bool draining;
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

static void
write_event(struct logd *logd)
{
    size_t length = ecs_write(logd->ecs, &logd->view, logd->line);

    for (unsigned i = 0; i < logd->sink_count; i++)
        sink_put(logd->sinks[i], bytes_of(logd->line, length));
}

/* An attacker in a worker must not speak in the name of another process. */
static void
name_process(struct logd *logd, const struct asker *asker)
{
    event_view_set_text(&logd->view, EF_PROCESS_NAME, bytes_of_string(asker->name));
}

/* Writes the events of the message; false when one of them is none. */
static bool
write_batch(struct logd *logd, const struct asker *asker)
{
    struct ipc_message *m = &logd->message;

    if (m->tag != IPC_EVENTS)
        return false;
    while (!ipc_at_end(m)) {
        struct bytes raw = ipc_get_bytes(m);

        if (m->broken || !event_read(raw, &logd->view))
            return false;
        name_process(logd, asker);
        write_event(logd);
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
    event_view_init(&logd->view, EVENT_LOG_REFUSED);
    name_process(logd, asker);
    write_event(logd);
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
            break;
        case IPC_AGAIN:
            return false;
        case IPC_CLOSED:
            close_asker(asker);
            return false;
        case IPC_REFUSED:
            refuse_asker(logd, asker);
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
            bytes_of(logd->line, ecs_write(logd->ecs, &logd->view, logd->line)));
        sink_flush(sink);
    }
}

/* --- the parent --- */

static void
add_asker(struct logd *logd)
{
    struct asker *asker = &logd->askers[logd->asker_count];

    require(logd->asker_count < ASKERS_MAX);
    ipc_get_string(&logd->message, asker->name, sizeof(asker->name));
    asker->channel = ipc_take_fd(&logd->message);
    require(asker->channel >= 0 && ipc_at_end(&logd->message));
    logd->asker_count++;
}

/*
 * Handles one message of the parent, waiting for it up to `timeout_ms`. Returns its
 * tag; IPC_DRAIN also when the parent is gone.
 */
static enum ipc_tag
obey_parent(struct logd *logd, int timeout_ms)
{
    enum ipc_tag tag = IPC_DRAIN;

    if (ipc_receive(logd->control, timeout_ms, &logd->message) == IPC_DONE) {
        tag = logd->message.tag;
        if (tag == IPC_CLIENT)
            add_asker(logd);
        else if (tag == IPC_PING)
            ipc_pong(logd->control, &logd->message, &logd->reply);
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
        logd->sinks[i] = sink_open(&policy->targets[i], note);
        if (logd->sinks[i] == NULL)
            return false;
        logd->sink_count++;
    }
    return true;
}

/* Opens the targets, waits for the parent's word, enters the jail. */
static bool
start(struct logd *logd, const struct log_policy *policy, const char *user)
{
    struct note note = { "" };
    bool good = open_sinks(logd, policy, &note);

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
            require(errno == EINTR);
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

/* Writes what was sent before the end, as far as the targets take it in time. */
static void
drain(struct logd *logd)
{
    uint64_t deadline_ms = clock_ms() + DRAIN_MS;

    for (unsigned i = 0; i < logd->asker_count; i++)
        while (read_asker(logd, &logd->askers[i], 1) && clock_ms() < deadline_ms)
            flush_sinks(logd);
    flush_sinks(logd);
    for (unsigned i = 0; i < logd->sink_count; i++) {
        struct sink *sink = logd->sinks[i];

        while (sink_is_waiting(sink) && sink_descriptor(sink) >= 0 &&
            clock_ms() < deadline_ms) {
            struct pollfd room = { .fd = sink_descriptor(sink), .events = POLLOUT };

            (void)poll(&room, 1, (int)(deadline_ms - clock_ms()));
            flush_sinks(logd);
        }
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
    free(logd->sinks);
    free(logd->polled);
    free(logd);
}

int
logd_run(int control, const struct log_policy *policy, const char *user)
{
    struct logd *logd = require_zeroed(1, sizeof(*logd));
    bool good;

    /* A reader of standard output that went away is an errno, not an end. */
    for (size_t i = 0; i < 4; i++)
        (void)signal((const int[]){ SIGPIPE, SIGINT, SIGTERM, SIGHUP }[i], SIG_IGN);
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
