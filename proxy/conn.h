/*
 * proxy/conn.h - one client connection: TLS, HTTP/1.1, and one exchange at a time.
 */
#ifndef PROXY_CONN_H
#define PROXY_CONN_H

#include <uv.h>

#include "proxy/listener.h"

/*
 * Takes over an accepted socket. `from` is what accept4 said: of a connection that was
 * reset meanwhile the kernel would not tell it again. The connection frees itself from
 * its last close callback, after its ending event. `clear_text`: it came to a
 * redirect_http one.
 */
void conn_accept(struct listener *listener, int fd, const struct sockaddr_storage *from,
    bool clear_text);

/*
 * The worker drains: no further request is read on `listener`'s connections, idle
 * ones end now. With `at_once` those with a request in flight are cut as well.
 */
void conn_drain_all(struct listener *listener, bool at_once);

/*
 * Descriptors are out: ends the worker's connections that have sent nothing within
 * `age_ms` of being accepted. How many those were.
 */
unsigned conn_shed_bare(struct worker *worker, uint64_t age_ms);

/*
 * Memory is out: ends the connection that holds most and has moved least, with a 503 where
 * an answer is still to be given. False: nobody holds anything.
 */
bool conn_shed_heaviest(struct worker *worker);

/* Something has changed for all of them. */
void conn_step_all(struct listener *listener);

#endif
