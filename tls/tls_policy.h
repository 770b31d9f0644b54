/*
 * tls/tls_policy.h - what a listener demands and what an upstream must prove.
 * Filled by config/, obeyed by tls/. Strings are NUL-terminated, owned by the snapshot.
 */
#ifndef TLS_TLS_POLICY_H
#define TLS_TLS_POLICY_H

#include <stdbool.h>

enum tls_minimum { TLS_MINIMUM_1_2, TLS_MINIMUM_1_3 };

/* One certificate with the name of its key. RSA and ECDSA may stand side by side. */
struct tls_certificate {
    const char *chain_file; /* PEM: leaf, then intermediates */
    const char *key_place;  /* "file:/path"; "" when the key is in chain_file */
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
    const struct tls_host_policy *hosts;
    unsigned host_count;
    unsigned session_lifetime_s; /* resumption; 0: none */
};

struct tls_upstream_policy {
    const char *ca_file;                      /* PEM; NULL: the system's authorities */
    const char *verify_name;                  /* NULL: the server's own host name */
    const char *certificate_file, *key_place; /* client certificate; NULL: none */
    enum tls_minimum minimum;
};

#endif
