/*
 * tls/key_turn.h - a handshake that waits for a signature, and the loop that does not.
 *
 * OpenSSL knows one way to stop in the middle of a signature: the handshake runs as a
 * job on a stack of its own (ASYNC_start_job(3)) that keyd's answer resumes. A handshake
 * becomes a job only when it has been granted a turn, KEY_TURNS of which exist per
 * worker; before, it stands in line (key_line.h) and costs what any handshake costs.
 * Whoever resumes a session asks nobody, takes no turn and is never a job.
 *
 * A turn lasts from the choice of the certificate to the signature. No client can hold
 * one: it ends when keyd answers or is gone, at the latest with the handshake's deadline.
 */
#ifndef TLS_KEY_TURN_H
#define TLS_KEY_TURN_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/require.h"

struct key_client;
struct key_question;

enum key_turn_state {
    KEY_TURN_NONE,    /* no signature is wanted, or not yet, or no longer */
    KEY_TURN_IN_LINE, /* the certificate is chosen; waits to be granted a turn */
    KEY_TURN_HELD,    /* asks keyd, or is about to */
    KEY_TURN_REFUSED, /* gave up waiting: the handshake fails when it goes on */
};

/* Embedded in a stream. Not to be moved while it is in line or held. */
struct key_turn {
    enum key_turn_state state;
    struct key_client *client;     /* known as soon as it stands in line */
    struct key_question *question; /* while held */
    unsigned line;                 /* by source (key_line.h) */
    struct key_turn *next, *previous;
    uint64_t source;
    void (*wake)(void *owner); /* from the loop: key_turn_shake may get further now */
    void *owner;
};

void key_turn_init(struct key_turn *turn, void (*wake)(void *owner), void *owner);

/* Turns go round the sources that wait. Without it: 0, the source of our own connections. */
void key_turn_set_source(struct key_turn *turn, const struct sockaddr *address);

/*
 * SSL_do_handshake, and what it returns; SSL_ERROR_WANT_ASYNC and
 * SSL_ERROR_WANT_X509_LOOKUP mean that `wake` will tell when it gets further.
 */
int key_turn_shake(struct key_turn *turn, SSL *ssl) MUST_USE;

/* True while nothing but keyd, or those before us, can let the handshake go on. */
bool key_turn_is_waiting(const struct key_turn *turn);

/*
 * If the handshake is_waiting it shall not any longer: the next shake fails, with an
 * alert. False, and without effect, when it waits for something else.
 */
bool key_turn_refuse(struct key_turn *turn);

/*
 * Gives the turn or the place in line back. A job that is under way is ended here:
 * SSL_free would leak it. Owed before SSL_free; harmless at any time. May queue an alert.
 */
void key_turn_drop(struct key_turn *turn, SSL *ssl);

/* Handshakes of this context that need a signature take turns at `client`. */
void key_turn_use(SSL_CTX *ctx, struct key_client *client);

/* The turn of the handshake that runs now, as a job; NULL: nobody may wait here. */
struct key_turn *key_turn_now(void);

#endif
