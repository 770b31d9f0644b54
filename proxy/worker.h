/*
 * proxy/worker.h - the process that speaks with clients and upstreams.
 *
 * One libuv loop, no threads, no long-term secret: keys are in keyd, the log in
 * logd. Everything is set up from the parent's messages before the jail closes;
 * from then on the worker opens no file.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "config/snapshot.h"
#include "log/event.h"
#include "proxy/affinity.h"
#include "proxy/capacity.h"
#include "proxy/csp_report.h"
#include "proxy/loop.h"
#include "tls/key_client.h"
#include "tls/tls_ticket.h"
#include "tls/tls_trust.h"

struct ledger;
struct listener;
struct sources;
struct upstream;

struct worker {
    uv_loop_t loop;
    unsigned index, count; /* this worker, and how many there are */
    struct snapshot *snapshot;
    struct event_log *log;
    struct key_client *keys;
    struct tls_trust *trust; /* of all upstreams */
    struct tls_tickets tickets;
    struct affinity_key cookie_key;
    char pseudonym[32]; /* ours in Via (RFC 9110, 7.6.3); the same in all workers */
    char loop_mark[LOOP_MARK_BYTES]; /* of cookie_key */
    struct upstream *upstreams;      /* one for each of the snapshot's */
    struct listener *listeners;      /* likewise */
    struct ledger *ledger;           /* what all workers have open */
    struct sources *sources;
    struct capacity capacity;
    struct csp_budget csp;
    unsigned connections; /* client connections now open */
    bool draining;
    uint64_t drain_since_ms;

    int control;
    uv_poll_t control_poll;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t batch_due, lost, drain_timer, housekeeping;
};

/*
 * Runs a worker over the control channel, from IPC_ROLE on (the configuration has
 * been read), until it has drained or the parent is gone. Owns `snapshot`'s
 * reference. Returns the exit status.
 */
int worker_run(int control, struct snapshot *snapshot);

/* Called when a client connection is freed: a draining worker ends with its last one. */
void worker_connection_gone(struct worker *worker);

#endif
