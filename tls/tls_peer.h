/*
 * tls/tls_peer.h - the verdict on an upstream's certificate, in words.
 */
#ifndef TLS_TLS_PEER_H
#define TLS_TLS_PEER_H

#include <openssl/ssl.h>
#include <time.h>

#include "base/fault.h"
#include "base/note.h"
#include "base/require.h"

/* What was found wrong while the handshake verified the chain. */
struct tls_peer {
    enum fault fault; /* FAULT_NONE: nothing so far */
    struct note note;
};

/*
 * Makes `ssl` verify its peer and write the first objection to `peer`, which must outlive
 * it. False: no memory, and `ssl` must not be used.
 */
bool tls_peer_watch(SSL *ssl, struct tls_peer *peer) MUST_USE;

/* Objects to a chain that is being verified: its leaf fits no pin. */
void tls_peer_refuse_pin(X509_STORE_CTX *verified);

/* What tls_peer_watch found; FAULT_NONE when the certificate was not the trouble. */
enum fault tls_peer_refusal(const SSL *ssl, struct note *note);

/* When the shortest-lived certificate of a verified chain ends; 0 for no chain. */
time_t tls_peer_chain_ends(const STACK_OF(X509) * chain);

#endif
