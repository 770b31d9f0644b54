/*
 * tests/unit/tls/lab.h - two ends, one loop, real sockets, and a real keyd.
 *
 * Nothing here waits for time: run_until turns the loop until a condition holds,
 * and an alarm ends the whole program when it never does.
 */
#ifndef TESTS_UNIT_TLS_LAB_H
#define TESTS_UNIT_TLS_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <sys/types.h>
#include <uv.h>

#include "base/chunk.h"
#include "base/fault.h"
#include "base/note.h"
#include "tls/key_client.h"
#include "tls/tls_context.h"
#include "tls/tls_stream.h"
#include "tls/tls_ticket.h"

/* Everything below stands in this one lab, made by lab_open. */
struct lab {
    uv_loop_t loop;
    char folder[64]; /* certificates, keys */
    struct key_client *keys;
    struct tls_trust *trust;
    struct tls_tickets tickets;
    int control; /* to keyd */
    pid_t keyd;
};
extern struct lab lab;

/* cmocka group fixtures: certificates of lab.c's table, loop, keyd holding all keys. */
int lab_open(void **state);
int lab_close(void **state);

/* Starts keyd anew with all keys and gives lab.keys a channel; ends it. */
void lab_start_keyd(void);
void lab_connect_keys(void);
/* One more channel, for questions by hand: for every key, or for those of `scope`. */
int lab_new_asker(void);
int lab_new_asker_of(struct bytes scope);
void lab_kill_keyd(void);

/* "FOLDER/NAME.EXTENSION", in one of a few rotating buffers. */
const char *lab_file(const char *name, const char *extension);

/* The file's text, and what a policy says of the certificate in NAME.pem. Until lab_close. */
struct bytes lab_text(const char *name, const char *extension);
struct tls_certificate lab_certificate(const char *name);

#define run_until(condition)                                                           \
    do {                                                                               \
        while (!(condition))                                                           \
            uv_run(&lab.loop, UV_RUN_ONCE);                                            \
    } while (0)

/* --- one end of a connection: the smallest owner a stream can have --- */

struct end {
    struct tls_stream stream;
    struct chunk_queue got, to_send;
    struct note note;
    uint64_t taken; /* bytes of `got` thrown away by a test */
    bool established, eof, failed, closed;
    bool idle;    /* settle without wanting more */
    bool passive; /* a step does nothing: the test drives by itself */
};

void end_open(struct end *end, enum tls_side side, SSL *ssl);
void end_step(void *end);
void end_close(struct end *end);

/* --- a connection between two ends --- */

struct link {
    uv_poll_t listener;
    int fd;
    struct end server, client;
    bool accepted, listener_closed;
    uint16_t port;
};

/* Listens; every connection goes to link->server. NULL SSL objects: clear text. */
void link_listen(struct link *link, SSL *server);
void link_dial(struct link *link, SSL *client, uint16_t port);
/* Both, then runs until both ends are established or one has failed. */
void link_shake(struct link *link, SSL *server, SSL *client);
void link_close(struct link *link);

/* --- one published host and one upstream, both mail.example.org --- */

struct site {
    struct tls_certificate certificates[2];
    struct tls_host_policy host;
    struct tls_listener_policy listener;
    struct tls_upstream_policy upstream;
    struct tls_server *server;
    struct tls_client *client;
};

/* The host shows `certificate` (and `second`, unless NULL); the client trusts "ca". */
void site_open(struct site *site, const char *certificate, const char *second);
void site_close(struct site *site);
/* A new SSL object of the client for mail.example.org, server 0. */
SSL *site_call(struct site *site);

/* --- a client that is not ours: OpenSSL over a descriptor --- */

struct raw {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

/* Connects to `port`; the caller sets what it likes on ctx and ssl before shaking. */
void raw_open(struct raw *raw, uint16_t port, SSL_CTX *ctx, const char *server_name);
/* Turns the loop and the handshake until it is over. True: established. */
bool raw_shake(struct raw *raw);
void raw_close(struct raw *raw);
/* Non-blocking sockets on 127.0.0.1; raw_accept: -1 when nobody waits. */
int raw_connect(uint16_t port);
int raw_listen(uint16_t *port);
int raw_accept(int listener);

#endif
