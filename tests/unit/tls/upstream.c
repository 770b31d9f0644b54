/*
 * tests/unit/tls/upstream.c - see upstream.h.
 */
#include "upstream.h"

#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "base/require.h"

void
upstream_open(struct upstream *u, const char *certificate)
{
    memset(u, 0, sizeof *u);
    u->fd = -1;
    u->ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(u->ctx, 0);
    SSL_CTX_set_num_tickets(u->ctx, 1);
    require(
        SSL_CTX_use_certificate_chain_file(u->ctx, lab_file(certificate, "pem")) == 1);
    require(SSL_CTX_use_PrivateKey_file(u->ctx, lab_file(certificate, "key"),
                SSL_FILETYPE_PEM) == 1);
    u->listener = raw_listen(&u->port);
}

/* One turn: accepts, shakes hands, says one byte when it can. */
void
upstream_turn(struct upstream *u)
{
    char byte;

    if (u->fd < 0 && (u->fd = raw_accept(u->listener)) >= 0) {
        u->ssl = SSL_new(u->ctx);
        require(SSL_set_fd(u->ssl, u->fd) == 1);
        SSL_set_accept_state(u->ssl);
    }
    if (u->fd < 0)
        return;
    ERR_clear_error();
    if (!u->shaken && SSL_do_handshake(u->ssl) == 1)
        u->shaken = SSL_write(u->ssl, "x", 1) == 1;
    else if (u->shaken)
        (void)SSL_read(u->ssl, &byte, 1);
}

void
upstream_hang_up(struct upstream *u)
{
    if (u->ssl != NULL)
        SSL_shutdown(u->ssl);
    SSL_free(u->ssl);
    if (u->fd >= 0)
        close(u->fd);
    u->ssl = NULL;
    u->fd = -1;
    u->shaken = false;
}

void
upstream_close(struct upstream *u)
{
    upstream_hang_up(u);
    SSL_CTX_free(u->ctx);
    close(u->listener);
}

void
call(struct link *link, struct upstream *u, struct tls_client *client, const char *host,
    unsigned server)
{
    memset(link, 0, sizeof *link);
    link_dial(link, tls_client_ssl(client, host, server), u->port);
    while (!link->client.failed && link->client.got.length == 0) {
        uv_run(&lab.loop, UV_RUN_NOWAIT);
        upstream_turn(u);
    }
}

struct tls_client *
new_client(struct tls_upstream_policy *policy)
{
    struct note note = { "" };
    struct tls_client *client;

    if (policy->ca.length == 0)
        policy->ca = lab_text("ca", "pem");
    client = tls_client_new(policy, lab.trust, lab.keys, &note);
    if (client == NULL)
        fail_msg("%s", note.text);
    return client;
}
