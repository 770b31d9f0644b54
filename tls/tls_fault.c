/*
 * tls/tls_fault.c - from OpenSSL's error queue to the fault table.
 *
 * Looked at in this order: our own key process, then what the handshake itself
 * recorded (an unknown name, an upstream certificate that was refused), then the
 * reason codes of libssl. Reason codes are a closed list here; one that is not
 * in it is a failed handshake or, later, a broken record, never a guess.
 */
#include "tls/tls_fault.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "tls/key_provider.h"
#include "tls/tls_context_priv.h"
#include "tls/tls_peer.h"

/* What the whole error queue of one failed call comes down to. */
struct trouble {
    unsigned long first; /* the earliest error is the cause */
    bool key;            /* keyd did not sign */
    bool truncated;      /* the transport ended without close_notify */
    bool no_shared;
};

/* Nothing in common, seen from our side or told by the other's alert. */
static bool
is_no_shared(unsigned long error)
{
    static const int reasons[] = { SSL_R_NO_SHARED_CIPHER, SSL_R_UNSUPPORTED_PROTOCOL,
        SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH, SSL_R_NO_SUITABLE_GROUPS,
        SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
        SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_PROTOCOLS_AVAILABLE,
        SSL_R_NO_CIPHERS_SPECIFIED, SSL_R_DH_KEY_TOO_SMALL, SSL_R_WRONG_CIPHER_RETURNED,
        SSL_R_WRONG_SSL_VERSION, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
        SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, SSL_R_UNSUPPORTED_SSL_VERSION };

    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return false;
    for (unsigned i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (ERR_GET_REASON(error) == reasons[i])
            return true;
    }
    return false;
}

static struct trouble
take_queue(void)
{
    struct trouble t = { 0 };
    unsigned long error;

    while ((error = ERR_get_error()) != 0) {
        if (t.first == 0)
            t.first = error;
        t.key |= key_provider_is_error(error);
        t.no_shared |= is_no_shared(error);
        t.truncated |= ERR_GET_LIB(error) == ERR_LIB_SSL &&
            ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    }
    return t;
}

enum fault
tls_fault_of_connect(int error)
{
    switch (error) {
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOMEM:
    case UV_ENOBUFS:
    case UV_EADDRNOTAVAIL: /* connect(2): all ephemeral ports are in use */
        return FAULT_NO_SOCKET;
    default:
        return FAULT_UPSTREAM_CONNECT;
    }
}

enum fault
tls_fault_of_end(const struct tls_stream *s, struct note *note)
{
    bool of_client = s->side == TLS_SIDE_CLIENT;

    if (s->transport_error != 0) {
        note_set(note, "%s", uv_strerror(s->transport_error));
        return of_client ? FAULT_CLIENT_RESET : FAULT_UPSTREAM_RESET;
    }
    if (of_client && s->bytes_in == 0)
        return FAULT_CLIENT_CLOSED; /* came and went, as health checks do */
    if (!s->established)
        return of_client ? FAULT_TLS_CLOSED : FAULT_UPSTREAM_TLS_CLOSED;
    return of_client ? FAULT_CLIENT_TRUNCATED : FAULT_UPSTREAM_TRUNCATED;
}

enum fault
tls_fault_take(const struct tls_stream *s, struct note *note)
{
    bool of_client = s->side == TLS_SIDE_CLIENT;
    struct trouble trouble = take_queue();
    const char *reason = ERR_reason_error_string(trouble.first);
    enum fault recorded =
        of_client ? tls_server_refusal(s->ssl) : tls_peer_refusal(s->ssl, note);

    if (trouble.key)
        return FAULT_TLS_KEY_UNAVAILABLE;
    if (recorded != FAULT_NONE && !s->established)
        return recorded;
    if (trouble.truncated || trouble.first == 0)
        return tls_fault_of_end(s, note);
    note_set(note, "%s", reason != NULL ? reason : "unknown TLS error");
    if (s->established)
        return of_client ? FAULT_TLS_RECORD : FAULT_UPSTREAM_TLS;
    if (trouble.no_shared)
        return of_client ? FAULT_TLS_NO_SHARED : FAULT_UPSTREAM_TLS_WEAK;
    return of_client ? FAULT_TLS_HANDSHAKE : FAULT_UPSTREAM_TLS;
}
