/*
 * tls/key_provider.h - key objects for OpenSSL whose private half is elsewhere.
 */
#ifndef TLS_KEY_PROVIDER_H
#define TLS_KEY_PROVIDER_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/require.h"
#include "tls/key_client.h"

/*
 * A key object that has the public half of `key` (RSA or EC) and asks `client` to
 * sign. The caller owns it; `client` must outlive it. NULL for other key types.
 */
EVP_PKEY *key_provider_wrap(struct key_client *client, EVP_PKEY *key) MUST_USE;

/* True for an entry of OpenSSL's error queue that says: keyd did not sign. */
bool key_provider_is_error(unsigned long error);

/* Puts that entry there. */
void key_provider_raise_not_signed(void);

#endif
