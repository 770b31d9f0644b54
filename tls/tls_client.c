/*
 * tls/tls_client.c - toward upstreams: always verified, resumed where possible.
 *
 * A resumed handshake shows no certificate, so a session carries when the chain
 * ends that was verified for it, and it is only ever offered for the name it was
 * verified for. That makes resumption as strict as a full handshake; what it cannot
 * see is a trust store that changed, and a new store comes with a new tls_client.
 *
 * Owns the newest session of each server.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "tls/tls_context.h"
#include "tls/tls_context_priv.h"
#include "tls/tls_peer.h"
#include "tls/tls_pin.h"

#define SERVERS 64
#define NAME_BYTES 256

/*
 * More than toward clients, as the server inside may be an old one: Windows Server
 * 2012 R2 has no ECDHE-RSA with GCM. Still forward secret and at least 128 bits.
 */
#define CIPHERS_1_2                                                                    \
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:"           \
    "!aNULL:!eNULL:!PSK:!SRP:!CAMELLIA:!ARIA:!AESCCM"

/* The newest session with one server. */
struct kept_session {
    SSL_SESSION *session;  /* NULL: none */
    char name[NAME_BYTES]; /* that its certificate was verified for */
};

struct tls_client {
    const struct tls_upstream_policy *policy;
    SSL_CTX *ctx;
    struct kept_session *kept[SERVERS]; /* NULL: never dialled */
};

/* One connection; stands in the SSL object's slot and is freed with it. */
struct call {
    struct tls_client *client;
    struct kept_session *keep;
    char name[NAME_BYTES];
    struct tls_peer peer;
};

static void
on_call_freed(void *parent, void *object, CRYPTO_EX_DATA *all, int index, long number,
    void *pointer)
{
    (void)parent;
    (void)all;
    (void)index;
    (void)number;
    (void)pointer;
    free(object);
}

static int
slot(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_call_freed);
    require(index >= 0);
    return index;
}

/* A session's slot holds a time, not an address, so copies of a session keep it. */
static int
ends_slot(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    require(index >= 0);
    return index;
}

static time_t
ends_of(const SSL_SESSION *session)
{
    return session == NULL
        ? 0
        : (time_t)(intptr_t)SSL_SESSION_get_ex_data(session, ends_slot());
}

/* --- sessions --- */

static void
drop_session(struct kept_session *kept)
{
    SSL_SESSION_free(kept->session);
    kept->session = NULL;
}

/* libssl has a new ticket (in TLS 1.3 some time after the handshake): keep the newest. */
static int
on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct call *call = SSL_get_ex_data(ssl, slot());

    drop_session(call->keep);
    call->keep->session = session;
    memcpy(call->keep->name, call->name, sizeof call->name);
    return 1; /* ours now */
}

static void
offer_session(SSL *ssl, const struct call *call)
{
    struct kept_session *kept = call->keep;

    if (kept->session == NULL)
        return;
    /* Setting it also brings back the verdict that was stored with it. */
    if (ends_of(kept->session) > time(NULL) && strcmp(kept->name, call->name) == 0 &&
        SSL_set_session(ssl, kept->session) == 1 &&
        SSL_get_verify_result(ssl) == X509_V_OK)
        return;
    require(SSL_set_session(ssl, NULL) == 1);
    SSL_set_verify_result(ssl, X509_V_OK);
    drop_session(kept);
}

bool
tls_client_remember_chain(const SSL *ssl)
{
    SSL_SESSION *session = SSL_get_session(ssl);
    time_t ends;

    if (SSL_session_reused(ssl) == 1)
        return true; /* came with the session */
    ends = tls_peer_chain_ends(SSL_get0_verified_chain(ssl));
    return SSL_SESSION_set_ex_data(session, ends_slot(), (void *)(intptr_t)ends) == 1;
}

time_t
tls_client_chain_ends(const SSL *ssl)
{
    return ends_of(SSL_get0_session(ssl));
}

