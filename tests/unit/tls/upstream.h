/*
 * tests/unit/tls/upstream.h - a server that is not ours, and calls of our client to it.
 */
#ifndef TESTS_UNIT_TLS_UPSTREAM_H
#define TESTS_UNIT_TLS_UPSTREAM_H

#include "lab.h"

/* A server of any strength with any certificate, not ours, over a tls_stream's socket. */
struct upstream {
    SSL_CTX *ctx;
    SSL *ssl;
    int listener, fd;
    uint16_t port;
    bool shaken;
};

/* It shows lab.c's `certificate`; the caller sets what it likes on ctx before a call. */
void upstream_open(struct upstream *u, const char *certificate);
void upstream_turn(struct upstream *u);
void upstream_hang_up(struct upstream *u);
void upstream_close(struct upstream *u);

/* A connection of ours; runs until it failed or the upstream's byte has come. */
void call(struct link *link, struct upstream *u, struct tls_client *client,
    const char *host, unsigned server);

/* Trusts "ca" unless the policy says whom; fails the test when it cannot be made. */
struct tls_client *new_client(struct tls_upstream_policy *policy);

#endif
