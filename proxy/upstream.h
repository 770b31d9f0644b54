/*
 * proxy/upstream.h - the internal servers of one upstream, as this worker sees them:
 * addresses, health, and the pool of verified connections that nobody uses now.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/note.h"
#include "proxy/address_list.h"
#include "proxy/affinity.h"
#include "proxy/proxy_policy.h"
#include "tls/tls_context.h"

struct link;
struct worker;

struct server {
    const struct server_policy *policy;
    struct upstream *upstream;
    unsigned index;
    struct sockaddr_storage addresses[ADDRESS_LIST_MAX];
    unsigned address_count;
    unsigned good_address;   /* the one that last worked: tried first */
    unsigned failures;       /* connections in a row that were not to be had */
    uint64_t rests_until_ms; /* 0: it does not rest */
    bool down;               /* told to the log */
    struct link *idle;       /* most recently used first */
    unsigned idle_count;
    char tag[AFFINITY_TAG_BYTES];
};

struct upstream {
    const struct upstream_policy *policy;
    struct worker *worker;
    struct tls_client *tls; /* NULL unless the bridge re-encrypts */
    struct server *servers;
    unsigned next; /* round robin */
};

/* False with a note when what verification needs cannot be used. */
bool upstream_init(struct upstream *upstream, struct worker *worker,
    const struct upstream_policy *policy, struct note *note) MUST_USE;

/* Closes idle connections; their memory goes with the loop's next turns. */
void upstream_close_idle(struct upstream *upstream);

/* After upstream_close_idle and once all links are gone. */
void upstream_fini(struct upstream *upstream);

/*
 * The server for the next try, or NULL when the bits of all are set in `tried`: the one
 * with this affinity tag if it does not rest, else the next in turn that does not, else
 * the least bad of those that do. An answer that may come beats a certain refusal.
 */
struct server *
upstream_pick(struct upstream *upstream, struct bytes tag, uint64_t tried);

/*
 * The resolver's answer for one name: all servers of that name dial these from now on,
 * and idle connections to an address that is not among them are closed.
 */
void upstream_set_addresses(struct upstream *upstream, const struct address_list *list);

/* True while `address` is one of the server's. */
bool
server_has_address(const struct server *server, const struct sockaddr_storage *address);

/*
 * What became of an attempt to connect, TCP and TLS together, and of nothing else: what
 * a server makes of a request speaks of the request, and whoever can send one that is
 * answered by a closed connection must not be able to take the server from the others.
 * server_reached: `address` is the first to be tried next time. server_failed: after
 * policy->failures in a row, or a refused certificate, the server rests; a fault that is
 * not the upstream's, such as a lack of descriptors here, is not counted.
 */
void server_reached(struct server *server, const struct sockaddr_storage *address);
void server_failed(struct server *server, enum fault fault, const struct note *note);

#endif