enum tls_minimum
tls_client_minimum(const SSL *ssl)
{
    const struct call *call = SSL_get_ex_data(ssl, slot());

    return call->client->policy->minimum;
}

bool
tls_client_pin_fits(const SSL *ssl)
{
    const struct call *call = SSL_get_ex_data(ssl, slot());

    return tls_pin_fits(call->client->policy, SSL_get0_peer_certificate(ssl));
}

/* --- trust --- */

/* False with a note. Pins alone need no authority. */
static bool
use_authorities(SSL_CTX *ctx, const struct tls_upstream_policy *policy,
    struct tls_trust *trust, struct note *note)
{
    X509_STORE *store = tls_trust_store(trust, policy->ca);

    if (policy->pin_count > 0)
        tls_pin_demand(ctx, policy);
    if (policy->pin_count > 0 && policy->ca.length == 0)
        return true;
    if (store != NULL)
        SSL_CTX_set_cert_store(ctx, store); /* takes over our reference */
    else
        note_set(note, "%s: there is no certificate of an authority",
            policy->ca_file != NULL ? policy->ca_file : "the system's authorities");
    return store != NULL;
}

static void
set_checks(SSL_CTX *ctx)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_hostflags(param,
        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    require(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) == 1);
    /* Who names an issuing authority alone trusts less than its root: let him. */
    require(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
}

/* --- making --- */

static SSL_CTX *
new_context(enum tls_minimum minimum)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    require(ctx != NULL);
    tls_context_harden(ctx, minimum);
    require(SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1);
    SSL_CTX_set_session_cache_mode(ctx,
        SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    set_checks(ctx);
    return ctx;
}

struct tls_client *
tls_client_new(const struct tls_upstream_policy *policy, struct tls_trust *trust,
    struct key_client *keys, struct note *note)
{
    struct tls_client *client = require_zeroed(1, sizeof *client);

    client->policy = policy;
    client->ctx = new_context(policy->minimum);
    if (!use_authorities(client->ctx, policy, trust, note) ||
        (policy->certificate.chain_file != NULL &&
            !tls_context_use_certificate(client->ctx, &policy->certificate, keys,
                note)))
        tls_client_free(&client);
    return client;
}

void
tls_client_free(struct tls_client **client)
{
    if (*client == NULL)
        return;
    for (unsigned i = 0; i < SERVERS; i++) {
        if ((*client)->kept[i] != NULL)
            drop_session((*client)->kept[i]);
        free((*client)->kept[i]);
    }
    SSL_CTX_free((*client)->ctx);
    free(*client);
    *client = NULL;
}

/* NULL when memory is out. */
static struct kept_session *
place_of_session(struct tls_client *client, unsigned server_index)
{
    struct kept_session **kept = &client->kept[server_index];

    if (*kept == NULL)
        *kept = calloc(1, sizeof **kept);
    return *kept;
}

/* An address is verified as one and never sent as a server name (RFC 6066, 3). */
static bool
set_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    bool is_address = X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;

    ERR_clear_error();
    return is_address ||
        (X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
            SSL_set_tlsext_host_name(ssl, name) == 1);
}

SSL *
tls_client_ssl(struct tls_client *client, const char *host, unsigned server_index)
{
    const char *name = client->policy->verify_name;
    struct call *call = calloc(1, sizeof *call);
    SSL *ssl = SSL_new(client->ctx);
    int length;

    require(server_index < SERVERS);
    if (call == NULL || ssl == NULL || SSL_set_ex_data(ssl, slot(), call) != 1) {
        free(call);
        SSL_free(ssl);
        return NULL;
    }
    length = snprintf(call->name, sizeof call->name, "%s", name != NULL ? name : host);
    require(length > 0 && (size_t)length < sizeof call->name);
    call->client = client;
    call->keep = place_of_session(client, server_index);
    if (call->keep == NULL || !tls_peer_watch(ssl, &call->peer) ||
        !set_name(ssl, call->name)) {
        SSL_free(ssl); /* the call goes with it */
        return NULL;
    }
    offer_session(ssl, call);
    return ssl;
}
