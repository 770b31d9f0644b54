/*
 * proxy/listener.h - an address on which postern accepts, in one worker.
 */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include <stdbool.h>
#include <uv.h>

#include "base/note.h"
#include "proxy/proxy_policy.h"
#include "tls/tls_context.h"

struct conn;
struct worker;

struct listener_socket {
    uv_poll_t poll;
    int fd;
    struct listener *listener;
    bool redirects, open;
    uint16_t port; /* where it really listens */
};

struct listener {
    const struct listener_policy *policy;
    struct worker *worker;
    struct tls_server *tls; /* NULL when all published hosts are tunnels */
    bool has_tunnels;
    struct listener_socket *sockets; /* addresses, then redirects */
    struct conn *conns;              /* all open ones, for draining */
};

bool listener_init(struct listener *listener, struct worker *worker,
    const struct listener_policy *policy, struct note *note) MUST_USE;

/* Takes over a bound socket for address number `index` (of the redirects: `redirects`). */
bool listener_adopt(struct listener *listener, unsigned index, bool redirects, int fd,
    struct note *note) MUST_USE;

/* Begins to accept on all adopted sockets. */
bool listener_start(struct listener *listener, struct note *note) MUST_USE;

/*
 * Accepts nothing for the time being, and again: who comes meanwhile waits in the kernel.
 * The loop serves its sockets in the order in which they resume, beginning with number
 * `first`, of any size: where there is one place at a time, each socket has it in turn.
 */
void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener, unsigned first);

/* Accepts who waits in the kernel's queue, then stops for good. Idempotent. */
void listener_stop(struct listener *listener);

/* After the loop has run every close callback. */
void listener_fini(struct listener *listener);

/* The publish that a host name (lower case, no port) belongs to, or NULL. */
const struct publish_policy *
listener_find_publish(const struct listener_policy *policy, struct bytes host);

/* The port for redirects to https: public_port, else that of the first TLS address. */
uint16_t listener_https_port(const struct listener *listener);

/*
 * True when clients may take `port` for the one that they are connected to: it is one of
 * the TLS addresses, or what stands in front maps it to one: public_port where it is
 * written, else 443, which is also what a client means that names none.
 */
bool listener_is_met_on(const struct listener *listener, uint16_t port);

#endif
