/*
 * tests/bench/load.c - the load that every proxy of the side-by-side table sees.
 *
 * One thread, one epoll set, N clients that speak TLS 1.3 and HTTP/1.1. Each
 * client sends a request, reads the whole response, checks its status and its
 * length, and sends the next one, until a fixed number has been answered. The
 * clients either keep their connections or open a new one for each request,
 * with or without resuming their session.
 *
 * The measured part is fenced, so that the caller can read the proxy's CPU time
 * and memory exactly around it: after one request per client the program prints
 * "ready" and waits for a line; after the requests it prints one JSON object and
 * keeps its connections until standard input ends. `--requests 0` therefore just
 * holds idle connections.
 *
 * It knows no proxy. It offers one cipher suite and one group, which fixes the
 * cryptography of the client side for all. It does not verify the certificate:
 * that would be the load's work, not the proxy's.
 *
 * A failed request ends the program with status 1: figures of a run in which
 * something failed would not mean anything.
 */
#include "tests/bench/message.h"
#include "tests/bench/plan.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_LIMIT_BYTES = 8192,
    SCRATCH_BYTES = 64 * 1024,
    EVENTS_AT_ONCE = 64,
    OPENING_AT_ONCE = 16, /* idle connections must not make the proxy dial a crowd */
    SILENCE_LIMIT_MS = 30 * 1000,
};

enum client_state {
    CLIENT_RESTING,
    CLIENT_HANDSHAKE,
    CLIENT_SENDING,
    CLIENT_HEAD,
    CLIENT_BODY,
};

struct load;

struct client {
    struct load *load;
    enum client_state state;
    int fd;
    SSL *ssl;
    SSL_SESSION *session; /* the newest ticket, for REUSE_SESSION */
    uint64_t begun_ns;
    size_t sent_bytes;
    size_t head_bytes;
    uint64_t body_left_bytes;
    bool last_of_connection; /* the response said "Connection: close" */
    char head[HEAD_LIMIT_BYTES + 1];
};

struct load {
    struct plan plan;
    SSL_CTX *tls;
    int epoll_fd;
    char *request;
    size_t request_bytes;
    struct client *clients;
    uint32_t opened;   /* clients that have begun their first request */
    uint32_t resting;  /* clients that have nothing more to do */
    uint32_t left;     /* measured requests that nobody has begun yet */
    uint32_t answered; /* measured requests, also the length of latencies_us */
    uint32_t handshakes;
    uint32_t resumptions;
    uint32_t *latencies_us;
    bool measuring;
    char cipher[64];
    char scratch[SCRATCH_BYTES];
};

static uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *
must_allocate(size_t count, size_t size)
{
    void *memory = calloc(count != 0 ? count : 1, size);

    if (memory == NULL)
        errx(1, "out of memory");
    return memory;
}

/* ---- one client ------------------------------------------------------------ */

__attribute__((noreturn)) static void
client_fail(const struct client *client, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    char detail[256] = "";

    if (code != 0)
        ERR_error_string_n(code, detail, sizeof(detail));
    else if (errno != 0)
        snprintf(detail, sizeof(detail), "%s", strerror(errno));
    errx(1, "after %u requests: %s (%s)", client->load->answered, what, detail);
}

/*
 * Called when an SSL function did not finish. Returns when it merely has to wait
 * for the socket; a connection that ended is a failure in every state.
 */
static void
client_must_wait(const struct client *client, int returned, const char *what)
{
    int error = SSL_get_error(client->ssl, returned);

    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        client_fail(client, what);
}

/*
 * Offers a copy of the newest session: OpenSSL spoils the one that is resumed, but
 * H2O's server gives no new ticket with a resumption, so it has to serve again.
 */
static void
client_offer_session(struct client *client)
{
    SSL_SESSION *copy;

    if (client->session == NULL)
        return;
    copy = SSL_SESSION_dup(client->session);
    if (copy == NULL || SSL_set_session(client->ssl, copy) != 1)
        client_fail(client, "cannot offer the session");
    SSL_SESSION_free(copy);
}

static void
client_connect(struct client *client)
{
    struct load *load = client->load;
    struct sockaddr_in address = { .sin_family = AF_INET,
        .sin_port = htons(load->plan.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    /* Edge-triggered: a step always goes on until the socket has nothing more. */
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
        .data.ptr = client };
    int on = 1;

    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        client_fail(client, "cannot open a socket");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
        errno != EINPROGRESS)
        client_fail(client, "cannot connect");
    if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) != 0)
        client_fail(client, "cannot watch a socket");

    client->ssl = SSL_new(load->tls);
    if (client->ssl == NULL || SSL_set_fd(client->ssl, client->fd) != 1 ||
        SSL_set_tlsext_host_name(client->ssl, load->plan.name) != 1)
        client_fail(client, "cannot begin TLS");
    SSL_set_app_data(client->ssl, client);
    SSL_set_connect_state(client->ssl);
    client_offer_session(client);
    client->last_of_connection = false;
}

