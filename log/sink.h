/*
 * log/sink.h - one target of the log, and the lines that wait for it.
 *
 * A sink never waits: what the target does not take stays in its queue of the backlog,
 * and what finds no room there is dropped and counted. Lines are dropped whole and
 * written whole, also over a short write, a full disk or the end of the process.
 */
#ifndef LOG_SINK_H
#define LOG_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/note.h"
#include "log/backlog.h"
#include "log/log_policy.h"

struct sink;

/*
 * Opens `target`, number `index` of the backlog: a file for appending, made with mode 0640
 * when it is not there, or standard output. NULL with a note when that fails. Before the
 * jail.
 */
struct sink *sink_open(const struct log_target *target, struct backlog *backlog,
    unsigned index, struct note *note) MUST_USE;

/*
 * Once the backlog is recovered: finds out what a write of the process before, which was
 * killed in the middle of it, has still done.
 */
void sink_recover(struct sink *sink);

/* Tells standard error how many lines wait, and are lost as nobody comes after us. */
void sink_tell_lost(const struct sink *sink);

void sink_close(struct sink **sink);

/* True when a line of `bytes` finds room, after a flush if need be; the caller may commit. */
bool sink_has_room(const struct sink *sink, size_t bytes);

/* Queues one line that tells of `events` events, or counts these as dropped. */
void sink_put(struct sink *sink, struct bytes line, uint64_t events);

/* Writes what the target takes now. Commits the backlog around each write. */
void sink_flush(struct sink *sink);

/*
 * Events that were dropped and not asked for yet, once there is room again to tell it;
 * 0 otherwise. Asking takes them off the count.
 */
uint64_t sink_take_dropped(struct sink *sink);

/* Something waits. Then: the descriptor to poll for POLLOUT, or -1 when only time helps. */
bool sink_is_waiting(const struct sink *sink);
int sink_descriptor(const struct sink *sink);

#endif
