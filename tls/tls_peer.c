/*
 * tls/tls_peer.c - from X509's verdict to a fault an operator can act on.
 *
 * OpenSSL decides; this file only says why, in the moment of the decision, since
 * libssl forgets a chain that it refused. Names and dates in the note come out of
 * a certificate that nobody vouches for: what is not plain ASCII becomes "?".
 */
#include "tls/tls_peer.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "tls/tls_pin.h"

static int
slot(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    require(index >= 0);
    return index;
}

static enum fault
fault_of(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        return FAULT_UPSTREAM_CERT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
        return FAULT_UPSTREAM_CERT_EARLY;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return FAULT_UPSTREAM_CERT_NAME;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return FAULT_UPSTREAM_CERT_WEAK;
    case X509_V_ERR_INVALID_PURPOSE:
        return FAULT_UPSTREAM_CERT_PURPOSE;
    case X509_V_ERR_CERT_REVOKED:
        return FAULT_UPSTREAM_CERT_REVOKED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_CERT_UNTRUSTED:
        return FAULT_UPSTREAM_CERT_CHAIN;
    default:
        return FAULT_UPSTREAM_CERT;
    }
}

/* --- words --- */

/* A line being written. Cut at its end, always NUL-terminated. */
struct line {
    char text[NOTE_BYTES];
    size_t length;
};

static void
add(struct line *line, const char *text, size_t length)
{
    for (size_t i = 0; i < length && line->length + 1 < sizeof line->text; i++) {
        char c = text[i];

        line->text[line->length++] = c >= ' ' && c <= '~' ? c : '?';
    }
    line->text[line->length] = '\0';
}

static void
add_name(struct line *line, const char *text, size_t length)
{
    if (line->length > 0)
        add(line, ", ", 2);
    add(line, text, length);
}

static void
add_address(struct line *line, const ASN1_OCTET_STRING *address)
{
    char *text = NULL;

    if (ASN1_STRING_length(address) == 4 || ASN1_STRING_length(address) == 16)
        text = i2s_ASN1_OCTET_STRING(NULL, address); /* "C0:A8:..." */
    if (text != NULL)
        add_name(line, text, strlen(text));
    OPENSSL_free(text);
}

/* "it is valid for: a, b": the one line that ends most of these searches. */
static void
note_names(X509 *certificate, struct note *note)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    struct line line = { "", 0 };

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS)
            add_name(&line, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                (size_t)ASN1_STRING_length(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            add_address(&line, name->d.iPAddress);
    }
    GENERAL_NAMES_free(names);
    if (line.length == 0)
        note_set(note,
            "it has no subject alternative name, and a common name "
            "does not count");
    else
        note_set(note, "it is valid for: %s", line.text);
}

static void
note_date(const char *what, const ASN1_TIME *when, struct note *note)
{
    struct tm t;

    if (ASN1_TIME_to_tm(when, &t) == 1)
        note_set(note, "%s on %04d-%02d-%02d", what, t.tm_year + 1900, t.tm_mon + 1,
            t.tm_mday);
    else
        note_set(note, "its dates cannot be read");
}

static void
note_issuer(int error, X509 *certificate, struct note *note)
{
    char name[128] = "";
    struct line line = { "", 0 };

    X509_NAME_oneline(X509_get_issuer_name(certificate), name, sizeof name);
    add(&line, name, strlen(name));
    note_set(note, "%s; its issuer is %s", X509_verify_cert_error_string(error),
        line.text);
}

static void
explain(X509_STORE_CTX *verified, struct tls_peer *peer)
{
    int error = X509_STORE_CTX_get_error(verified);
    X509 *certificate = X509_STORE_CTX_get_current_cert(verified);

    if (certificate == NULL)
        certificate = X509_STORE_CTX_get0_cert(verified);
    peer->fault = fault_of(error);
    if (certificate == NULL)
        note_set(&peer->note, "%s", X509_verify_cert_error_string(error));
    else if (peer->fault == FAULT_UPSTREAM_CERT_NAME)
        note_names(certificate, &peer->note);
    else if (peer->fault == FAULT_UPSTREAM_CERT_EXPIRED)
        note_date("it expired", X509_get0_notAfter(certificate), &peer->note);
    else if (peer->fault == FAULT_UPSTREAM_CERT_EARLY)
        note_date("it becomes valid", X509_get0_notBefore(certificate), &peer->note);
    else if (peer->fault == FAULT_UPSTREAM_CERT_CHAIN)
        note_issuer(error, certificate, &peer->note);
    else
        note_set(&peer->note, "%s", X509_verify_cert_error_string(error));
}

/* --- watching --- */

static struct tls_peer *
peer_of(X509_STORE_CTX *verified)
{
    SSL *ssl =
        X509_STORE_CTX_get_ex_data(verified, SSL_get_ex_data_X509_STORE_CTX_idx());

    return SSL_get_ex_data(ssl, slot());
}

void
tls_peer_refuse_pin(X509_STORE_CTX *verified)
{
    struct tls_peer *peer = peer_of(verified);

    X509_STORE_CTX_set_error(verified, X509_V_ERR_CERT_REJECTED);
    if (peer->fault != FAULT_NONE)
        return;
    peer->fault = FAULT_UPSTREAM_CERT_PIN;
    tls_pin_note(X509_STORE_CTX_get0_cert(verified), &peer->note);
}

static int
on_verified(int good, X509_STORE_CTX *verified)
{
    struct tls_peer *peer = peer_of(verified);

    if (!good && peer->fault == FAULT_NONE)
        explain(verified, peer);
    return good; /* never a second chance */
}

bool
tls_peer_watch(SSL *ssl, struct tls_peer *peer)
{
    SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verified);
    return SSL_set_ex_data(ssl, slot(), peer) == 1;
}

enum fault
tls_peer_refusal(const SSL *ssl, struct note *note)
{
    const struct tls_peer *peer = SSL_get_ex_data(ssl, slot());

    if (peer == NULL || peer->fault == FAULT_NONE)
        return FAULT_NONE;
    note_set(note, "%s", peer->note.text);
    return peer->fault;
}

time_t
tls_peer_chain_ends(const STACK_OF(X509) * chain)
{
    time_t ends = 0;

    for (int i = 0; i < sk_X509_num(chain); i++) {
        struct tm t;
        time_t this_ends;

        if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &t) != 1)
            return 0;
        this_ends = timegm(&t);
        if (ends == 0 || this_ends < ends)
            ends = this_ends;
    }
    return ends;
}