static void
client_disconnect(struct client *client)
{
    if (client->ssl == NULL)
        return;
    SSL_shutdown(client->ssl);
    ERR_clear_error();
    SSL_free(client->ssl);
    client->ssl = NULL;
    close(client->fd);
    client->fd = -1;
}

/* Begins one request, on the connection that is there if there is one. */
static void
client_begin(struct client *client)
{
    client->begun_ns = now_ns();
    client->sent_bytes = 0;
    client->head_bytes = 0;
    if (client->ssl != NULL) {
        client->state = CLIENT_SENDING;
    } else {
        client_connect(client);
        client->state = CLIENT_HANDSHAKE;
    }
}

static void
client_rest(struct client *client)
{
    struct load *load = client->load;

    client->state = CLIENT_RESTING;
    load->resting++;
    if (!load->measuring && load->opened < load->plan.clients)
        client_begin(&load->clients[load->opened++]);
}

static void
client_answered(struct client *client)
{
    struct load *load = client->load;

    if (load->measuring) {
        uint64_t elapsed_us = (now_ns() - client->begun_ns) / 1000;

        load->latencies_us[load->answered++] =
            elapsed_us < UINT32_MAX ? (uint32_t)elapsed_us : UINT32_MAX;
    }
    if (load->plan.reuse != REUSE_CONNECTION || client->last_of_connection)
        client_disconnect(client);
    if (load->measuring && load->left > 0) {
        load->left--;
        client_begin(client);
    } else {
        client_rest(client);
    }
}

static bool
client_handshake(struct client *client)
{
    struct load *load = client->load;
    int r = SSL_connect(client->ssl);

    if (r != 1) {
        client_must_wait(client, r, "the handshake failed");
        return false;
    }
    if (load->measuring) {
        load->handshakes++;
        load->resumptions += (uint32_t)SSL_session_reused(client->ssl);
    }
    snprintf(load->cipher, sizeof(load->cipher), "%s", SSL_get_cipher(client->ssl));
    client->state = CLIENT_SENDING;
    return true;
}

static bool
client_send(struct client *client)
{
    const struct load *load = client->load;
    size_t written;
    int r = SSL_write_ex(client->ssl, load->request + client->sent_bytes,
        load->request_bytes - client->sent_bytes, &written);

    if (r != 1) {
        client_must_wait(client, r, "the request could not be sent");
        return false;
    }
    client->sent_bytes += written;
    if (client->sent_bytes == load->request_bytes)
        client->state = CLIENT_HEAD;
    return true;
}

static void
client_consume_body(struct client *client, size_t bytes)
{
    if (bytes > client->body_left_bytes)
        errx(1, "the response is longer than its Content-Length");
    client->body_left_bytes -= bytes;
    if (client->body_left_bytes == 0)
        client_answered(client);
}

static bool
client_read_head(struct client *client)
{
    size_t got;
    char *end;
    int r = SSL_read_ex(client->ssl, client->head + client->head_bytes,
        HEAD_LIMIT_BYTES - client->head_bytes, &got);

    if (r != 1) {
        client_must_wait(client, r, "no response came");
        return false;
    }
    client->head_bytes += got;
    client->head[client->head_bytes] = '\0';
    end = strstr(client->head, "\r\n\r\n");
    if (end == NULL) {
        if (client->head_bytes == HEAD_LIMIT_BYTES)
            errx(1, "the response's head is too long");
        return true;
    }
    *end = '\0';
    client->last_of_connection = response_judge(client->head, &client->load->plan);
    client->body_left_bytes = client->load->plan.response_bytes;
    client->state = CLIENT_BODY;
    client_consume_body(client, client->head_bytes - (size_t)(end + 4 - client->head));
    return true;
}

static bool
client_read_body(struct client *client)
{
    struct load *load = client->load;
    size_t got;
    int r = SSL_read_ex(client->ssl, load->scratch, sizeof(load->scratch), &got);

    if (r != 1) {
        client_must_wait(client, r, "the response broke off");
        return false;
    }
    client_consume_body(client, got);
    return true;
}

/* Goes on until the socket has nothing more, which EPOLLET asks for. */
static void
client_step(struct client *client)
{
    bool moved = true;

    /* OpenSSL and client_fail() read both; an old error must not speak. */
    ERR_clear_error();
    errno = 0;
    while (moved) {
        switch (client->state) {
        case CLIENT_RESTING:
            moved = false;
            break;
        case CLIENT_HANDSHAKE:
            moved = client_handshake(client);
            break;
        case CLIENT_SENDING:
            moved = client_send(client);
            break;
        case CLIENT_HEAD:
            moved = client_read_head(client);
            break;
        case CLIENT_BODY:
            moved = client_read_body(client);
            break;
        }
    }
}

