/*
 * tls/tls_pin.c - one more question to a chain, or another one in place of the authorities.
 *
 * A pin never replaces the name, the dates or the strength of a certificate: OpenSSL
 * verifies them as ever, with the pinned certificate as the only anchor. What fits no pin
 * is not verified at all.
 */
#include "tls/tls_pin.h"

#include <openssl/sha.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "tls/tls_peer.h"

/* SHA-256 of the certificate and of its SubjectPublicKeyInfo (as in RFC 7469, 2.4). */
struct pins {
    struct tls_pin certificate, key;
};

static bool
pins_of(X509 *certificate, struct pins *pins)
{
    unsigned char *spki = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
    bool good = length > 0 &&
        X509_digest(certificate, EVP_sha256(), pins->certificate.sha256, NULL) == 1;

    if (good)
        SHA256(spki, (size_t)length, pins->key.sha256);
    OPENSSL_free(spki);
    return good;
}

static bool
is_same(const struct tls_pin *a, const struct tls_pin *b)
{
    return memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
}

bool
tls_pin_fits(const struct tls_upstream_policy *policy, X509 *certificate)
{
    struct pins pins;

    if (policy->pin_count == 0)
        return true;
    if (certificate == NULL || !pins_of(certificate, &pins))
        return false;
    for (unsigned i = 0; i < policy->pin_count; i++) {
        if (is_same(&policy->pins[i], &pins.certificate) ||
            is_same(&policy->pins[i], &pins.key))
            return true;
    }
    return false;
}

void
tls_pin_note(X509 *certificate, struct note *note)
{
    unsigned char whole[48] = "", key[48] = "";
    struct pins pins;

    if (certificate == NULL || !pins_of(certificate, &pins)) {
        note_set(note, "its certificate cannot be read");
        return;
    }
    EVP_EncodeBlock(whole, pins.certificate.sha256, sizeof pins.certificate.sha256);
    EVP_EncodeBlock(key, pins.key.sha256, sizeof pins.key.sha256);
    note_set(note, "its certificate is sha256/%s, its key sha256/%s", (char *)whole,
        (char *)key);
}

/* Verifies the leaf against itself: what was sent beside it is not looked at. */
static int
verify_alone(X509_STORE_CTX *verified, X509 *leaf)
{
    STACK_OF(X509) *anchor = sk_X509_new_null();
    int result;

    if (anchor == NULL || sk_X509_push(anchor, leaf) <= 0) {
        sk_X509_free(anchor);
        X509_STORE_CTX_set_error(verified, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    X509_STORE_CTX_set0_trusted_stack(verified, anchor);
    X509_STORE_CTX_set0_untrusted(verified, NULL);
    result = X509_verify_cert(verified);
    X509_STORE_CTX_set0_trusted_stack(verified, NULL);
    sk_X509_free(anchor);
    return result;
}

/* In place of X509_verify_cert. */
static int
on_verify(X509_STORE_CTX *verified, void *owner)
{
    const struct tls_upstream_policy *policy = owner;
    X509 *leaf = X509_STORE_CTX_get0_cert(verified);
    bool fits = tls_pin_fits(policy, leaf);

    if (policy->ca.length > 0) {
        int result = X509_verify_cert(verified);

        if (result <= 0 || fits)
            return result;
    } else if (fits) {
        return verify_alone(verified, leaf);
    }
    tls_peer_refuse_pin(verified);
    return 0;
}

void
tls_pin_demand(SSL_CTX *ctx, const struct tls_upstream_policy *policy)
{
    require(policy->pin_count > 0);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, (void *)policy);
}
