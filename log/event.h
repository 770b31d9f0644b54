/*
 * log/event.h - one fact, one event, typed fields; from any process to logd.
 *
 * Events come from log/event.def, fields from log/event_field.def; there is no
 * free-text call. A process writes events into a batch, which goes to logd as
 * one datagram when it is full or when flushed; a pipe that is full is never waited
 * for: events are numbered, and what is missing is itself an event. logd formats and escapes,
 * so not even a compromised worker can break a line or forge another's.
 * A struct secret, or any FIELD_SECRET header, has no call that takes it.
 */
#ifndef LOG_EVENT_H
#define LOG_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/fault.h"

/* EVENT(symbol, "action", "category", "type", outcome, "kind", text) */
#define EVENT(symbol, action, category, type, outcome, kind, text) EVENT_##symbol,
enum event_id {
#include "log/event.def"
    EVENT_COUNT
};
#undef EVENT

/* EVENT_FIELD(symbol, "ecs.name", type, limit in bytes, text) */
#define EVENT_FIELD(symbol, name, type, limit, text) EF_##symbol,
enum event_field {
#include "log/event_field.def"
    EF_COUNT
};
#undef EVENT_FIELD

struct event_log;

/*
 * `source`: the process's own name, such as "worker-0"; the name in its events is what
 * the parent told logd. Nothing leaves until a channel is set.
 */
struct event_log *event_log_new(const char *source);

/* Tells standard error how many events wait and are lost with it, when some are. */
void event_log_free(struct event_log **log);

/*
 * Takes over `channel` (SEQPACKET, made non-blocking); closes the one before. What
 * still waits leaves through the new one.
 */
void event_log_set_channel(struct event_log *log, int channel);
/* False: logd is away, or has closed it; seen when an event was to leave. */
bool event_log_has_channel(const struct event_log *log);

/*
 * Writes the number of events made through to *tally, in memory that outlives this
 * process: so that what it never sent is known.
 */
void event_log_count_in(struct event_log *log, _Atomic uint64_t *tally);

/* Begins an event stamped with the present time. One event is open at a time. */
void event_begin(struct event_log *log, enum event_id id);

/*
 * Fields, each at most once per event, of the type that the table says (require).
 * Longer text is cut at the field's limit and the event says so. Empty text and
 * NULL are left out.
 */
void event_text(struct event_log *log, enum event_field field, struct bytes text);
void event_string(struct event_log *log, enum event_field field, const char *text);
void event_number(struct event_log *log, enum event_field field, uint64_t number);
void event_flag(struct event_log *log, enum event_field field, bool flag);
/*
 * Address and port, as two fields: `field` (ip) and `port` (EF_COUNT: not wanted). An
 * IPv4 address inside IPv6 is written as IPv4; other families are left out.
 */
void event_address(struct event_log *log, enum event_field field, enum event_field port,
    const struct sockaddr *address);
/*
 * Sets event.reason, severity and log.level from the fault's row, and the outcome to
 * failure from NOTICE on: the ordinary ends of a connection, which are INFO, and
 * FAULT_NONE leave the outcome that the event's row has.
 */
void event_fault(struct event_log *log, enum fault fault);

/* Ends the event; it counts from now on. Flushes when the batch has no room for it. */
void event_end(struct event_log *log);

/* True when events wait to be flushed, or a new logd has to learn where we stand. */
bool event_log_is_pending(const struct event_log *log);

/* Sends what is batched. Never waits. */
void event_flush(struct event_log *log);

/* Sends what is batched and waits up to `timeout_ms` for room: before a process ends. */
void event_flush_last(struct event_log *log, int timeout_ms);

#endif
