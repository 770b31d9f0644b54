/*
 * cli/demo_conn.h - one client of the internal site: requests in, answers out.
 *
 * Blocking, one process each: the site is the plain counterpart on which postern
 * is shown, not an example of how postern works. It reads with postern's parser.
 */
#ifndef CLI_DEMO_CONN_H
#define CLI_DEMO_CONN_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/chunk.h"
#include "base/fault.h"
#include "base/require.h"
#include "http/body.h"
#include "http/head.h"

struct demo_conn {
    SSL *tls; /* owned */
    int fd;   /* owned */
    struct chunk_queue in, out;
    struct arena arena;    /* of the present request */
    struct http_head head; /* valid until the next demo_conn_next */
    struct http_body body;
    enum http_framing_kind answer; /* of the answer in the making */
    bool last;                     /* the connection ends after this answer */
};

/* Takes over `*fd`, which becomes -1, and shakes hands. False: nobody to serve. */
bool demo_conn_begin(struct demo_conn *c, SSL_CTX *context, int *fd) MUST_USE;

/* Closes politely: what was written still arrives. Also after a failed begin. */
void demo_conn_end(struct demo_conn *c);

/*
 * Waits for the next request head. FAULT_CLIENT_CLOSED: there is none. Any other
 * fault: what came is no request; it can be answered once. c->last is set for both.
 */
enum fault demo_conn_next(struct demo_conn *c) MUST_USE;

/*
 * Adds more of the request's body to `data`; nothing added and FAULT_NONE means
 * that the body has ended. Says "100 Continue" first when the client waits for it.
 */
enum fault demo_conn_read(struct demo_conn *c, struct chunk_queue *data) MUST_USE;

/*
 * An answer begins with status and common fields; http_write_field on c->out adds
 * more; demo_conn_send or demo_conn_stream_begin ends the head. An answer given
 * before the request's body was read ends the connection: c->last is set.
 */
void demo_conn_answer(struct demo_conn *c, unsigned status, const char *content_type);

/*
 * Sends the answer with this body, which is left empty; for HEAD only its length.
 * NULL: an answer without body and length (304).
 */
void demo_conn_send(struct demo_conn *c, struct chunk_queue *body);

/*
 * Sends the head of an answer in pieces. False: no piece is wanted (HEAD), or the
 * client is gone.
 */
bool demo_conn_stream_begin(struct demo_conn *c) MUST_USE;

/* Sends one piece at once; `last` ends the answer. False: the client is gone. */
bool demo_conn_stream(struct demo_conn *c, struct chunk_queue *piece, bool last);

/* Waits `ms` milliseconds. True when the client left or spoke in that time. */
bool demo_conn_is_left(struct demo_conn *c, int ms);

#endif
