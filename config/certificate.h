/*
 * config/certificate.h - facts about certificates in files.
 */
#ifndef CONFIG_CERTIFICATE_H
#define CONFIG_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/require.h"
#include "config/stash.h"

/*
 * All certificates of a PEM file, in its order; NULL when there is none, or the file is
 * no plain one. Free with certificates_free.
 */
STACK_OF(X509) * certificates_read(const char *path) MUST_USE;
void certificates_free(STACK_OF(X509) * *certificates);

/* The same from the text of such a file. */
STACK_OF(X509) * certificates_parse(struct bytes text) MUST_USE;

/*
 * True when a subjectAltName covers `host`, a DNS name (perhaps "*.example.com"), or an
 * IP address. The common name does not count (RFC 9525, 2).
 */
bool certificate_covers(X509 *certificate, const char *host);

/* The names it is valid for, with blanks between. */
const char *certificate_names(X509 *certificate, struct stash *stash);

/* Why key or signature are too weak for us, NULL when they are not. Static. */
const char *certificate_weakness(X509 *certificate);

/* EVP_PKEY_RSA, EVP_PKEY_EC ...; 0 when the key cannot be read. */
int certificate_key_type(X509 *certificate);

struct certificate_times {
    bool early, expired,
        ends_soon; /* soon: within 14 days or a third of its lifetime, the lesser */
    int days_left;
    char begins[16], ends[16]; /* "2026-11-22" */
};
struct certificate_times certificate_times(X509 *certificate);

bool certificate_is_authority(X509 *certificate);

/*
 * The end of the first certificate's chain as far as `certificates` lead: a self-signed
 * one, or one whose issuer is not among them. The stack's.
 */
X509 *certificate_chain_end(STACK_OF(X509) * certificates);

bool certificate_is_self_signed(X509 *certificate);

/* The name of its issuer, for messages. */
const char *certificate_issuer(X509 *certificate, struct stash *stash);

#endif
