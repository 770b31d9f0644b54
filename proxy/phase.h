/*
 * proxy/phase.h - where a connection and its exchange stand.
 */
#ifndef PROXY_PHASE_H
#define PROXY_PHASE_H

enum phase {
    PHASE_HANDSHAKE, /* TLS toward the client is not up */
    PHASE_HEAD,      /* waiting for, or reading, a request head */
    PHASE_GATE,      /* the request is judged; nothing has left for the upstream */
    PHASE_COLLECT,   /* a page of our own waits for the whole body */
    PHASE_DIAL,      /* looking for a verified upstream connection */
    PHASE_RELAY,     /* bytes flow in both directions */
    PHASE_REST,      /* the answer is in; the rest of the request's body goes out */
    PHASE_REPLY,     /* our own answer goes out */
    PHASE_DONE,      /* (exchange) the answer is complete */
    PHASE_LINGER,    /* what is queued leaves; what still comes is thrown away */
    PHASE_CLOSING,   /* only close callbacks are owed */
};

/* The phase's word in the log: "handshake", "head", ... */
const char *phase_name(enum phase phase);

#endif
