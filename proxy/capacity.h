/*
 * proxy/capacity.h - what a worker may still take on.
 *
 * Each client's connection takes a descriptor and may need a second one, for its
 * request's way inside. So many connections are accepted that both fit below the limit,
 * and no more: the others wait in the kernel's queue, and a request of a client that
 * is here never fails because strangers took all descriptors. When a place is free,
 * accepting goes on at once.
 *
 * The buffers of all workers together have a ceiling, limits.memory. At the ceiling
 * nothing more is read and nobody accepted; what is under way goes on, and mostly that
 * ends it. After a second the connections that hold the most and move the least are
 * shed, one each quarter of a second, until an eighth is free.
 *
 * An event says that accepting stopped, another one that it is over.
 */
#ifndef PROXY_CAPACITY_H
#define PROXY_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/note.h"
#include "base/require.h"

struct worker;

/* What there is too little of. */
enum capacity_lack { LACK_NOTHING, LACK_DESCRIPTORS, LACK_MEMORY };

struct capacity {
    unsigned limit; /* descriptors that this process may have */
    unsigned kept;  /* of them for its own channels, sockets and files */
    unsigned links; /* upstream connections now open */
    size_t held;    /* bytes of this worker's buffers */

    enum capacity_lack lack; /* told to the log, and not over yet */
    uint64_t since_ns;       /* when it began */
    uint64_t full_ns;        /* memory has been short since then, be it as a second lack
                                beside the first; 0: it is not */
    uint64_t refused_ms;     /* when the kernel last gave nothing; 0: never */
    unsigned shed;           /* connections ended because of it */
    unsigned turn;           /* of the sockets, for the next free place */
    uv_timer_t look;         /* runs while there is a lack */
    uv_tcp_t scratch;        /* makes libuv's tables as large as they will ever be */
};

/*
 * Before the jail: sets the limit of descriptors to what the configuration can use, as
 * far as the system allows, and lets libuv grow its tables to it, which it could not
 * survive later when memory is out. What is open now is taken for the worker's own.
 */
bool capacity_init(struct worker *worker, struct note *note) MUST_USE;

/* The handles are closed as the loop ends. */
void capacity_close(struct worker *worker);

/* May a connection be accepted now? If not, listening pauses until it may. */
bool capacity_may_accept(struct worker *worker);

/* The kernel gave no connection although it might: `error` is accept4's. */
void capacity_refused(struct worker *worker, int error);

/*
 * May an upstream be dialled now? An idle connection of the pool makes room. False: the
 * request fails with NO_SOCKET, which can only be when clients need several upstreams each.
 */
bool capacity_may_dial(struct worker *worker);

/* A client's connection or a link is gone. */
void capacity_freed(struct worker *worker);

#endif
