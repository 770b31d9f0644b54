/*
 * tests/unit/tls/pki.h - certificates for one test run, made on the spot.
 */
#ifndef TESTS_UNIT_TLS_PKI_H
#define TESTS_UNIT_TLS_PKI_H

#include <stdbool.h>

enum pki_kind { PKI_P256, PKI_P384, PKI_RSA2048, PKI_RSA1024 };

struct pki_order {
    const char *name;   /* of the files NAME.pem and NAME.key, and the common name */
    const char *alt;    /* subjectAltName as in x509v3_config(5); NULL: none */
    const char *issuer; /* another order's name; NULL: self-signed */
    const char *usage;  /* extendedKeyUsage; NULL: serverAuth */
    enum pki_kind kind;
    int from_days, to_days; /* from now; both 0: -1 .. 30 */
    bool authority;
};

void pki_make(const char *folder, const struct pki_order *order);

#endif
