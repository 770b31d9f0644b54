/*
 * tls/tls_policy.h - what a listener demands and what an upstream must prove.
 * Filled by config/, obeyed by tls/. Strings are NUL-terminated, owned by the snapshot.
 */
#ifndef TLS_TLS_POLICY_H
#define TLS_TLS_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum tls_minimum { TLS_MINIMUM_1_2, TLS_MINIMUM_1_3 };

/*
 * One certificate; its key is keyd's, which knows it by the certificate's public key.
 * RSA and ECDSA may stand side by side.
 */
struct tls_certificate {
    const char *chain_file; /* where it came from, for messages; NULL: no certificate */
    struct bytes chain;     /* PEM: leaf, then intermediates */
    int64_t changed_ns;     /* st_mtim of the file when it was read */
};

/* What the client of one published host gets. */
struct tls_host_policy {
    const char *host; /* lower case, no port; or "*.example.com" */
    const struct tls_certificate *certificates;
    unsigned certificate_count; /* 1 .. 4 */
};

struct tls_listener_policy {
    const char *name; /* the listener's, for the session context */
    enum tls_minimum minimum;
    const char *default_host; /* for clients without SNI; NULL: they are refused */
    const struct tls_host_policy *hosts; /* sorted by name, as strcmp has it */
    unsigned host_count;
    unsigned session_lifetime_s; /* resumption; 0: none */
};

/* SHA-256 of a certificate, or of its public key. */
struct tls_pin {
    unsigned char sha256[32];
};

struct tls_upstream_policy {
    const char *ca_file; /* for messages; NULL: the system's authorities */
    struct bytes ca;     /* PEM of those whom the server's chain may lead to; empty:
                                the pins alone say who is believed */
    const struct tls_pin *pins;
    unsigned pin_count;                 /* 0: none is asked for; else one must fit */
    const char *verify_name;            /* NULL: the server's own host name */
    struct tls_certificate certificate; /* ours, where the server asks for one */
    enum tls_minimum minimum;
};

#endif
