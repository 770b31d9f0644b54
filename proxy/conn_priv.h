/*
 * proxy/conn_priv.h - the connection's own struct, shared by conn.c (life, phases,
 * deadlines) and conn_http.c (the HTTP/1.1 engine toward the client).
 */
#ifndef PROXY_CONN_PRIV_H
#define PROXY_CONN_PRIV_H

#include <uv.h>

#include "base/fault.h"
#include "base/note.h"
#include "http/body.h"
#include "http/head.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/phase.h"
#include "tls/tls_stream.h"

/* Which limits count the connection; each stands for those before it, too. */
enum conn_counted { COUNTED_NOWHERE, COUNTED_BY_LISTENER, COUNTED_BY_SOURCE };

/* How far the client has taken what is sent to it. */
struct delivery {
    uint64_t acknowledged; /* bytes on the wire, at the last look */
    uint64_t since_ms;     /* it has taken nothing since then; 0: nothing is owed */
    uint64_t looked_ms;
    bool in_kernel; /* at the last look the kernel still held some */
};

struct conn {
    struct client client;
    struct tls_stream stream;
    uv_timer_t timer;
    struct conn *next, **at; /* among the listener's */
    struct listener *listener;
    struct snapshot *snapshot;  /* the rules it was accepted under */
    struct chunk_queue in, out; /* plaintext from and to the client */
    struct exchange *exchange;  /* NULL between requests */

    enum phase phase; /* while there is an exchange: that one's, see conn_phase */
    enum fault fault; /* first cause of the connection's end */
    enum phase ended_in;
    struct note note;

    struct http_head_search search;
    struct http_body body;                 /* of the request being read */
    enum http_framing_kind answer_framing; /* of the answer being written */

    uint64_t accepted_ns, head_begun_ns;
    uint64_t phase_since_ms, head_begun_ms;
    uint64_t heard_bytes, heard_ms; /* (linger) what has come, and when */
    uint64_t answer_from;           /* bytes on the wire before the present answer */
    uint64_t timer_at_ms;           /* when the timer will fire; 0: it does not run */
    struct delivery delivery;
    unsigned requests, open_handles;
    enum conn_counted counted;
    bool peeking;      /* the ClientHello decides whether TLS ends here */
    bool ended;        /* the client will send nothing more */
    bool keep_alive;   /* after the present answer, another request is welcome */
    bool answer_begun; /* the head of the present answer is written */
    bool drains_input; /* linger until the client has stopped sending */
    bool credentials_seen;
};

/* The present phase, the exchange's own included. */
enum phase conn_phase(const struct conn *c);

/* Enters a phase of the connection itself; its deadline runs from now. */
void conn_enter(struct conn *c, enum phase phase);

/* Looks at the whole connection and does what can be done; `owner` is the conn. */
void conn_step(void *owner);

/* Reads from the client into c->in; false when the connection has failed and was ended. */
bool conn_read(struct conn *c, bool *moved);

/*
 * Immediate end, never without a fault; the client sees that what it got is not complete.
 * Only decides: the exchange and all else live until the present step is over.
 */
void conn_abort(struct conn *c, enum fault fault);

/* The end of one that has lingered; likewise. */
void conn_finish(struct conn *c);

/* Graceful end: what is queued leaves, then close_notify and FIN. */
void conn_linger(struct conn *c, enum fault fault);

/* --- conn_admit.c --- */

/* Counts the connection, whose address is known; the fault of a limit that is reached. */
enum fault conn_admit(struct conn *c) MUST_USE;

/* Takes back what conn_admit has counted, if anything. */
void conn_dismiss(struct conn *c);

/* --- conn_deadline.c --- */

/* Last in a step: since when does the client owe it to us to take something? */
void conn_note_delivery(struct conn *c);

/* The timer has fired: asks how far the client has come, and acts if it is too late. */
void conn_keep_time(struct conn *c);

/* When to keep time next, in loop milliseconds; UINT64_MAX: not at all. */
uint64_t conn_next_look(const struct conn *c);

/* --- conn_http.c --- */

/* PHASE_HEAD: reads a head if it is all there and begins its exchange. */
bool conn_http_head(struct conn *c);

/* An exchange is under way: moves bytes, and ends it when the answer is complete. */
bool conn_http_exchange(struct conn *c);

/* A request that failed before its head was understood: answered with `fault`. */
void conn_http_refuse(struct conn *c, enum fault fault);

#endif
