/*
 * log/sink.h - one target of the log, and the lines that wait for it.
 *
 * A sink never waits: what the target does not take stays in a bounded queue, and
 * what finds no room there is dropped and counted. Lines are dropped whole and
 * written whole, also over a short write or a full disk.
 */
#ifndef LOG_SINK_H
#define LOG_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/note.h"
#include "log/log_policy.h"

#define SINK_QUEUE_BYTES ((size_t)1024 * 1024)

struct sink;

/*
 * Opens `target`: a file for appending, made with mode 0640 when it is not there, or
 * standard output. NULL with a note when that fails. Before the jail.
 */
struct sink *sink_open(const struct log_target *target, struct note *note) MUST_USE;

/* Forgets what is queued, and tells standard error how many lines are lost with it. */
void sink_close(struct sink **sink);

/* Queues one line, or counts it as dropped. */
void sink_put(struct sink *sink, struct bytes line);

/* Writes what the target takes now. */
void sink_flush(struct sink *sink);

/*
 * Lines that were dropped and not asked for yet, once there is room again to tell it;
 * 0 otherwise. Asking takes them off the count.
 */
uint64_t sink_take_dropped(struct sink *sink);

/* Something waits. Then: the descriptor to poll for POLLOUT, or -1 when only time helps. */
bool sink_is_waiting(const struct sink *sink);
int sink_descriptor(const struct sink *sink);

#endif
