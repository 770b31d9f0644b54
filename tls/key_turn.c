/*
 * tls/key_turn.c - from the choice of the certificate to the signature.
 *
 * libssl asks for the certificate (SSL_CTX_set_cert_cb) exactly when a signature will
 * be needed: never for a resumed session. The callback may say "not yet", and that is
 * where a handshake stands in line. With a turn it is called once more, as a job, in
 * which key_client_sign pauses. The modes are set for that one call only, so that the
 * parsing of what the network sent happens on the ordinary stack: a job's has 32 KiB
 * and, in OpenSSL 3.0, no guard page.
 *
 * Nothing here knows of sockets or of what is asked. One thread.
 */
#include "tls/key_turn.h"

#include <netinet/in.h>
#include <openssl/async.h>
#include <openssl/err.h>
#include <string.h>

#include "tls/key_client.h"
#include "tls/key_provider.h"

/* Whose SSL_do_handshake is on the stack: libssl has no place to hand it through. */
static struct key_turn *shaking;

void
key_turn_init(struct key_turn *turn, void (*wake)(void *owner), void *owner)
{
    *turn = (struct key_turn){ .wake = wake, .owner = owner };
}

/* A household's IPv6 network is one source, as in proxy/sources.c. */
void
key_turn_set_source(struct key_turn *turn, const struct sockaddr *address)
{
    const struct sockaddr_in6 *six = (const void *)address;
    const struct sockaddr_in *four = (const void *)address;

    if (address->sa_family == AF_INET)
        turn->source = UINT64_C(0xffff00000000) | four->sin_addr.s_addr;
    else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        memcpy(&turn->source, six->sin6_addr.s6_addr + 8, sizeof turn->source);
    else
        memcpy(&turn->source, six->sin6_addr.s6_addr, sizeof turn->source);
}

struct key_turn *
key_turn_now(void)
{
    return ASYNC_get_current_job() != NULL ? shaking : NULL;
}

/* 1: go on, 0: fail, -1: not yet (SSL_CTX_set_cert_cb(3)). */
static int
on_certificate_wanted(SSL *ssl, void *client)
{
    struct key_turn *turn = shaking;

    (void)ssl;
    if (turn == NULL)
        return 0;
    if (turn->state == KEY_TURN_NONE)
        key_client_take_turn(client, turn);
    if (turn->state == KEY_TURN_REFUSED) {
        key_provider_raise_not_signed();
        return 0;
    }
    return turn->state == KEY_TURN_HELD && key_turn_now() == turn ? 1 : -1;
}

void
key_turn_use(SSL_CTX *ctx, struct key_client *client)
{
    SSL_CTX_set_cert_cb(ctx, on_certificate_wanted, client);
}

static int
shake_once(struct key_turn *turn, SSL *ssl)
{
    struct key_turn *outer = shaking;
    int answer;

    if (turn->state == KEY_TURN_HELD)
        SSL_set_mode(ssl, SSL_MODE_ASYNC);
    shaking = turn;
    answer = SSL_do_handshake(ssl);
    shaking = outer;
    return answer;
}

/*
 * Whoever waits for the network holds no turn, or one client could keep it by sending
 * nothing. To wait for room to write is another matter: the signature is still to come.
 */
static bool
is_over(SSL *ssl, int answer)
{
    return answer > 0 ||
        (!SSL_want_async(ssl) && !SSL_want_x509_lookup(ssl) && !SSL_want_write(ssl));
}

int
key_turn_shake(struct key_turn *turn, SSL *ssl)
{
    int answer;

    if (key_turn_is_waiting(turn))
        return -1; /* SSL_get_error still says for what */
    do
        answer = shake_once(turn, ssl);
    while (answer <= 0 && SSL_want_x509_lookup(ssl) && turn->state == KEY_TURN_HELD);
    if (answer <= 0 &&
        SSL_want_async_job(ssl)) /* as many jobs as turns: out of memory */
        key_provider_raise_not_signed();
    if (is_over(ssl, answer)) {
        SSL_clear_mode(ssl, SSL_MODE_ASYNC);
        key_client_end_turn(turn);
    }
    return answer;
}

bool
key_turn_is_waiting(const struct key_turn *turn)
{
    return turn->state == KEY_TURN_IN_LINE ||
        (turn->state == KEY_TURN_HELD && key_client_is_asking(turn));
}

bool
key_turn_refuse(struct key_turn *turn)
{
    if (!key_turn_is_waiting(turn))
        return false;
    key_client_end_turn(turn);
    turn->state = KEY_TURN_REFUSED;
    return true;
}

void
key_turn_drop(struct key_turn *turn, SSL *ssl)
{
    (void)key_turn_refuse(turn);
    if (ssl != NULL && SSL_waiting_for_async(ssl)) {
        (void)shake_once(turn, ssl); /* the job ends with the failure to sign */
        ERR_clear_error();
    }
    key_client_end_turn(turn);
}
