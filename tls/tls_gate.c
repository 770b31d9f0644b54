/*
 * tls/tls_gate.c - the second look at a finished handshake.
 *
 * Everything asked here was configured before (tls_context). It is asked again
 * because a cipher list, a default or an OpenSSL release can change without
 * anybody noticing, and a session that was resumed was negotiated some other time.
 * Owns nothing, changes nothing.
 */
#include "tls/tls_gate.h"

#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <time.h>

#include "tls/tls_context.h"
#include "tls/tls_context_priv.h"
#include "tls/tls_pin.h"

#define CIPHER_BITS 128

static bool
is_version_enough(const SSL *ssl, enum tls_minimum minimum)
{
    return SSL_version(ssl) >=
        (minimum == TLS_MINIMUM_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
}

/* TLS 1.3 has no key exchange without an ephemeral key, as psk_ke is never enabled. */
static bool
is_forward_secret(const SSL *ssl)
{
    int exchange = SSL_CIPHER_get_kx_nid(SSL_get_current_cipher(ssl));

    return SSL_version(ssl) == TLS1_3_VERSION || exchange == NID_kx_ecdhe ||
        exchange == NID_kx_dhe;
}

static bool
is_strong(const SSL *ssl)
{
    return SSL_get_cipher_bits(ssl, NULL) >= CIPHER_BITS && is_forward_secret(ssl);
}

enum fault
tls_gate_client(const SSL *ssl, struct note *note)
{
    if (!is_version_enough(ssl, tls_server_minimum(ssl))) {
        note_set(note, "%s", SSL_get_version(ssl));
        return FAULT_TLS_WEAK_VERSION;
    }
    if (!is_strong(ssl)) {
        note_set(note, "%s", SSL_get_cipher_name(ssl));
        return FAULT_TLS_WEAK_CIPHER;
    }
    if (tls_server_host_of(ssl) < 0)
        return FAULT_TLS_NAME_UNKNOWN;
    if (!tls_server_session_fits(ssl))
        return FAULT_TLS_NAME_RESUMED;
    return FAULT_NONE;
}

enum fault
tls_gate_upstream(const SSL *ssl, struct note *note)
{
    if (!is_version_enough(ssl, tls_client_minimum(ssl)) || !is_strong(ssl)) {
        note_set(note, "%s with %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
        return FAULT_UPSTREAM_TLS_WEAK;
    }
    if (SSL_get0_peer_certificate(ssl) == NULL ||
        SSL_get_verify_result(ssl) != X509_V_OK) {
        note_set(note, "the certificate was not verified");
        return FAULT_UPSTREAM_CERT;
    }
    if (!tls_client_pin_fits(ssl)) {
        tls_pin_note(SSL_get0_peer_certificate(ssl), note);
        return FAULT_UPSTREAM_CERT_PIN;
    }
    if (!tls_client_remember_chain(ssl))
        return FAULT_MEMORY_FULL;
    if (tls_client_chain_ends(ssl) <= time(NULL)) {
        note_set(note, "the certificate of the resumed session has expired");
        return FAULT_UPSTREAM_CERT_EXPIRED;
    }
    return FAULT_NONE;
}
