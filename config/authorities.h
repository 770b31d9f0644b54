/*
 * config/authorities.h - the certificate authorities that this machine trusts.
 */
#ifndef CONFIG_AUTHORITIES_H
#define CONFIG_AUTHORITIES_H

#include <openssl/x509.h>

#include "base/require.h"
#include "config/stash.h"

/*
 * Those of OpenSSL's file, else of its folder; SSL_CERT_FILE and SSL_CERT_DIR name
 * others. NULL when there is none; *places, if it is not NULL, then says where it was looked.
 */
STACK_OF(X509) *
    authorities_of_system(const char **places, struct stash *stash) MUST_USE;

#endif
