/*
 * tls/tls_context.c - what listeners and upstreams have in common.
 *
 * Everything that touches a file happens here or in the two *_new functions, before
 * the jail: afterwards OpenSSL opens nothing any more.
 */
#include <openssl/err.h>

#include "base/require.h"
#include "tls/tls_context.h"
#include "tls/tls_context_priv.h"

#define GROUPS "X25519:P-256:P-384"

/* At least 112 bits for every key and signature: RSA-2048, P-224, no SHA-1. */
#define SECURITY_LEVEL 2

/* Only what keyd signs (key_wire.h); SHA-224, which OpenSSL would add, it does not. */
#define SIGNATURES                                                                     \
    "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:"   \
    "ECDSA+SHA512:RSA-PSS+SHA512:RSA+SHA512"

void
tls_context_harden(SSL_CTX *ctx, enum tls_minimum minimum)
{
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    /* A self-made setting that libssl refuses is a mistake of ours, not of a user. */
    require(SSL_CTX_set_min_proto_version(ctx,
                minimum == TLS_MINIMUM_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1);
    require(SSL_CTX_set1_groups_list(ctx, GROUPS) == 1);
    require(SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) == 1);
}

void
tls_context_note_file(struct note *note, const char *file)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(error);

    note_set(note, "%s: %s", file, reason != NULL ? reason : "cannot be used");
    ERR_clear_error();
}

bool
tls_context_use_certificate(SSL_CTX *ctx, const char *chain_file,
    struct key_client *keys, struct note *note)
{
    EVP_PKEY *key = NULL;
    bool good = false;

    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, chain_file) == 1) {
        key = key_client_stub(keys, SSL_CTX_get0_certificate(ctx));
        good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;
        key_turn_use(ctx, keys);
    }
    if (!good)
        tls_context_note_file(note, chain_file);
    EVP_PKEY_free(key);
    return good;
}
