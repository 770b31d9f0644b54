/*
 * tls/key_client.h - private keys that live in another process.
 *
 * A worker holds only the certificate. Where TLS needs a signature the digest
 * goes to keyd with the name of the key and the scheme, and the signature comes
 * back: never a raw private operation, never a decryption. The loop goes on meanwhile;
 * the handshake waits (key_turn.h). When keyd dies, what it was asked is asked
 * of its successor.
 */
#ifndef TLS_KEY_CLIENT_H
#define TLS_KEY_CLIENT_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/require.h"
#include "tls/key_turn.h"
#include "tls/key_wire.h"

struct key_client;

/*
 * One per process, whose OpenSSL jobs it bounds. No channel yet: every question waits
 * until one is set.
 */
struct key_client *key_client_new(uv_loop_t *loop);

/* Ends its part in the loop, which has to turn before key_client_free. Idempotent. */
void key_client_close(struct key_client *client);
/* No turn may be in line or held any more. */
void key_client_free(struct key_client **client);

/* Takes over `channel` (a connected SEQPACKET descriptor); closes the one before. */
void key_client_set_channel(struct key_client *client, int channel);
/* False: keyd is away, or has closed it. */
bool key_client_has_channel(const struct key_client *client);

/*
 * A private key object that signs for `certificate` (RSA or EC) through `client`,
 * which must outlive it. The caller owns it. NULL: unsupported key type.
 */
EVP_PKEY *key_client_stub(struct key_client *client, X509 *certificate) MUST_USE;

/* The name under which keyd knows the key of this public key. */
bool key_name_of(EVP_PKEY *key, unsigned char name[KEY_NAME_BYTES]) MUST_USE;

/* --- for key_turn.c --- */

/* Grants `turn` at once when there is one and nobody is before it, or puts it in line. */
void key_client_take_turn(struct key_client *client, struct key_turn *turn);
/* Held, in line, or neither. The next one is granted from the loop, not from in here. */
void key_client_end_turn(struct key_turn *turn);
/* True while a held turn's question is without an answer. */
bool key_client_is_asking(const struct key_turn *turn);

/* --- for key_provider.c --- */

/* What is to be signed. */
struct key_digest {
    unsigned char name[KEY_NAME_BYTES];
    enum key_scheme scheme;
    enum key_hash hash;
    unsigned char digest[KEY_DIGEST_BYTES]; /* key_hashes[hash].bytes of it */
};

/*
 * Asks keyd and pauses the job until there is an answer. `length`: room in `signature`
 * when called, bytes written after. False when keyd refuses, when the turn was refused,
 * and outside of a turn.
 */
bool key_client_sign(const struct key_digest *what, unsigned char *signature,
    size_t *length) MUST_USE;

#endif
