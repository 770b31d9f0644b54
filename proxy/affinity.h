/*
 * proxy/affinity.h - the signed cookie that keeps a user on one server (balance: cookie).
 *
 * Its value is an HMAC over upstream and server, so it tells the outside no name
 * and cannot be made up. It is ours alone: taken out before a request is forwarded.
 */
#ifndef PROXY_AFFINITY_H
#define PROXY_AFFINITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

#define AFFINITY_COOKIE "__Host-postern-server"
#define AFFINITY_TAG_BYTES 33 /* 128 bits in hex and a NUL */

struct affinity_key {
    uint8_t bytes[32];
};

/* The tag that stands for `server_url` of `upstream`. */
void affinity_tag(const struct affinity_key *key, const char *upstream,
    const char *server_url, char tag[AFFINITY_TAG_BYTES]);

/* The cookie's value in a Cookie field's value, or an empty view. */
struct bytes affinity_read(struct bytes cookies);

/*
 * The Cookie field's value without our cookie: `cookies` itself when it is not
 * there, else a copy in `arena` (empty when nothing else remains).
 * False when the arena is full.
 */
bool affinity_strip(struct bytes cookies, struct arena *arena,
    struct bytes *stripped) MUST_USE;

#endif