/* ---- the load -------------------------------------------------------------- */

static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
    struct client *client = SSL_get_app_data(ssl);

    SSL_SESSION_free(client->session);
    client->session = session;
    return 1; /* the reference is ours now */
}

static void
load_init_tls(struct load *load)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    static const unsigned char alpn[] = "\x08http/1.1";

    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(tls, "X25519") != 1 ||
        SSL_CTX_set_alpn_protos(tls, alpn, sizeof(alpn) - 1) != 0)
        errx(1, "cannot set up TLS 1.3");
    SSL_CTX_set_mode(tls,
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(tls, 1);
    SSL_CTX_set_default_read_buffer_len(tls, SCRATCH_BYTES);
    if (load->plan.reuse == REUSE_SESSION) {
        SSL_CTX_set_session_cache_mode(tls,
            SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(tls, on_ticket);
    }
    load->tls = tls;
}

static void
load_init(struct load *load)
{
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll_fd < 0)
        errx(1, "cannot create an epoll set: %s", strerror(errno));
    load_init_tls(load);
    load->request = request_new(&load->plan, &load->request_bytes);
    load->latencies_us = must_allocate(load->plan.requests, sizeof(uint32_t));
    load->clients = must_allocate(load->plan.clients, sizeof(struct client));
    for (uint32_t i = 0; i < load->plan.clients; i++) {
        load->clients[i].load = load;
        load->clients[i].fd = -1;
    }
}

static void
load_fini(struct load *load)
{
    for (uint32_t i = 0; i < load->plan.clients; i++) {
        client_disconnect(&load->clients[i]);
        SSL_SESSION_free(load->clients[i].session);
    }
    SSL_CTX_free(load->tls);
    close(load->epoll_fd);
    free(load->clients);
    free(load->latencies_us);
    free(load->request);
}

static void
load_run(struct load *load)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    while (load->resting < load->plan.clients) {
        int n = epoll_wait(load->epoll_fd, events, EVENTS_AT_ONCE, SILENCE_LIMIT_MS);

        if (n == 0)
            errx(1, "after %u requests: nothing moved for %d s", load->answered,
                SILENCE_LIMIT_MS / 1000);
        for (int i = 0; i < n; i++)
            client_step(events[i].data.ptr);
    }
}

/* Opens all connections, a few at a time, with one request on each. */
static void
load_open(struct load *load)
{
    while (load->opened < load->plan.clients && load->opened < OPENING_AT_ONCE)
        client_begin(&load->clients[load->opened++]);
    load_run(load);
}

/* The measured part. Returns how long it took. */
static uint64_t
load_measure(struct load *load)
{
    uint64_t begun_ns = now_ns();

    load->measuring = true;
    load->left = load->plan.requests;
    for (uint32_t i = 0; i < load->plan.clients && load->left > 0; i++) {
        load->left--;
        load->resting--;
        client_begin(&load->clients[i]);
        client_step(&load->clients[i]);
    }
    load_run(load);
    return now_ns() - begun_ns;
}

static int
compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void
load_report(struct load *load, uint64_t elapsed_ns)
{
    uint32_t n = load->answered;
    uint32_t p50_us = 0;
    uint32_t p99_us = 0;
    uint32_t longest_us = 0;

    if (n > 0) {
        qsort(load->latencies_us, n, sizeof(uint32_t), compare_u32);
        p50_us = load->latencies_us[(uint64_t)(n - 1) * 50 / 100];
        p99_us = load->latencies_us[(uint64_t)(n - 1) * 99 / 100];
        longest_us = load->latencies_us[n - 1];
    }
    printf("{\"requests\": %u, \"seconds\": %.6f, \"p50_us\": %u, \"p99_us\": %u, "
           "\"max_us\": %u, \"handshakes\": %u, \"resumptions\": %u, "
           "\"cipher\": \"%s\"}\n",
        n, (double)elapsed_ns / 1e9, p50_us, p99_us, longest_us, load->handshakes,
        load->resumptions, load->cipher);
    fflush(stdout);
}

/* Returns when the caller has written a line, or has gone. */
static void
wait_for_caller(void)
{
    int c;

    do
        c = getchar();
    while (c != '\n' && c != EOF);
}

int
main(int argc, char **argv)
{
    static struct load load = {
        .plan = { .clients = 1, .requests = 1, .reuse = REUSE_CONNECTION }
    };

    plan_parse(&load.plan, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    load_init(&load);
    load_open(&load);
    puts("ready");
    fflush(stdout);
    wait_for_caller();
    load_report(&load, load_measure(&load));
    wait_for_caller();
    load_fini(&load);
    return 0;
}
