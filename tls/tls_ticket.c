/*
 * tls/tls_ticket.c - session tickets under secrets that all workers share.
 *
 * AES-256-CBC and HMAC-SHA256 as OpenSSL applies them: encrypt, then authenticate,
 * and the tag is checked before anything is decrypted (RFC 5077, 4). Own secrets and
 * not OpenSSL's, because those are made anew in each process and never rotated.
 */
#include "tls/tls_ticket.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/secret.h"

#define NAME_BYTES 16
#define CIPHER_KEY_BYTES 32
#define MAC_KEY_BYTES 32

void
tls_tickets_rotate(struct tls_tickets *tickets)
{
    memmove(tickets->secret[1], tickets->secret[0],
        (TICKET_SECRETS - 1) * (size_t)TICKET_SECRET_BYTES);
    secret_random(tickets->secret[0], TICKET_SECRET_BYTES);
    if (tickets->count < TICKET_SECRETS)
        tickets->count++;
}

bool
tls_tickets_replace(struct tls_tickets *tickets, struct bytes secrets)
{
    if (secrets.length == 0 || secrets.length % TICKET_SECRET_BYTES != 0 ||
        secrets.length > sizeof tickets->secret)
        return false;
    secret_wipe(tickets->secret, sizeof tickets->secret);
    memcpy(tickets->secret, secrets.at, secrets.length);
    tickets->count = (unsigned)(secrets.length / TICKET_SECRET_BYTES);
    return true;
}

/* The slot of `ctx` that leads to its tickets. */
static int
slot(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    require(index >= 0);
    return index;
}

static bool
set_mac_key(EVP_MAC_CTX *mac, const uint8_t *secret)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
            (void *)(secret + NAME_BYTES + CIPHER_KEY_BYTES), MAC_KEY_BYTES),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* The secret of that name, or TICKET_SECRETS. All are compared, whichever fits. */
static unsigned
find_secret(const struct tls_tickets *tickets, const unsigned char *name)
{
    unsigned found = TICKET_SECRETS;

    for (unsigned i = 0; i < tickets->count; i++) {
        if (CRYPTO_memcmp(tickets->secret[i], name, NAME_BYTES) == 0)
            found = i;
    }
    return found;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 error, 0 no ticket, 1 good, 2 good, renew. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypting)
{
    const struct tls_tickets *tickets =
        SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot());
    unsigned i = encrypting ? 0 : find_secret(tickets, name);
    const uint8_t *secret;

    if (i >= tickets->count)
        return 0;
    secret = tickets->secret[i];
    if (encrypting) {
        memcpy(name, secret, NAME_BYTES);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            return -1;
    }
    if (EVP_CipherInit_ex2(cipher, EVP_aes_256_cbc(), secret + NAME_BYTES, iv,
            encrypting, NULL) != 1 ||
        !set_mac_key(mac, secret))
        return -1;
    return i == 0 ? 1 : 2;
}

void
tls_tickets_use(SSL_CTX *ctx, const struct tls_tickets *tickets)
{
    require(SSL_CTX_set_ex_data(ctx, slot(), (void *)tickets) == 1);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
