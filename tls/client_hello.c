/*
 * tls/client_hello.c - the server name in a ClientHello, read and left in place.
 *
 * The hello may come in any number of pieces, of the transport and of the record
 * layer. It is gathered once as many bytes as it announces are there, so a client
 * that sends single bytes causes no more work than one that sends it whole; more
 * than HELLO_RECORDS records for one hello is nobody's honest client.
 *
 * Trust: everything comes from the network. Owns nothing; no I/O; safe to fuzz.
 */
#include "tls/client_hello.h"

#include <stdint.h>

#define RECORD_HEAD 5
#define RECORD_BYTES ((size_t)16384) /* RFC 8446, 5.1 */
#define HANDSHAKE_HEAD 4
#define HELLO_BYTES ((size_t)16 * 1024)
#define HELLO_RECORDS 64

enum { HANDSHAKE_RECORD = 22, CLIENT_HELLO_MESSAGE = 1 };
enum { SERVER_NAME_EXTENSION = 0, HOST_NAME = 0 };

/* --- pieces of a message: each takes from the front, or says that it is not there --- */

static bool
take(struct bytes *rest, size_t length, struct bytes *piece)
{
    if (rest->length < length)
        return false;
    *piece = bytes_of(rest->at, length);
    rest->at += length;
    rest->length -= length;
    return true;
}

static bool
take_number(struct bytes *rest, size_t bytes, size_t *number)
{
    struct bytes piece;

    if (!take(rest, bytes, &piece))
        return false;
    *number = 0;
    for (size_t i = 0; i < bytes; i++)
        *number = *number << 8 | (unsigned char)piece.at[i];
    return true;
}

/* A vector: its length in `bytes` bytes, then so many bytes (RFC 8446, 3.4). */
static bool
take_vector(struct bytes *rest, size_t bytes, struct bytes *content)
{
    size_t length;

    return take_number(rest, bytes, &length) && take(rest, length, content);
}

/* --- the name --- */

static bool
is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
        c == '_';
}

bool
client_hello_server_name(struct bytes extension, char name[CLIENT_HELLO_NAME_BYTES])
{
    struct bytes list, host;
    size_t type;

    name[0] = '\0';
    if (!take_vector(&extension, 2, &list) || extension.length != 0 ||
        !take_number(&list, 1, &type) || type != HOST_NAME ||
        !take_vector(&list, 2, &host) || list.length != 0)
        return false;
    if (host.length == 0 || host.length >= CLIENT_HELLO_NAME_BYTES)
        return false;
    for (size_t i = 0; i < host.length; i++) {
        name[i] = ascii_lower(host.at[i]);
        if (!is_name_byte(name[i])) {
            name[0] = '\0';
            return false;
        }
    }
    name[host.length] = '\0';
    return true;
}

static enum client_hello
find_name(struct bytes extensions, char name[CLIENT_HELLO_NAME_BYTES])
{
    enum client_hello found = CLIENT_HELLO_UNNAMED;

    while (extensions.length > 0) {
        struct bytes content;
        size_t type;

        if (!take_number(&extensions, 2, &type) ||
            !take_vector(&extensions, 2, &content))
            return CLIENT_HELLO_BROKEN;
        if (type != SERVER_NAME_EXTENSION)
            continue;
        if (found == CLIENT_HELLO_NAMED || !client_hello_server_name(content, name))
            return CLIENT_HELLO_BROKEN;
        found = CLIENT_HELLO_NAMED;
    }
    return found;
}

/* The body of the message: everything before the extensions only has to be there. */
static enum client_hello
parse(struct bytes hello, char name[CLIENT_HELLO_NAME_BYTES])
{
    struct bytes fixed, session, ciphers, compression, extensions;

    if (!take(&hello, 2 + 32, &fixed) || !take_vector(&hello, 1, &session) ||
        !take_vector(&hello, 2, &ciphers) || !take_vector(&hello, 1, &compression))
        return CLIENT_HELLO_BROKEN;
    if (hello.length == 0)
        return CLIENT_HELLO_UNNAMED;
    if (!take_vector(&hello, 2, &extensions) || hello.length != 0)
        return CLIENT_HELLO_BROKEN;
    return find_name(extensions, name);
}

/* --- the record layer --- */

/* A hello being put together from its records. */
struct gathering {
    unsigned char bytes[HELLO_BYTES];
    size_t length;
    size_t wanted; /* the whole message with its head, once that is there */
};

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Reads the record head at `at`. False: there is none, and *why says what that means. */
static bool
read_record_head(const struct chunk_queue *cipher, size_t at, size_t *length,
    enum client_hello *why)
{
    unsigned char head[RECORD_HEAD] = { 0 };
    size_t seen = least(cipher->length - at, RECORD_HEAD);

    *why = CLIENT_HELLO_PARTIAL;
    if (seen == 0)
        return false;
    chunk_queue_peek(cipher, at, head, seen);
    if (head[0] != HANDSHAKE_RECORD) {
        *why = at == 0 ? CLIENT_HELLO_CLEAR : CLIENT_HELLO_BROKEN;
        return false;
    }
    if (seen < RECORD_HEAD)
        return false;
    *why = CLIENT_HELLO_BROKEN;
    *length = (size_t)head[3] << 8 | head[4];
    return head[1] == 3 && *length > 0 && *length <= RECORD_BYTES;
}

/* Learns from the message's head how long it is; false when it is no bounded hello. */
static bool
check_message(struct gathering *g)
{
    if (g->length < HANDSHAKE_HEAD)
        return true;
    g->wanted = HANDSHAKE_HEAD +
        ((size_t)g->bytes[1] << 16 | (size_t)g->bytes[2] << 8 | g->bytes[3]);
    return g->bytes[0] == CLIENT_HELLO_MESSAGE && g->wanted <= HELLO_BYTES;
}

/* True when the message is whole; else *why. */
static bool
gather(const struct chunk_queue *cipher, struct gathering *g, enum client_hello *why)
{
    size_t at = 0, length;

    for (unsigned records = 0; read_record_head(cipher, at, &length, why); records++) {
        *why = CLIENT_HELLO_BROKEN;
        if (records == HELLO_RECORDS)
            return false;
        at += RECORD_HEAD;
        length = least(length, cipher->length - at);
        chunk_queue_peek(cipher, at, g->bytes + g->length,
            least(length, HELLO_BYTES - g->length));
        g->length += least(length, HELLO_BYTES - g->length);
        at += length;
        if (!check_message(g))
            return false;
        if (g->length >= HANDSHAKE_HEAD && g->length >= g->wanted)
            return true;
    }
    return false;
}

enum client_hello
client_hello_read(const struct chunk_queue *cipher, char name[CLIENT_HELLO_NAME_BYTES])
{
    struct gathering g;
    enum client_hello why;

    name[0] = '\0';
    g.length = g.wanted = 0;
    if (!gather(cipher, &g, &why))
        return why;
    why = parse(bytes_of(g.bytes + HANDSHAKE_HEAD, g.wanted - HANDSHAKE_HEAD), name);
    if (why != CLIENT_HELLO_NAMED)
        name[0] = '\0'; /* one may have been found before something else broke */
    return why;
}
