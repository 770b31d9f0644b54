/*
 * proxy/flow.h - one direction of an exchange: decoded body bytes on their way.
 *
 * A flow knows nothing of framing: the engine on one side fills it, the engine
 * on the other side empties it, and each stops when it has to wait. The limit
 * is where backpressure passes from one side to the other.
 */
#ifndef PROXY_FLOW_H
#define PROXY_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/chunk.h"

#define FLOW_LIMIT (2 * CHUNK_BYTES)
#define WIRE_LIMIT (2 * CHUNK_BYTES) /* plaintext beside a TLS stream, each direction */

struct flow {
    struct chunk_queue data;
    bool ended;     /* the sender is done: nothing will be added */
    bool delivered; /* the receiver has been told that it ended */
    uint64_t bytes; /* body bytes that entered, for the log and for limits */
};

static inline void
flow_init(struct flow *flow)
{
    *flow = (struct flow){ .ended = false };
    chunk_queue_init(&flow->data, FLOW_LIMIT);
}

#endif
