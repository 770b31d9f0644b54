/*
 * tls/key_client.h - private keys that live in another process.
 *
 * A worker holds only the certificate. Where TLS needs a signature the digest
 * goes to keyd with the name of the key and the scheme, and the signature comes
 * back: never a raw private operation, never a decryption.
 * The question blocks the loop (about 10 us for P-256, 250 us for RSA-2048: what
 * signing here would cost) for at most KEY_TIMEOUT_MS.
 */
#ifndef TLS_KEY_CLIENT_H
#define TLS_KEY_CLIENT_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/require.h"

#define KEY_TIMEOUT_MS 1000
#define KEY_NAME_BYTES 32 /* SHA-256 of the certificate's SubjectPublicKeyInfo */

struct key_client;

/* No channel yet: every question fails until one is set. */
struct key_client *key_client_new(void);
void key_client_free(struct key_client **client);

/* Takes over `channel` (a connected SEQPACKET descriptor); closes the one before. */
void key_client_set_channel(struct key_client *client, int channel);

/* False while keyd is away. */
bool key_client_is_alive(const struct key_client *client);

/*
 * A private key object that signs for `certificate` (RSA or EC) through `client`,
 * which must outlive it. The caller owns it. NULL: unsupported key type.
 */
EVP_PKEY *key_client_stub(struct key_client *client, X509 *certificate) MUST_USE;

/* The name under which keyd knows the key of this public key. */
bool key_name_of(EVP_PKEY *key, unsigned char name[KEY_NAME_BYTES]) MUST_USE;

#endif
