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
    unsigned failures;       /* in a row */
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

/* Reads the files that verification needs. False with a note. */
bool upstream_init(struct upstream *upstream, struct worker *worker,
    const struct upstream_policy *policy, struct note *note) MUST_USE;

/* Closes idle connections; their memory goes with the loop's next turns. */
void upstream_close_idle(struct upstream *upstream);

/* After upstream_close_idle and once all links are gone. */
void upstream_fini(struct upstream *upstream);

/*
 * The server for the next try, or NULL when none is left: the one with this
 * affinity tag if it is fit, else the next in turn that does not rest and whose
 * bit is not set in `tried`.
 */
struct server *
upstream_pick(struct upstream *upstream, struct bytes tag, uint64_t tried);

/* The resolver's answer for one name: all servers of that name dial these from now on. */
void upstream_set_addresses(struct upstream *upstream, const struct address_list *list);

/* Its address number `address` took a connection: the first to be tried next time. */
void server_took(struct server *server, unsigned address);

/*
 * What became of a try. After policy->failures in a row a server rests (never the
 * only one: an answer that may come beats a certain 503). A fault that is not the
 * upstream's, such as a body that is too large, says nothing about the server.
 */
void server_succeeded(struct server *server);
void server_failed(struct server *server, enum fault fault, const struct note *note);

#endif
