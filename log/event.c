/*
 * log/event.c - the side that writes events: any process but logd.
 *
 * An event is drafted in a buffer of its own and copied into a batch when it
 * ends, so a batch holds whole events only. There are two batches: one fills
 * while the other waits for room in the pipe. When both are full the filling
 * one is thrown away. Every batch begins with the number of its first event, so logd
 * sees what is missing, whoever lost it. Nothing here waits, except event_flush_last.
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

_Static_assert(EVENT_WIRE_BYTES + 3 * PUT_BYTES <= IPC_MESSAGE_BYTES,
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
    bool greets;             /* a channel is new: logd learns where we stand */
    uint64_t made;           /* events so far: the number of the next one */
    _Atomic uint64_t *tally; /* where `made` is written through to, or NULL */

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
    uint64_t lost = gone->filling->events + gone->waiting->events;
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
    log->greets = true;
}

void
event_log_count_in(struct event_log *log, _Atomic uint64_t *tally)
{
    log->tally = tally;
    atomic_store(tally, log->made);
}

bool
event_log_has_channel(const struct event_log *log)
{
    return log->channel >= 0;
}

bool
event_log_is_pending(const struct event_log *log)
{
    return log->greets || log->filling->events > 0 || log->waiting->events > 0;
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
    return batch->message.length + event_bytes + 2 * PUT_BYTES <= IPC_MESSAGE_BYTES;
}

static void
put_event(struct batch *batch, uint64_t number, const uint8_t *event, size_t bytes)
{
    if (batch->events == 0)
        ipc_put_u64(&batch->message, number);
    ipc_put_bytes(&batch->message, bytes_of(event, bytes));
    require(!batch->message.overflow);
    batch->events++;
}

/* True when the message is on its way. */
static bool
send_message(struct event_log *log, const struct batch *batch)
{
    switch (ipc_send(log->channel, &batch->message)) {
    case IPC_DONE:
        log->greets = false;
        return true;
    case IPC_AGAIN:
        return false;
    case IPC_CLOSED:
    case IPC_REFUSED:
        /* logd died, or cannot be spoken to. The next channel gets this batch. */
        close_channel(log);
        log->greets = false;
        return false;
    }
    return false;
}

/* True when nothing of `batch` is left to send. */
static bool
send_batch(struct event_log *log, struct batch *batch)
{
    if (batch->events == 0)
        return true;
    if (!send_message(log, batch))
        return false;
    batch_clear(batch);
    return true;
}

/*
 * What the logd before had taken and not written is lost, and so is what lay in its
 * channel: a batch without events tells its successor where we stand.
 */
static void
greet(struct event_log *log)
{
    ipc_put_u64(&log->filling->message, log->made);
    (void)send_message(log, log->filling);
    batch_clear(log->filling);
}

void
event_flush(struct event_log *log)
{
    if (log->channel < 0 || !send_batch(log, log->waiting) ||
        !send_batch(log, log->filling))
        return;
    if (log->greets)
        greet(log);
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
        batch_clear(full); /* logd will see the gap */
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
    put_event(log->filling, log->made++, log->draft, bytes);
    if (log->tally != NULL)
        atomic_store_explicit(log->tally, log->made, memory_order_relaxed);
}

void
event_flush_last(struct event_log *log, int timeout_ms)
{
    uint64_t deadline_ms = clock_ms() + (uint64_t)timeout_ms;

    event_flush(log);
    while (log->channel >= 0 && event_log_is_pending(log)) {
        struct pollfd room = { .fd = log->channel, .events = POLLOUT };
        uint64_t now_ms = clock_ms();

        if (now_ms >= deadline_ms)
            return;
        if (poll(&room, 1, (int)(deadline_ms - now_ms)) < 0 && errno != EINTR)
            return;
        event_flush(log);
    }
}
