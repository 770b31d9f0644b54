/*
 * tls/tls_context.h - policy to SSL_CTX, and one SSL object per connection.
 */
#ifndef TLS_TLS_CONTEXT_H
#define TLS_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <time.h>

#include "base/fault.h"
#include "base/note.h"
#include "tls/key_client.h"
#include "tls/tls_policy.h"
#include "tls/tls_ticket.h"
#include "tls/tls_trust.h"

/* --- toward clients --- */

struct tls_server; /* one per listener */

/*
 * Builds the contexts of a listener: certificates from the policy's texts, keys as
 * stubs that ask `keys` (key_client.h). Host by SNI: unknown name: the handshake
 * fails with unrecognized_name and FAULT_TLS_NAME_UNKNOWN; no name: the default
 * host, or FAULT_TLS_NAME_MISSING. `policy`, `keys` and `tickets` must outlive it.
 * NULL with a note when a certificate cannot be used.
 */
struct tls_server *
tls_server_new(const struct tls_listener_policy *policy, struct key_client *keys,
    const struct tls_tickets *tickets, struct note *note) MUST_USE;
void tls_server_free(struct tls_server **server);

/* A new SSL object for an accepted connection; `server` must outlive it. NULL: no memory. */
SSL *tls_server_ssl(struct tls_server *server);

/* The index in policy->hosts that the handshake chose, or -1. */
int tls_server_host_of(const SSL *ssl);

/* Which published host a name belongs to: exact, then one-label wildcard; -1: none. */
int tls_policy_find_host(const struct tls_listener_policy *policy, const char *name);

/* --- toward upstreams --- */

struct tls_client; /* one per upstream */

/*
 * Verification cannot be switched off. NULL with a note when a certificate cannot be
 * used. The authorities are shared through `trust`; `keys` signs for the client
 * certificate, if the policy has one. `policy` and `keys` must outlive it.
 */
struct tls_client *tls_client_new(const struct tls_upstream_policy *policy,
    struct tls_trust *trust, struct key_client *keys, struct note *note) MUST_USE;
void tls_client_free(struct tls_client **client);

/*
 * A new SSL object for a connection to `host` (name or address, no port): SNI and
 * the name to verify are set, and the session of the last connection to
 * `server_index` (0 .. 63) is offered for resumption. The stored chain is checked
 * again when a session is resumed. `client` must outlive the SSL object. NULL: no memory.
 */
SSL *tls_client_ssl(struct tls_client *client, const char *host, unsigned server_index);

/*
 * When the shortest-lived certificate of the peer's verified chain ends; a pooled
 * connection must not be used after it. 0 when unknown.
 */
time_t tls_client_chain_ends(const SSL *ssl);

#endif
