/*
 * tls/tls_server.c - a listener's contexts, and the choice of the published host.
 *
 * One SSL_CTX per published host carries its certificates; connections start on
 * one without any. The ClientHello callback, which runs before sessions are looked
 * at, finds the host by server name, moves the SSL to that host's context and sets
 * the session id context: listener, minimum and name. A ticket made under another
 * policy or for another name is then no session at all (RFC 6066, 3).
 *
 * Trust: the server name comes from the network.
 */
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "tls/client_hello.h"
#include "tls/tls_context.h"
#include "tls/tls_context_priv.h"

#define CIPHERS_1_2                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                       \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                       \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_1_3                                                                    \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

#define CONTEXT_BYTES 32 /* SSL_MAX_SID_CTX_LENGTH, and a SHA-256 */

/* Where a connection's ClientHello led. Stands in the SSL object's slot. */
struct served_host {
    struct tls_server *server;
    SSL_CTX *ctx;
    int index;          /* in policy->hosts; -1: refused */
    enum fault refusal; /* FAULT_NONE for a real host */
};

struct tls_server {
    const struct tls_listener_policy *policy;
    SSL_CTX *ctx; /* without certificates: connections start here */
    struct served_host unknown, missing;
    struct served_host hosts[]; /* as policy->hosts */
};

static int
slot(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    require(index >= 0);
    return index;
}

static const struct served_host *
host_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, slot());
}

/* --- the choice --- */

static int
compare_name(const void *name, const void *host)
{
    return strcmp(name, ((const struct tls_host_policy *)host)->host);
}

static int
find_name(const struct tls_listener_policy *policy, const char *name)
{
    const struct tls_host_policy *found = policy->host_count == 0
        ? NULL
        : bsearch(name, policy->hosts, policy->host_count, sizeof *policy->hosts,
              compare_name);

    return found == NULL ? -1 : (int)(found - policy->hosts);
}

int
tls_policy_find_host(const struct tls_listener_policy *policy, const char *name)
{
    const char *rest = strchr(name, '.');
    char wildcard[CLIENT_HELLO_NAME_BYTES + 1];
    int index = find_name(policy, name);

    if (index >= 0 || rest == NULL || rest == name)
        return index;
    snprintf(wildcard, sizeof wildcard, "*%s", rest);
    return find_name(policy, wildcard);
}

/* Lengths stand before the texts, so that no two triples look alike. */
static void
context_of(const struct tls_listener_policy *policy, const char *name,
    unsigned char context[CONTEXT_BYTES])
{
    char text[2 * CLIENT_HELLO_NAME_BYTES + 32];
    int length = snprintf(text, sizeof text, "%zu:%.255s%d:%zu:%s",
        strlen(policy->name), policy->name, (int)policy->minimum, strlen(name), name);

    require(length > 0 && (size_t)length < sizeof text);
    SHA256((const unsigned char *)text, (size_t)length, context);
}

static const struct served_host *
choose_host(struct tls_server *server, const char *name)
{
    int index = tls_policy_find_host(server->policy, name);

    return index < 0 ? &server->unknown : &server->hosts[index];
}

/* The name the client asked for, or the default's; empty when there is neither. */
static bool
read_name(SSL *ssl, const struct tls_listener_policy *policy,
    char name[CLIENT_HELLO_NAME_BYTES])
{
    const unsigned char *extension;
    size_t length;

    name[0] = '\0';
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &length))
        return client_hello_server_name(bytes_of(extension, length), name);
    if (policy->default_host != NULL)
        snprintf(name, CLIENT_HELLO_NAME_BYTES, "%s", policy->default_host);
    return true;
}

static int
say_no_memory(int *alert)
{
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
}

/*
 * Runs again for the second hello after a HelloRetryRequest: the name that counts
 * is the one that the handshake ends with.
 */
