/*
 * log/event.c - the side that writes events: any process but logd.
 *
 * An event is drafted in a buffer of its own and copied into a batch when it
 * ends, so a batch holds whole events only. There are two batches: one fills
 * while the other waits for room in the pipe. When both are full the filling
 * one is thrown away and its events are counted; the next batch that leaves
 * tells the number. Nothing here waits, except event_flush_last.
 *
 * Knows nothing of JSON, files or ECS. Owns the channel to logd.
 */
#include "log/event.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "base/require.h"
#include "log/event_wire.h"

/* What ipc_put_bytes adds to an event, at most. */
#define PUT_BYTES ((size_t)16)

/* Kept free in each batch for the report of what was dropped. */
#define REPORT_BYTES (EVENT_WIRE_HEAD + 9)

_Static_assert(EVENT_WIRE_BYTES + REPORT_BYTES + 3 * PUT_BYTES <= IPC_MESSAGE_BYTES,
    "the largest event fits into an empty batch");

struct batch {
    struct ipc_writer message;
    unsigned events;
};

struct event_log {
    char *source;
    int channel; /* -1: none */
    struct batch batches[2];
    struct batch *filling, *waiting;
    uint64_t dropped; /* events, not yet reported */

    bool drafting; /* between event_begin and event_end */
    struct event_set has;
    uint8_t *at; /* the end of the draft */
    uint8_t draft[EVENT_WIRE_BYTES];
};

static void
batch_clear(struct batch *batch)
{
    ipc_begin(&batch->message, IPC_EVENTS);
    batch->events = 0;
}

struct event_log *
event_log_new(const char *source)
{
    struct event_log *log = require_zeroed(1, sizeof(*log));

    log->source = require_copy(source);
    log->channel = -1;
    log->filling = &log->batches[0];
    log->waiting = &log->batches[1];
    batch_clear(log->filling);
    batch_clear(log->waiting);
    return log;
}

static void
close_channel(struct event_log *log)
{
    if (log->channel >= 0)
        close(log->channel);
    log->channel = -1;
}

void
event_log_free(struct event_log **log)
{
    struct event_log *gone = *log;

    *log = NULL;
    if (gone == NULL)
        return;

    /* Nobody is left who could report these to logd. */
    uint64_t lost = gone->dropped + gone->filling->events + gone->waiting->events;
    if (lost > 0)
        fprintf(stderr, "postern: %s: %llu events did not reach the log\n",
            gone->source, (unsigned long long)lost);
    close_channel(gone);
    free(gone->source);
    free(gone);
}

void
event_log_set_channel(struct event_log *log, int channel)
{
    int flags = fcntl(channel, F_GETFL);

    require(flags >= 0 && fcntl(channel, F_SETFL, flags | O_NONBLOCK) == 0);
    close_channel(log);
    log->channel = channel;
}

bool
event_log_is_pending(const struct event_log *log)
{
    return log->filling->events > 0 || log->waiting->events > 0;
}

static uint8_t *
put(uint8_t *at, const void *value, size_t bytes)
{
    memcpy(at, value, bytes);
    return at + bytes;
}

static uint8_t *
put_head(uint8_t *at, enum event_id id)
{
    uint16_t number = (uint16_t)id;
    uint64_t now_ns = clock_wall_ns();

    at = put(at, &number, sizeof(number));
    *at++ = 0;
    return put(at, &now_ns, sizeof(now_ns));
}

void
event_begin(struct event_log *log, enum event_id id)
{
    require(!log->drafting && id < EVENT_COUNT);
    log->drafting = true;
    log->has = (struct event_set){ 0 };
    log->at = put_head(log->draft, id);
}

static void
begin_field(struct event_log *log, enum event_field field)
{
    require(log->drafting && !event_set_has(&log->has, field));
    event_set_add(&log->has, field);
    *log->at++ = (uint8_t)field;
}

void
event_text(struct event_log *log, enum event_field field, struct bytes text)
{
    require(field < EF_COUNT && event_type_is_text(event_field_table[field].type));
    if (text.length == 0)
        return;
    if (text.length > event_field_table[field].limit) {
        text.length = event_field_table[field].limit;
        log->draft[sizeof(uint16_t)] |= EVENT_WIRE_CUT;
    }

    uint16_t length = (uint16_t)text.length;
    begin_field(log, field);
    log->at = put(log->at, &length, sizeof(length));
    log->at = put(log->at, text.at, text.length);
}

void
event_string(struct event_log *log, enum event_field field, const char *text)
{
    event_text(log, field, bytes_of_string(text));
}

void
event_number(struct event_log *log, enum event_field field, uint64_t number)
{
    require(field < EF_COUNT && event_field_table[field].type == EVENT_IS_NUMBER);
    begin_field(log, field);
    log->at = put(log->at, &number, sizeof(number));
}

