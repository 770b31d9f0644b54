/*
 * tls/tls_trust.c - stores of authorities, by the place of their text.
 *
 * Owns one reference of each store. Trust: the text is sealed and was checked.
 */
#include "tls/tls_trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

/* Sets differ by the file that they came from: there are few. */
struct known_store {
    const char *text;
    X509_STORE *store;
    struct known_store *next;
};

struct tls_trust {
    struct known_store *first;
};

struct tls_trust *
tls_trust_new(void)
{
    return require_zeroed(1, sizeof(struct tls_trust));
}

void
tls_trust_free(struct tls_trust **trust)
{
    while (*trust != NULL && (*trust)->first != NULL) {
        struct known_store *known = (*trust)->first;

        (*trust)->first = known->next;
        X509_STORE_free(known->store);
        free(known);
    }
    free(*trust);
    *trust = NULL;
}

/* NULL when the text holds no certificate. */
static X509_STORE *
read_store(struct bytes pem)
{
    BIO *text = BIO_new_mem_buf(pem.at, (int)pem.length);
    X509_STORE *store = X509_STORE_new();
    unsigned count = 0;
    X509 *one;

    require(text != NULL && store != NULL);
    for (; (one = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL; count++) {
        require(X509_STORE_add_cert(store, one) == 1);
        X509_free(one);
    }
    ERR_clear_error(); /* the end of the text is an error to the PEM reader */
    BIO_free(text);
    if (count == 0) {
        X509_STORE_free(store);
        store = NULL;
    }
    return store;
}

X509_STORE *
tls_trust_store(struct tls_trust *trust, struct bytes pem)
{
    struct known_store *known = trust->first;
    X509_STORE *store;

    while (known != NULL && known->text != pem.at)
        known = known->next;
    if (known == NULL) {
        store = pem.length == 0 ? NULL : read_store(pem);
        if (store == NULL)
            return NULL;
        known = require_zeroed(1, sizeof *known);
        *known = (struct known_store){ pem.at, store, trust->first };
        trust->first = known;
    }
    require(X509_STORE_up_ref(known->store) == 1);
    return known->store;
}