static int
on_client_hello(SSL *ssl, int *alert, void *owner)
{
    struct tls_server *server = owner;
    const struct served_host *host = &server->missing;
    char name[CLIENT_HELLO_NAME_BYTES];
    unsigned char context[CONTEXT_BYTES];

    if (!read_name(ssl, server->policy, name)) {
        *alert = SSL_AD_DECODE_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (name[0] != '\0')
        host = choose_host(server, name);
    if (SSL_set_ex_data(ssl, slot(), (void *)host) != 1)
        return say_no_memory(alert);
    if (host->refusal != FAULT_NONE) {
        if (name[0] != '\0') /* for the log: libssl would have read it later */
            SSL_set_tlsext_host_name(ssl, name);
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    context_of(server->policy, name, context);
    if (SSL_set_SSL_CTX(ssl, host->ctx) != host->ctx ||
        SSL_set_session_id_context(ssl, context, sizeof context) != 1)
        return say_no_memory(alert);
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* The host is chosen already; this only lets libssl confirm and keep the name. */
static int
on_server_name(SSL *ssl, int *alert, void *owner)
{
    (void)alert;
    (void)owner;
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL
        ? SSL_TLSEXT_ERR_OK
        : SSL_TLSEXT_ERR_NOACK;
}

/* HTTP/1 only. A client that knows nothing else is told so (RFC 7301, 3.2). */
static int
on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
    const unsigned char *offered, unsigned offered_length, void *owner)
{
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
    unsigned char *protocol;

    (void)ssl;
    (void)owner;
    if (SSL_select_next_proto(&protocol, chosen_length, ours, sizeof ours - 1, offered,
            offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = protocol;
    return SSL_TLSEXT_ERR_OK;
}

/* --- making --- */

static void
set_sessions(SSL_CTX *ctx, const struct tls_listener_policy *policy,
    const struct tls_tickets *tickets)
{
    /* Tickets only: a cache would be one worker's own and grow with clients. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (policy->session_lifetime_s == 0) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        require(SSL_CTX_set_num_tickets(ctx, 0) == 1);
        return;
    }
    SSL_CTX_set_timeout(ctx, (long)policy->session_lifetime_s);
    /* Two, for clients that race connections and use a ticket once (RFC 8446, C.4). */
    require(SSL_CTX_set_num_tickets(ctx, 2) == 1);
    tls_tickets_use(ctx, tickets);
}

static SSL_CTX *
new_context(struct tls_server *server, const struct tls_tickets *tickets)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    require(ctx != NULL);
    tls_context_harden(ctx, server->policy->minimum);
    SSL_CTX_set_options(ctx,
        SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
            SSL_OP_SINGLE_ECDH_USE);
    require(SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1);
    require(SSL_CTX_set_ciphersuites(ctx, CIPHERS_1_3) == 1);
    set_sessions(ctx, server->policy, tickets);
    SSL_CTX_set_client_hello_cb(ctx, on_client_hello, server);
    SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return ctx;
}

static bool
use_certificates(SSL_CTX *ctx, const struct tls_host_policy *host,
    struct key_client *keys, struct note *note)
{
    for (unsigned i = 0; i < host->certificate_count; i++) {
        if (!tls_context_use_certificate(ctx, &host->certificates[i], keys, note))
            return false;
    }
    return true;
}

struct tls_server *
tls_server_new(const struct tls_listener_policy *policy, struct key_client *keys,
    const struct tls_tickets *tickets, struct note *note)
{
    struct tls_server *server = require_zeroed(1,
        sizeof *server + policy->host_count * sizeof server->hosts[0]);

    server->policy = policy;
    server->ctx = new_context(server, tickets);
    server->unknown = (struct served_host){ server, NULL, -1, FAULT_TLS_NAME_UNKNOWN };
    server->missing = (struct served_host){ server, NULL, -1, FAULT_TLS_NAME_MISSING };
    for (unsigned i = 0; i < policy->host_count; i++) {
        SSL_CTX *ctx = new_context(server, tickets);

        server->hosts[i] = (struct served_host){ server, ctx, (int)i, FAULT_NONE };
        if (!use_certificates(ctx, &policy->hosts[i], keys, note)) {
            tls_server_free(&server);
            return NULL;
        }
    }
    return server;
}

void
tls_server_free(struct tls_server **server)
{
    if (*server == NULL)
        return;
    for (unsigned i = 0; i < (*server)->policy->host_count; i++)
        SSL_CTX_free((*server)->hosts[i].ctx);
    SSL_CTX_free((*server)->ctx);
    free(*server);
    *server = NULL;
}

SSL *
tls_server_ssl(struct tls_server *server)
{
    return SSL_new(server->ctx);
}

/* --- asking --- */

int
tls_server_host_of(const SSL *ssl)
{
    const struct served_host *host = host_of(ssl);

    return host == NULL ? -1 : host->index;
}

enum fault
tls_server_refusal(const SSL *ssl)
{
    const struct served_host *host = host_of(ssl);

    return host == NULL ? FAULT_NONE : host->refusal;
}

enum tls_minimum
tls_server_minimum(const SSL *ssl)
{
    const struct served_host *host = host_of(ssl);

    return host == NULL ? TLS_MINIMUM_1_3 : host->server->policy->minimum;
}

bool
tls_server_session_fits(const SSL *ssl)
{
    const struct tls_listener_policy *policy = host_of(ssl)->server->policy;
    const char *sent = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const char *name = sent != NULL ? sent : policy->default_host;
    char lower[CLIENT_HELLO_NAME_BYTES];
    unsigned char wanted[CONTEXT_BYTES];
    const unsigned char *found;
    unsigned length;
    size_t i;

    if (name == NULL)
        return false;
    for (i = 0; name[i] != '\0' && i + 1 < sizeof lower; i++)
        lower[i] = ascii_lower(name[i]);
    lower[i] = '\0';
    context_of(policy, lower, wanted);
    found = SSL_SESSION_get0_id_context(SSL_get0_session(ssl), &length);
    return bytes_equal(bytes_of(found, length), bytes_of(wanted, sizeof wanted));
}
