/*
 * proxy/resolver.h - the process that asks for the addresses of the upstreams.
 */
#ifndef PROXY_RESOLVER_H
#define PROXY_RESOLVER_H

#include <stdbool.h>

#include "config/snapshot.h"
#include "proxy/address_list.h"

#define RESOLVER_PERIOD_S 30

/*
 * Runs the resolver on the control channel until that closes or a drain comes:
 * enters its jail, answers IPC_READY, then looks every name of the configuration
 * up at once and again each RESOLVER_PERIOD_S, one that has no address sooner, with one
 * IPC_ADDRESSES for each answer.
 * Its own process, because the C library's resolver blocks and reads what others
 * wrote. Owns `snapshot`'s reference. Returns the exit status.
 */
int resolver_run(int control, struct snapshot *snapshot);

/*
 * The host names that need it, each once, as lists without addresses; *count of
 * them. The caller frees the array.
 */
struct address_list *resolver_names(const struct snapshot *snapshot, unsigned *count);

#endif
