/*
 * tls/tls_context_priv.h - what the two halves of tls_context.h and the gate share.
 */
#ifndef TLS_TLS_CONTEXT_PRIV_H
#define TLS_TLS_CONTEXT_PRIV_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/fault.h"
#include "base/note.h"
#include "tls/key_client.h"
#include "tls/tls_policy.h"

/* What listeners and upstreams have in common: versions, groups, strength. */
void tls_context_harden(SSL_CTX *ctx, enum tls_minimum minimum);

/*
 * Sets a chain beside a key stub. False with a note that names the file it came from.
 */
bool
tls_context_use_certificate(SSL_CTX *ctx, const struct tls_certificate *certificate,
    struct key_client *keys, struct note *note) MUST_USE;

/* Why a client's hello was refused by name; FAULT_NONE when it was not. */
enum fault tls_server_refusal(const SSL *ssl);

/* The listener's minimum, for the gate. Only for SSL objects of tls_server_ssl. */
enum tls_minimum tls_server_minimum(const SSL *ssl);

/* True when the session in use was made for the very host and name now chosen. */
bool tls_server_session_fits(const SSL *ssl);

/* The upstream's minimum, for the gate. Only for SSL objects of tls_client_ssl. */
enum tls_minimum tls_client_minimum(const SSL *ssl);

/* True when the peer's certificate, also that of a resumed session, fits the upstream's pins. */
bool tls_client_pin_fits(const SSL *ssl);

/*
 * Keeps the end of the chain just verified with the session; a resumed one has it. False
 * when there is no memory for it: without it the connection would never expire.
 */
bool tls_client_remember_chain(const SSL *ssl) MUST_USE;

#endif
