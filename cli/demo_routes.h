/*
 * cli/demo_routes.h - what the internal site answers to which request.
 */
#ifndef CLI_DEMO_ROUTES_H
#define CLI_DEMO_ROUTES_H

#include "cli/demo_conn.h"

/*
 * Serves requests until the client has gone or an answer was the last one.
 * `session`: the secret that a signed-in browser's cookie holds.
 */
void demo_routes_serve(struct demo_conn *c, const char *session);

#endif
