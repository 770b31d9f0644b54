/*
 * tls/key_provider.h - key objects for OpenSSL whose private half is elsewhere.
 */
#ifndef TLS_KEY_PROVIDER_H
#define TLS_KEY_PROVIDER_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "tls/key_client.h"
#include "tls/key_wire.h"

/*
 * A key object that has the public half of `key` (RSA or EC) and asks `client` to
 * sign. The caller owns it; `client` must outlive it. NULL for other key types.
 */
EVP_PKEY *key_provider_wrap(struct key_client *client, EVP_PKEY *key) MUST_USE;

/* True for an entry of OpenSSL's error queue that says: keyd did not sign. */
bool key_provider_is_error(unsigned long error);

/*
 * The question itself (key_client.c). `length`: room in `signature` when called, bytes
 * written after. False when keyd is away, late or refuses.
 */
bool key_client_sign(struct key_client *client, const unsigned char *name,
    enum key_scheme scheme, enum key_hash hash, struct bytes digest,
    unsigned char *signature, size_t *length) MUST_USE;

#endif
