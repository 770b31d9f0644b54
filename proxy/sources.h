/*
 * proxy/sources.h - how many connections each source address has open, in all workers.
 *
 * A worker keeps the sources of its own connections in a table of open addresses and
 * writes each change through to its column of the ledger, slot by slot; the others'
 * columns are searched, slots compared and never followed. An entry that is in use
 * never moves, so a search that runs beside a change finds it. The hash is keyed, so
 * that nobody outside can choose addresses that collide, and a search ends after
 * SOURCE_PROBES slots, so that nobody inside can make it long.
 */
#ifndef PROXY_SOURCES_H
#define PROXY_SOURCES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/require.h"

#define SOURCE_PROBES 64

struct ledger;
struct sources;

/* The slots that a column needs for `connections` connections at once: a power of two. */
uint32_t sources_slots(uint64_t connections);

/* `ledger` outlives it. One whose shape has no sources counts none and admits all. */
struct sources *sources_new(struct ledger *ledger);
void sources_free(struct sources **sources);

/*
 * Counts one more connection of the address to a listener (an IPv6 source counts by
 * its /64, which one subscriber has to himself). False, counting nothing, when all
 * workers together have `limit` of them open already; a limit of 0 allows any number.
 */
bool sources_enter(struct sources *sources, const struct sockaddr *address,
    unsigned listener, uint32_t limit) MUST_USE;

/* Takes back what one successful enter counted, with the same address, listener and limit. */
void sources_leave(struct sources *sources, const struct sockaddr *address,
    unsigned listener, uint32_t limit);

#endif
