/*
 * tls/client_hello.h - the server name of a ClientHello, read without answering.
 *
 * For listeners with a published host whose TLS is passed through (bridge:
 * tunnel): there the name must be known before anybody speaks (RFC 8446, 4.1.2;
 * RFC 6066, 3). Bounded, no allocation, safe to fuzz.
 */
#ifndef TLS_CLIENT_HELLO_H
#define TLS_CLIENT_HELLO_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/chunk.h"
#include "base/require.h"

enum client_hello {
    CLIENT_HELLO_PARTIAL,
    CLIENT_HELLO_NAMED,   /* `name` is filled */
    CLIENT_HELLO_UNNAMED, /* whole, without a server name */
    CLIENT_HELLO_CLEAR,   /* the first byte is no TLS handshake record */
    CLIENT_HELLO_BROKEN,
};

#define CLIENT_HELLO_NAME_BYTES 256

/* Looks at the queue and takes nothing. `name`: lower case; empty unless it was NAMED. */
enum client_hello
client_hello_read(const struct chunk_queue *cipher, char name[CLIENT_HELLO_NAME_BYTES]);

/*
 * The name in the content of a server_name extension (RFC 6066, 3), lower case. False
 * when it is malformed: empty, overlong, with a NUL or any byte that no name has.
 */
bool client_hello_server_name(struct bytes extension,
    char name[CLIENT_HELLO_NAME_BYTES]) MUST_USE;

#endif