void
event_flag(struct event_log *log, enum event_field field, bool flag)
{
    require(field < EF_COUNT && event_field_table[field].type == EVENT_IS_FLAG);
    begin_field(log, field);
    *log->at++ = flag;
}

static void
put_address(struct event_log *log, enum event_field field, const void *address,
    size_t bytes)
{
    begin_field(log, field);
    *log->at++ = (uint8_t)bytes;
    log->at = put(log->at, address, bytes);
}

void
event_address(struct event_log *log, enum event_field field, enum event_field port,
    const struct sockaddr *address)
{
    uint16_t number = 0;

    require(field < EF_COUNT && event_field_table[field].type == EVENT_IS_IP);
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four =
            (const struct sockaddr_in *)(const void *)address;

        put_address(log, field, &four->sin_addr, sizeof(four->sin_addr));
        number = ntohs(four->sin_port);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six =
            (const struct sockaddr_in6 *)(const void *)address;
        const uint8_t *raw = six->sin6_addr.s6_addr;

        /* A listener on [::] sees IPv4 clients mapped; a SIEM looks for 192.0.2.1. */
        if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
            put_address(log, field, raw + 12, 4);
        else
            put_address(log, field, raw, 16);
        number = ntohs(six->sin6_port);
    } else {
        return;
    }
    if (port != EF_COUNT)
        event_number(log, port, number);
}

void
event_fault(struct event_log *log, enum fault fault)
{
    uint16_t number = (uint16_t)fault;

    require(fault < FAULT_COUNT);
    if (fault == FAULT_NONE)
        return;
    begin_field(log, EF_REASON);
    log->at = put(log->at, &number, sizeof(number));
}

static bool
has_room(const struct batch *batch, size_t event_bytes)
{
    return batch->message.length + event_bytes + PUT_BYTES + REPORT_BYTES + PUT_BYTES <=
        IPC_MESSAGE_BYTES;
}

static void
put_event(struct batch *batch, const uint8_t *event, size_t bytes)
{
    ipc_put_bytes(&batch->message, bytes_of(event, bytes));
    require(!batch->message.overflow);
    batch->events++;
}

/* True when nothing of `batch` is left to send. */
static bool
send_batch(struct event_log *log, struct batch *batch)
{
    if (batch->events == 0)
        return true;
    switch (ipc_send(log->channel, &batch->message)) {
    case IPC_DONE:
        batch_clear(batch);
        return true;
    case IPC_AGAIN:
        return false;
    case IPC_CLOSED:
    case IPC_REFUSED:
        /* logd died, or cannot be spoken to. The next channel gets this batch. */
        close_channel(log);
        return false;
    }
    return false;
}

/*
 * Only called while no batch waits. A batch is dropped only while one waits, and
 * so the batch that carries the report is not.
 */
static void
report_dropped(struct event_log *log)
{
    uint8_t event[REPORT_BYTES];

    if (log->dropped == 0)
        return;

    uint8_t *at = put_head(event, EVENT_LOG_DROPPED);

    *at++ = EF_DROPPED;
    at = put(at, &log->dropped, sizeof(log->dropped));
    put_event(log->filling, event, (size_t)(at - event));
    log->dropped = 0;
}

void
event_flush(struct event_log *log)
{
    if (log->channel < 0 || !send_batch(log, log->waiting))
        return;
    report_dropped(log);
    send_batch(log, log->filling);
}

/* Makes the filling batch empty: sent, or waiting, or dropped. */
static void
make_room(struct event_log *log)
{
    struct batch *full = log->filling;

    event_flush(log);
    if (full->events == 0)
        return;
    if (log->waiting->events == 0) {
        log->filling = log->waiting;
        log->waiting = full;
    } else {
        log->dropped += full->events;
        batch_clear(full);
    }
}

void
event_end(struct event_log *log)
{
    size_t bytes = (size_t)(log->at - log->draft);

    require(log->drafting);
    log->drafting = false;
    if (!has_room(log->filling, bytes))
        make_room(log);
    put_event(log->filling, log->draft, bytes);
}

static bool
is_flushed(const struct event_log *log)
{
    return log->waiting->events == 0 && log->filling->events == 0 && log->dropped == 0;
}

void
event_flush_last(struct event_log *log, int timeout_ms)
{
    uint64_t deadline_ms = clock_ms() + (uint64_t)timeout_ms;

    event_flush(log);
    while (log->channel >= 0 && !is_flushed(log)) {
        struct pollfd room = { .fd = log->channel, .events = POLLOUT };
        uint64_t now_ms = clock_ms();

        if (now_ms >= deadline_ms)
            return;
        if (poll(&room, 1, (int)(deadline_ms - now_ms)) < 0 && errno != EINTR)
            return;
        event_flush(log);
    }
}
