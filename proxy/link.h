/*
 * proxy/link.h - one connection to an upstream server, and HTTP/1.1 over it.
 *
 * A link serves one exchange at a time. In between it waits in its server's pool,
 * or, when it ever carried NTLM, Negotiate or Kerberos, with the one client it
 * belongs to. A byte that arrives while nobody asked ends it.
 *
 * Ownership: link_open gives it to an exchange; link_release takes it back, and it
 * is freed from its close callback.
 */
#ifndef PROXY_LINK_H
#define PROXY_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "http/body.h"
#include "http/head.h"
#include "proxy/upstream.h"
#include "tls/tls_stream.h"

struct client;
struct exchange;
struct worker;

struct link {
    struct tls_stream stream;
    struct chunk_queue in, out; /* plaintext: of the answer, of the request */
    struct server *server;
    struct exchange *exchange; /* NULL: idle */
    struct client *owner;      /* pinned to this client; NULL: anybody's */
    struct link *next; /* in the server's idle list, or the owner's pinned one */
    struct http_head_search search;
    struct http_body body;           /* of the answer */
    struct sockaddr_storage address; /* the one it dialled */
    unsigned interims;               /* 1xx seen for the present exchange */
    bool reused;                     /* served an exchange before the present one */
    bool head_sent;                  /* request bytes may have reached the server */
    bool answer_begun;               /* a byte of the answer arrived */
    bool answered_early;             /* the answer's head, before the request was out */
    bool carried_auth; /* NTLM, Negotiate or Kerberos: never for another client */
    uint64_t opened_ns, established_ns;
    uint64_t sent, received; /* plaintext bytes of the present exchange */
    uint64_t old_from_ms;    /* no further exchange from then on, unless it is pinned */
    uint64_t idle_until_ms;  /* in the pool */
    time_t chain_ends;       /* not to be used after it; 0: no certificate */
};

/*
 * Dials address number `index` of the server, for `exchange`. NULL: this process has
 * no descriptor or memory left for it, which says nothing about the server.
 */
struct link *
link_open(struct server *server, unsigned index, struct exchange *exchange);

/* An idle connection of this server that is still good, for `exchange`; or NULL. */
struct link *link_take_idle(struct server *server, struct exchange *exchange);

/* The client's own pinned link to this upstream, for `exchange`; or NULL. */
struct link *link_take_pinned(struct client *client, const struct upstream *upstream,
    struct exchange *exchange);

/* The client goes: ends its pinned links. */
void link_close_pinned(struct client *client);

/* Drives dialling: MOVED when established, WAIT, or FAILED with the stream's fault. */
enum tls_io link_establish(struct link *link, struct note *note) MUST_USE;

/*
 * Ends the exchange's use. `reusable`: the answer was read to its end and nothing
 * more is owed in either direction. Otherwise, or when it is not worth keeping, it closes.
 */
void link_release(struct link *link, bool reusable);

/* Ends the oldest idle link of the fullest pool, to make room. False: there is none. */
bool link_drop_idle(struct worker *worker);

/* Drops idle links of the server that are past their time or lead to an address it lost. */
void link_expire_idle(struct server *server, uint64_t now_ms);

#endif
