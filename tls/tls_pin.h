/*
 * tls/tls_pin.h - upstreams that are known by their certificate or its key.
 */
#ifndef TLS_TLS_PIN_H
#define TLS_TLS_PIN_H

#include <openssl/ssl.h>

#include "base/note.h"
#include "tls/tls_policy.h"

/*
 * Makes connections of `ctx` ask for one of the policy's pins, beside everything else
 * that is verified. Without authorities the pinned certificate is its own anchor: chain
 * and issuer are of no matter then, name, dates and strength are. `policy` outlives it;
 * it has a pin.
 */
void tls_pin_demand(SSL_CTX *ctx, const struct tls_upstream_policy *policy);

/* True when the policy has no pin, or one that is this certificate's or its key's. */
bool tls_pin_fits(const struct tls_upstream_policy *policy, X509 *certificate);

/* What could be pinned of it, for an administrator to compare: no secret. */
void tls_pin_note(X509 *certificate, struct note *note);

#endif
