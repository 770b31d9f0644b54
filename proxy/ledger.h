/*
 * proxy/ledger.h - what all workers have open, in memory that they share.
 *
 * The parent makes the ledger once: a memfd whose size is sealed, so that nobody can
 * take a page away under another. Each worker has one column. It keeps its numbers
 * in memory of its own and writes each change through to its column; a limit is asked
 * by summing over all columns. When a worker has died, the parent clears its column
 * before the successor starts: what the dead had open is closed.
 *
 * Trust: a worker that has fallen may write anything anywhere in the ledger. So
 * nothing that is read from it is used as an index, a length or an address, none of
 * its numbers is believed to be possible, and no worker reads its own numbers back.
 * What garbage does is that limits are wrong, and nothing more.
 *
 * Exactness: a worker first counts, then sums, and takes back what was too much. Of
 * two that count at the same instant at least one sees the other, so a limit is never
 * exceeded; lest both give up the last place, both try a few times more.
 */
#ifndef PROXY_LEDGER_H
#define PROXY_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ipc.h"
#include "base/note.h"
#include "base/require.h"
#include "proxy/phase.h"

struct ledger;

#define LEDGER_COLUMNS_MAX 64
/* How often an entry is tried when others count at the same instant. */
#define LEDGER_TRIES 8

/* Fixed by the parent; the workers get it in IPC_LEDGER and believe it. */
struct ledger_shape {
    uint32_t columns;   /* 1 .. LEDGER_COLUMNS_MAX */
    uint32_t listeners; /* counters per column */
    uint32_t sources;   /* slots per column, a power of two; 0: no source is counted */
    uint64_t key;       /* of the hash that says where a source's slot lies */
    uint64_t memory;    /* bytes of buffers that all workers may have (limits.memory) */
};

/* One source of one column; written by its worker alone. */
struct ledger_source {
    _Atomic uint64_t network; /* proxy/sources.c; 0: never used */
    _Atomic uint64_t open;    /* listener in the upper half, connections in the lower */
};

/* Where a worker is, for whoever finds that it no longer answers. */
enum ledger_place {
    PLACE_STARTING, /* has not begun to work; a cleared column, too */
    PLACE_WAITING,  /* asleep until something happens */
    PLACE_BETWEEN,  /* at work, with no connection in hand */
    PLACE_ACCEPTING,
    PLACE_IN_PHASE, /* stepping a connection: PLACE_IN_PHASE + its enum phase */
    PLACE_COUNT = PLACE_IN_PHASE + PHASE_CLOSING + 1,
};

/* --- the parent --- */

/* NULL with a note when there is no memory for it. `shape` is copied. */
struct ledger *ledger_new(const struct ledger_shape *shape, struct note *note) MUST_USE;

/* Writes IPC_LEDGER: the shape, and the memfd along. */
void ledger_put(const struct ledger *ledger, struct ipc_writer *message);

/* The worker of this column is dead: nothing of it is open any more. */
void ledger_clear(struct ledger *ledger, unsigned column);

/* What the worker of `column` said last; PLACE_COUNT for what is no place. */
enum ledger_place ledger_place(const struct ledger *ledger, unsigned column);

/* How many events the worker of `column` made; for the log, to count what it never sent. */
uint64_t ledger_events(const struct ledger *ledger, unsigned column);

/* "waiting", "relay", ...: the word for the log; "unknown" for PLACE_COUNT. */
const char *ledger_place_name(enum ledger_place place);

/* --- a worker --- */

/* Reads IPC_LEDGER; the ledger's `column` is the caller's. NULL when it is not as it must be. */
struct ledger *ledger_take(struct ipc_message *m, unsigned column) MUST_USE;

/* Says where the worker is. */
void ledger_say(struct ledger *ledger, enum ledger_place place);

/* Where this worker's events are counted (log/event.h). */
_Atomic uint64_t *ledger_event_tally(struct ledger *ledger);

/* Counts one more connection of this listener; false, counting none, beyond `limit`. */
bool ledger_enter(struct ledger *ledger, unsigned listener, uint32_t limit) MUST_USE;
void ledger_leave(struct ledger *ledger, unsigned listener);

/* Says that this worker's buffers now take `bytes` bytes. */
void ledger_set_buffers(struct ledger *ledger, uint64_t bytes);

/* Bytes of all workers' buffers, and how many they may be. */
uint64_t ledger_buffers(const struct ledger *ledger);
uint64_t ledger_memory(const struct ledger *ledger);

/* --- both --- */

const struct ledger_shape *ledger_shape(const struct ledger *ledger);

/* Connections of a listener, over all columns. */
uint64_t ledger_connections(const struct ledger *ledger, unsigned listener);

/* The slots of a column, shape->sources many; for proxy/sources.c. */
struct ledger_source *ledger_sources(const struct ledger *ledger, unsigned column);

/* The caller's own column. */
unsigned ledger_column(const struct ledger *ledger);

/* After a refused entry, before the next try: another time for each column. */
void ledger_pause(const struct ledger *ledger, unsigned attempt);

/* Unmaps it. Accepts NULL, leaves NULL. */
void ledger_free(struct ledger **ledger);

#endif
