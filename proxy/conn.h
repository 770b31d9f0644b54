/*
 * proxy/conn.h - one client connection: TLS, HTTP/1.1, and one exchange at a time.
 */
#ifndef PROXY_CONN_H
#define PROXY_CONN_H

#include <uv.h>

#include "proxy/listener.h"

/*
 * Accepts what waits on `socket`. The connection frees itself from its last close
 * callback, after its ending event. `clear_text`: the socket is a redirect_http one.
 */
void conn_accept(struct listener *listener, uv_stream_t *socket, bool clear_text);

/*
 * The worker drains: no further request is read on `listener`'s connections, idle
 * ones end now. With `at_once` those with a request in flight are cut as well.
 */
void conn_drain_all(struct listener *listener, bool at_once);

#endif
