/*
 * config/snapshot.h - the configuration, frozen.
 *
 * One arena, one reference count. A connection holds a reference to the snapshot
 * it was accepted under, so a later reload never changes rules under a request.
 */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include <stdint.h>

#include "log/log_policy.h"
#include "proxy/proxy_policy.h"

struct snapshot {
    unsigned references; /* one process, one thread: a plain counter */
    const struct listener_policy *listeners;
    unsigned listener_count;
    const struct upstream_policy *upstreams;
    unsigned upstream_count;
    struct log_policy log;
    unsigned workers; /* 1 .. 64 */
    const char *user; /* account of the workers (base/account.h); "" when not root */
    const char *key_user, *log_user, *resolver_user; /* of the others, likewise */
    uint64_t memory_bytes; /* of all workers' buffers; 0: half of the machine's */
    uint32_t drain_ms;     /* SIGTERM: how long requests in flight may take */
    uint32_t watchdog_ms;  /* who does not answer for so long is replaced */
    uint32_t minimum_rate; /* bytes a second of a request's body; 0: none */
};

struct snapshot *snapshot_ref(struct snapshot *snapshot);
/* Accepts NULL, leaves NULL; the last one frees everything. */
void snapshot_unref(struct snapshot **snapshot);

#endif
