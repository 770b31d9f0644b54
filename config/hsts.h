/*
 * config/hsts.h - may browsers be told that a name speaks TLS alone (RFC 6797)?
 */
#ifndef CONFIG_HSTS_H
#define CONFIG_HSTS_H

#include <stdbool.h>

#include "base/note.h"
#include "config/tree.h"

/*
 * False when Strict-Transport-Security would lead browsers astray, with the reason in
 * `why`: it counts for a host name at all its ports, makes http: of it https:, port 80 of
 * it 443, and keeps any other port (RFC 6797, 8.3). So on each listener that publishes
 * `host`, clear text must be redirected from port 80 alone, and TLS be met on 443. A
 * mapping of ports is taken for whole where `public_port` speaks of it.
 * Never for addresses (RFC 6797, 8.1.1), and never for localhost, which others serve, too:
 * there `why` stays empty, since nobody expects it.
 * `root` is a validated tree.
 */
bool hsts_may_be_told(const struct node *root, const char *host, struct note *why);

#endif
