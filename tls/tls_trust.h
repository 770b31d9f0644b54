/*
 * tls/tls_trust.h - the certificate authorities of upstreams, each set parsed once.
 *
 * A thousand upstreams that believe the same authorities share one store of OpenSSL's.
 */
#ifndef TLS_TLS_TRUST_H
#define TLS_TLS_TRUST_H

#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/require.h"

struct tls_trust;

struct tls_trust *tls_trust_new(void);
/* Accepts NULL, leaves NULL. Stores that are in use live on. */
void tls_trust_free(struct tls_trust **trust);

/*
 * The store of the certificates in `pem`; texts at the same place are the same. One
 * reference is the caller's. NULL when there is no certificate.
 */
X509_STORE *tls_trust_store(struct tls_trust *trust, struct bytes pem) MUST_USE;

#endif
