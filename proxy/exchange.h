/*
 * proxy/exchange.h - one request and its response.
 *
 * It knows the gates, the upstream and the bytes in between; it does not know
 * which version of HTTP the client speaks. The client's engine (proxy/conn.c for
 * HTTP/1.1) parses a head into it, fills `upload`, calls exchange_step and looks
 * at `answer` and `download`. It is never called back.
 */
#ifndef PROXY_EXCHANGE_H
#define PROXY_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/note.h"
#include "http/filter.h"
#include "http/head.h"
#include "http/upload.h"
#include "http/url.h"
#include "proxy/affinity.h"
#include "proxy/client.h"
#include "proxy/flow.h"
#include "proxy/phase.h"
#include "proxy/proxy_policy.h"

struct link;
struct server;

enum answer {
    ANSWER_NONE, /* nothing yet */
    ANSWER_INTERIM, /* a 1xx head waits in `response`: pass it on, then exchange_interim_passed */
    ANSWER_OWN,  /* we answer ourselves: `fault`, a redirect, or a page of our own */
    ANSWER_HELD, /* the final head is in, and waits for the first bytes of its body */
    ANSWER_HEAD, /* the upstream's final head is in `response` and may go out */
};

struct exchange {
    struct client *client;
    struct arena arena;        /* of the request: its head, and what the gates keep */
    struct arena answer_arena; /* of the answer's head; an interim one gives it back */
    char id[REQUEST_ID_BYTES];
    enum phase phase;    /* GATE, COLLECT, DIAL, RELAY, REST, REPLY, DONE */
    enum phase ended_in; /* the phase in which `fault` struck */
    enum fault fault;    /* first cause */
    struct note note;

    struct http_head request, response;
    struct url url;
    struct bytes authority; /* ours, as the client sees it: host, and port unless 443 */
    const struct publish_policy *publish; /* NULL until a gate found it */
    const struct route_policy *route;
    const char *stopped_by; /* the gate that said no; NULL: none did */
    const struct own_page
        *own_page;                 /* we answer it ourselves; NULL: the upstream does */
    struct filter_verdict verdict; /* what the application's filter found */
    uint64_t body_bytes; /* bounds of the route, or of the rule that matched */
    uint32_t idle_ms;
    struct upload *inspection; /* looks into the request's body; NULL: no need */
    uint64_t inspected;        /* bytes of `upload` it has seen */

    enum answer answer;
    bool cut;          /* the answer broke off: the client must see that it did */
    bool is_tunnel;    /* TLS passed through: no request was read */
    unsigned redirect; /* the status that leads to https; 0: none does */
    bool half_closed;  /* the client will send nothing more: the rest has little time */

    struct flow upload, download;
    uint64_t moved_ms;        /* when a byte last moved in either direction */
    uint64_t upload_moved_ms; /* when one last came from the client */
    uint64_t pace_since_ms;   /* from when, and from which byte on, the upload's */
    uint64_t pace_from;       /* least rate is measured */

    struct link *link;
    struct server *server;             /* of the present or last try */
    uint64_t servers_tried;            /* bit per server */
    unsigned address_at, address_left; /* of the present server; how many remain */
    unsigned tries;
    enum fault dial_fault; /* of the last address or server that did not work */
    bool fresh_only;       /* a pooled connection failed us: dial */
    uint64_t dial_until_ms;
    char affinity_tag[AFFINITY_TAG_BYTES]; /* non-empty: the answer sets the cookie */

    /* for the log */
    uint64_t begun_ns, asked_ns, answered_ns, connect_ns;
    uint64_t link_sent, link_received;
    unsigned status_sent;  /* what the client got; 0: nothing */
    uint64_t answer_taken; /* of an answer that was cut: what the client acknowledged,
                              on the wire; UINT64_MAX: it was not cut */
    bool link_reused;
    struct sockaddr_storage server_address;
    char upstream_tls_version[16], upstream_tls_cipher[64];
    bool upstream_tls_resumed;
};

/*
 * A new exchange of this client, in PHASE_GATE; NULL without memory. `begun_ns`: when its
 * first byte came.
 */
struct exchange *exchange_new(struct client *client, uint64_t begun_ns);

/*
 * The head has been parsed into x->request (from x->arena). Sets up the flows for
 * `framing` and lets exchange_step go to the gates.
 */
void exchange_begin(struct exchange *x);

/* TLS is passed through to this route's upstream: both flows are raw bytes. */
void exchange_begin_tunnel(struct exchange *x, const struct publish_policy *publish);

/* Does what can be done now; true when something changed and another look is worth it. */
bool exchange_step(struct exchange *x);

/* The 1xx head has been written: its memory goes, the next head may come. */
void exchange_interim_passed(struct exchange *x);

/*
 * A head in `response` could not be written for the client, and nothing of it went out:
 * the exchange fails with `fault`, and we answer ourselves.
 */
void exchange_head_failed(struct exchange *x, enum fault fault);

/*
 * It ends because of `fault`. Before the answer's head has gone out: we answer
 * ourselves (ANSWER_OWN). Afterwards, and also while a complete answer waits for the
 * client: `cut`. The first fault counts, and there is always one: FAULT_NONE is taken
 * for FAULT_INTERNAL.
 */
void exchange_fail(struct exchange *x, enum fault fault);

/* --- exchange_deadline.c --- */

/* A deadline that concerns this exchange, in loop milliseconds, and its fault. */
uint64_t exchange_deadline(const struct exchange *x, enum fault *fault);

/* The time of `timeouts.body` is over: did enough of the body come in it? */
bool exchange_keeps_pace(const struct exchange *x);

/* --- exchange.c --- */

/* That deadline has passed. A dial may go on with the next server. */
void exchange_time_out(struct exchange *x, enum fault fault);

/*
 * The answer came before the request was whole, and the upstream will read the rest
 * (RFC 9112, 9.3): it passes on, and both connections may go on afterwards. What ends it
 * early is no fault. Otherwise nobody wants it.
 */
bool exchange_takes_rest(const struct exchange *x);

/* Nothing more of the body comes, or is waited for: the answer stands. */
void exchange_end_rest(struct exchange *x);

/* True when the response is over and its last byte is in the engine's hands. */
bool exchange_is_answered(const struct exchange *x);

/* Gives the link back, logs the ending event, frees. Accepts NULL, leaves NULL. */
void exchange_free(struct exchange **x);

/* The same without an event: a request that was only tried out (proxy/trial.h). */
void exchange_discard(struct exchange **x);

#endif
