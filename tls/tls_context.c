/*
 * tls/tls_context.c - what listeners and upstreams have in common.
 *
 * No file is touched here: certificates come as text that was sealed when it was checked.
 */
#include <openssl/err.h>
#include <openssl/pem.h>

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

/* "file: reason", from OpenSSL's error queue, which it empties. */
static void
note_file(struct note *note, const char *file)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    note_set(note, "%s: %s", file, reason != NULL ? reason : "cannot be used");
    ERR_clear_error();
}

/* The leaf becomes the context's certificate, what follows is sent after it. */
static bool
use_chain(SSL_CTX *ctx, struct bytes pem)
{
    BIO *text = BIO_new_mem_buf(pem.at, (int)pem.length);
    X509 *one = text == NULL ? NULL : PEM_read_bio_X509(text, NULL, NULL, NULL);
    bool good = one != NULL && SSL_CTX_use_certificate(ctx, one) == 1;

    X509_free(one);
    while (good && (one = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        good = SSL_CTX_add0_chain_cert(ctx, one) == 1;
        if (!good)
            X509_free(one);
    }
    BIO_free(text);
    if (good)
        ERR_clear_error(); /* the end of the text is an error to the PEM reader */
    return good;
}

bool
tls_context_use_certificate(SSL_CTX *ctx, const struct tls_certificate *certificate,
    struct key_client *keys, struct note *note)
{
    EVP_PKEY *key = NULL;
    bool good = false;

    ERR_clear_error();
    if (certificate->chain.length > 0 && use_chain(ctx, certificate->chain)) {
        key = key_client_stub(keys, SSL_CTX_get0_certificate(ctx));
        good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;
        key_turn_use(ctx, keys);
    }
    if (!good)
        note_file(note, certificate->chain_file);
    EVP_PKEY_free(key);
    return good;
}
