/*
 * proxy/sources.h - how many connections each source address has open in this worker.
 *
 * Its size is bounded by the number of open connections; the hash is keyed, so
 * that nobody outside can choose addresses that collide.
 */
#ifndef PROXY_SOURCES_H
#define PROXY_SOURCES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct sources;

struct sources *sources_new(void);
void sources_free(struct sources **sources);

/*
 * Counts one more connection of the address (an IPv6 source counts by its /64,
 * which one subscriber has to himself). False, counting nothing, when it already
 * has `limit` open; a limit of 0 allows any number.
 */
bool
sources_enter(struct sources *sources, const struct sockaddr *address, uint32_t limit);

/* Takes back what one successful enter counted. */
void sources_leave(struct sources *sources, const struct sockaddr *address);

#endif
