/*
 * tests/bench/plan.h - what one run of bench-load has to do.
 */
#ifndef TESTS_BENCH_PLAN_H
#define TESTS_BENCH_PLAN_H

#include <stddef.h>
#include <stdint.h>

/* What a client keeps from one request to the next. */
enum reuse {
    REUSE_CONNECTION,
    REUSE_SESSION,
    REUSE_NOTHING,
};

struct plan {
    uint16_t port;    /* of the proxy, on 127.0.0.1 */
    const char *name; /* for SNI and Host */
    const char *path;
    size_t upload_bytes;     /* 0: a GET without a body, else a POST */
    uint64_t response_bytes; /* what the response's Content-Length must be */
    uint32_t clients;        /* connections at a time */
    uint32_t requests;       /* measured ones, of all clients together */
    enum reuse reuse;
};

/*
 * Fills `plan`, which holds the defaults, from the command line; the strings
 * stay argv's. Ends the program with status 1 or 2 when it cannot be understood.
 */
void plan_parse(struct plan *plan, int argc, char **argv);

#endif
