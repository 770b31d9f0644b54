/*
 * config/need.h - how much of the machine a configuration can use.
 *
 * The arithmetic of proxy/capacity.c, so that `postern check` promises what a worker keeps.
 */
#ifndef CONFIG_NEED_H
#define CONFIG_NEED_H

#include <stdint.h>

#include "config/tree.h"

/* Descriptors that a worker has for itself, about: for who cannot count them. */
#define NEED_KEPT 64

/*
 * Descriptors of a worker that has them all: `kept` for itself, two for each connection, its
 * own and its request's way inside, and what the pools of upstreams hold.
 */
uint64_t need_descriptors(uint64_t kept, uint64_t connections, uint64_t idle);

/* Connections for which a worker with `limit` descriptors has both; 0 when even `kept` is more. */
uint64_t need_places(uint64_t limit, uint64_t kept);

/* How many workers there will be: as written, else one for each processor. */
unsigned need_workers(const struct node *root);

#endif
