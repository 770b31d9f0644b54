/*
 * log/backlog.h - what logd has taken and not written yet, in memory that outlives it.
 *
 * The parent makes the memory once and hands it to each logd. It holds a queue of lines
 * per target, and per sender the number of the next event. A logd that is killed at any
 * moment leaves a state behind from which its successor goes on: lines that were taken
 * are written, whole and once, and what was not taken is known by its number.
 *
 * The numbers stand in two states, of which one holds. A logd works on a copy of its own
 * and commits it: into the other state, which then holds. Bytes of a queue are written
 * only where the state that holds has none.
 *
 * Trust: the logd before may have fallen. A state that is not possible is thrown away.
 */
#ifndef LOG_BACKLOG_H
#define LOG_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/require.h"

#define BACKLOG_QUEUE_BYTES ((size_t)1024 * 1024)
#define BACKLOG_TARGETS 16
#define BACKLOG_SENDERS 96
#define BACKLOG_NAME_BYTES 33 /* the limit of process.name, and a NUL */

/* One target's queue: bytes number `start` to `end` wait, byte n at n modulo its size. */
struct backlog_target {
    uint64_t start, end;
    uint64_t dropped;    /* events for which there was no room, not told of yet */
    uint64_t writing;    /* bytes from `start` on that write(2) may have taken */
    uint64_t file_bytes; /* the size of the file before that */
};

struct backlog_sender {
    char name[BACKLOG_NAME_BYTES];
    bool is_settled; /* it has ended, and what it never sent is told of */
    uint64_t life;   /* which of the processes of this name, counted by the parent */
    uint64_t next;   /* the number of its next event */
};

struct backlog_state {
    struct backlog_target targets[BACKLOG_TARGETS];
    struct backlog_sender senders[BACKLOG_SENDERS];
};

struct backlog_memory;

struct backlog {
    struct backlog_memory *memory;
    unsigned targets;
    struct backlog_state now; /* what commits */
};

/* Sealed memory for so many targets. -1 with errno when there is none. */
int backlog_make(unsigned targets) MUST_USE;

/* Maps that memory; `fd` stays the caller's. False with errno. */
bool backlog_open(struct backlog *backlog, int fd, unsigned targets) MUST_USE;
void backlog_close(struct backlog *backlog);

/* Takes over the state that holds; false, and begins with an empty one, when it cannot be. */
bool backlog_recover(struct backlog *backlog) MUST_USE;

void backlog_commit(struct backlog *backlog);

/* The sender of this name, known or new; NULL when there are too many. */
struct backlog_sender *backlog_sender(struct backlog *backlog, const char *name);

/* Room for more bytes in a queue. */
size_t backlog_room(const struct backlog *backlog, unsigned target);

/* Appends `line`, for which there must be room. */
void backlog_put(struct backlog *backlog, unsigned target, struct bytes line);

/* The bytes that wait, as far as they lie in one piece; empty when none do. */
struct bytes backlog_front(const struct backlog *backlog, unsigned target);

/* `bytes` of them are written. */
void backlog_take(struct backlog *backlog, unsigned target, uint64_t bytes);

/* How many lines end in what waits. */
uint64_t backlog_lines(const struct backlog *backlog, unsigned target);

#endif
