/*
 * tests/unit/tls/lab.c - see lab.h.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/require.h"
#include "base/seal.h"
#include "pki.h"
#include "tls/keyd.h"

#define HANG_S 60

struct lab lab;

/* PKI_P256, valid now and for servers unless it says otherwise. */
#define ORDER(...)                                                                     \
    {                                                                                  \
        .issuer = "ca", __VA_ARGS__                                                    \
    }
static const struct pki_order orders[] = {
    { .name = "ca", .authority = true },
    { .name = "ca2", .authority = true },
    ORDER(.name = "mail", .alt = "DNS:mail.example.org,IP:127.0.0.1"),
    ORDER(.name = "mail-rsa", .alt = "DNS:mail.example.org", .kind = PKI_RSA2048),
    ORDER(.name = "mail-384", .alt = "DNS:mail.example.org", .kind = PKI_P384),
    ORDER(.name = "wild", .alt = "DNS:*.example.net"),
    ORDER(.name = "old", .alt = "DNS:mail.example.org", .from_days = -40,
        .to_days = -10),
    ORDER(.name = "early", .alt = "DNS:mail.example.org", .from_days = 10,
        .to_days = 40),
    ORDER(.name = "other", .alt = "DNS:other.example.org,DNS:b\001d.example.org"),
    ORDER(.name = "mail.example.org"), /* the name stands in the common name only */
    { .name = "lone", .alt = "DNS:mail.example.org" },
    { .name = "lone-other", .alt = "DNS:other.example.org" },
    { .name = "lone-old",
        .alt = "DNS:mail.example.org",
        .from_days = -40,
        .to_days = -10 },
    ORDER(.name = "issuing", .authority = true),
    { .name = "issued", .alt = "DNS:mail.example.org", .issuer = "issuing" },
    { .name = "stranger", .alt = "DNS:mail.example.org", .issuer = "ca2" },
    ORDER(.name = "weak", .alt = "DNS:mail.example.org", .kind = PKI_RSA1024),
    ORDER(.name = "client", .alt = "DNS:mail.example.org", .usage = "clientAuth"),
};

const char *
lab_file(const char *name, const char *extension)
{
    static char paths[16][256];
    static unsigned next;
    char *path = paths[next++ % 16];

    snprintf(path, sizeof paths[0], "%s/%s.%s", lab.folder, name, extension);
    return path;
}

/* --- texts: whoever reads one twice gets the same memory --- */

static struct {
    char path[256], text[4096];
    size_t length;
} texts[32];
static unsigned text_count;

struct bytes
lab_text(const char *name, const char *extension)
{
    const char *path = lab_file(name, extension);
    unsigned i = 0;
    FILE *file;

    while (i < text_count && strcmp(texts[i].path, path) != 0)
        i++;
    if (i == text_count) {
        require(text_count++ < sizeof texts / sizeof texts[0]);
        snprintf(texts[i].path, sizeof texts[i].path, "%s", path);
        file = fopen(path, "re");
        require(file != NULL);
        texts[i].length = fread(texts[i].text, 1, sizeof texts[i].text, file);
        fclose(file);
    }
    return bytes_of(texts[i].text, texts[i].length);
}

struct tls_certificate
lab_certificate(const char *name)
{
    (void)lab_text(name, "pem");
    for (unsigned i = 0; i < text_count; i++) {
        if (strcmp(texts[i].path, lab_file(name, "pem")) == 0)
            return (struct tls_certificate){ .chain_file = texts[i].path,
                .chain = lab_text(name, "pem") };
    }
    return (struct tls_certificate){ .chain_file = NULL };
}

/* --- keyd --- */

static void
seal_key(int fd, const char *name)
{
    BIO *file = BIO_new_file(lab_file(name, "key"), "r");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
    unsigned char *der = NULL;
    int length = i2d_PrivateKey(key, &der);

    require(length > 0 && seal_put(fd, bytes_of(der, (size_t)length)));
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    BIO_free(file);
}

static void
hand_over_keys(void)
{
    static struct ipc_writer w;
    int fd = seal_open("keys");

    require(fd >= 0);
    for (unsigned i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (orders[i].kind != PKI_RSA1024) /* keyd refuses it */
            seal_key(fd, orders[i].name);
    }
    require(seal_shut(fd));
    ipc_begin(&w, IPC_KEYS);
    ipc_put_fd(&w, fd);
    require(ipc_send(lab.control, &w) == IPC_DONE);
    close(fd);
}

int
lab_new_asker(void)
{
    unsigned char every[KEY_SCOPE_BYTES];

    memset(every, 0xff, sizeof every);
    return lab_new_asker_of(bytes_of(every, sizeof every));
}

int
lab_new_asker_of(struct bytes scope)
{
    static struct ipc_writer w;
    static unsigned count; /* a name has one channel */
    char name[32];
    int pair[2];

    require(ipc_pair(pair));
    snprintf(name, sizeof name, "test-%u", count++);
    ipc_begin(&w, IPC_CLIENT);
    ipc_put_string(&w, name);
    ipc_put_bytes(&w, scope);
    ipc_put_fd(&w, pair[1]);
    require(ipc_send(lab.control, &w) == IPC_DONE);
    close(pair[1]);
    return pair[0];
}

void
lab_connect_keys(void)
{
    key_client_set_channel(lab.keys, lab_new_asker());
}

void
lab_start_keyd(void)
{
    static struct ipc_writer w;
    static struct ipc_message m;
    int pair[2];

    require(ipc_pair(pair));
    lab.keyd = fork();
    require(lab.keyd >= 0);
    if (lab.keyd == 0) {
        alarm(HANG_S);
        close(pair[0]);
        _exit(keyd_run(pair[1], geteuid() == 0 ? "nobody" : NULL));
    }
    close(pair[1]);
    lab.control = pair[0];
    hand_over_keys();
    ipc_begin(&w, IPC_BEGIN);
    require(ipc_send(lab.control, &w) == IPC_DONE);
    require(ipc_receive(lab.control, -1, &m) == IPC_DONE && m.tag == IPC_READY);
    ipc_done(&m);
    lab_connect_keys();
}

void
lab_kill_keyd(void)
{
    int status;

    if (lab.keyd == 0)
        return;
    kill(lab.keyd, SIGKILL);
    waitpid(lab.keyd, &status, 0);
    close(lab.control);
    lab.keyd = 0;
}

/* --- the lab --- */

int
lab_open(void **state)
{
    (void)state;
    alarm(HANG_S);
    signal(SIGPIPE, SIG_IGN);
    strcpy(lab.folder, "/tmp/postern-tls-XXXXXX");
    require(mkdtemp(lab.folder) != NULL);
    for (unsigned i = 0; i < sizeof orders / sizeof orders[0]; i++)
        pki_make(lab.folder, &orders[i]);
    require(uv_loop_init(&lab.loop) == 0);
    lab.keys = key_client_new(&lab.loop);
    lab.trust = tls_trust_new();
    tls_tickets_rotate(&lab.tickets);
    lab_start_keyd();
    return 0;
}

int
lab_close(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        unlink(lab_file(orders[i].name, "pem"));
        unlink(lab_file(orders[i].name, "key"));
    }
    rmdir(lab.folder);
    tls_trust_free(&lab.trust);
    lab_kill_keyd();
    key_client_close(lab.keys);
    uv_run(&lab.loop, UV_RUN_DEFAULT); /* nothing else may keep it */
    key_client_free(&lab.keys);
    require(uv_loop_close(&lab.loop) == 0); /* no handle may be left */
    require(chunk_pool_lent() == 0);        /* and no chunk */
    return 0;
}

/* --- ends --- */

void
end_open(struct end *end, enum tls_side side, SSL *ssl)
{
    memset(end, 0, sizeof *end);
    chunk_queue_init(&end->got, 2 * CHUNK_BYTES);
    chunk_queue_init(&end->to_send, 2 * CHUNK_BYTES);
    tls_stream_init(&end->stream, side, &lab.loop, ssl, end_step, end);
}

void
end_step(void *owner)
{
    struct end *end = owner;
    enum tls_io io;

    if (end->passive)
        return;
    io = tls_stream_handshake(&end->stream, &end->note);
    end->established = end->established || io == TLS_IO_MOVED;
    if (io == TLS_IO_MOVED) {
        do
            io = tls_stream_read(&end->stream, &end->got);
        while (io == TLS_IO_MOVED && !chunk_queue_is_full(&end->got));
        end->eof = end->eof || io == TLS_IO_EOF;
    }
    if (io != TLS_IO_FAILED && end->established &&
        !chunk_queue_is_empty(&end->to_send)) {
        enum tls_io out = tls_stream_write(&end->stream, &end->to_send);

        io = out == TLS_IO_FAILED ? out : io;
    }
    end->failed = end->failed || io == TLS_IO_FAILED;
    tls_stream_settle(&end->stream, !end->idle && !chunk_queue_is_full(&end->got));
}

static void
on_end_closed(void *owner)
{
    struct end *end = owner;

    chunk_queue_clear(&end->got);
    chunk_queue_clear(&end->to_send);
    end->closed = true;
}

void
end_close(struct end *end)
{
    if (end->stream.owner == NULL)
        return;
    tls_stream_close(&end->stream, on_end_closed);
    run_until(end->closed);
}

/* --- links --- */

static void
on_connection(uv_poll_t *listener, int status, int events)
{
    struct link *link = listener->data;
    int fd = raw_accept(link->fd);

    require(status == 0 && events == UV_READABLE && !link->accepted && fd >= 0);
    link->accepted = tls_stream_accept(&link->server.stream, fd);
    require(link->accepted);
    end_step(&link->server);
}

static void
on_listener_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;

    link->listener_closed = true;
}

void
link_listen(struct link *link, SSL *server)
{
    memset(link, 0, sizeof *link);
    end_open(&link->server, TLS_SIDE_CLIENT, server);
    link->fd = raw_listen(&link->port);
    require(uv_poll_init_socket(&lab.loop, &link->listener, link->fd) == 0);
    link->listener.data = link;
    require(uv_poll_start(&link->listener, UV_READABLE, on_connection) == 0);
}

void
link_dial(struct link *link, SSL *client, uint16_t port)
{
    struct sockaddr_in address;

    end_open(&link->client, TLS_SIDE_UPSTREAM, client);
    require(uv_ip4_addr("127.0.0.1", port, &address) == 0);
    tls_stream_connect(&link->client.stream, (struct sockaddr *)&address);
    end_step(&link->client);
}

void
link_shake(struct link *link, SSL *server, SSL *client)
{
    link_listen(link, server);
    link_dial(link, client, link->port);
    run_until((link->server.established && link->client.established) ||
        link->server.failed || link->client.failed);
}

void
link_close(struct link *link)
{
    uv_close((uv_handle_t *)&link->listener, on_listener_closed);
    close(link->fd);
    run_until(link->listener_closed);
    end_close(&link->client);
    end_close(&link->server);
}

/* --- sites --- */

void
site_open(struct site *site, const char *certificate, const char *second)
{
    struct note note = { "" };

    memset(site, 0, sizeof *site);
    site->certificates[0] = lab_certificate(certificate);
    if (second != NULL)
        site->certificates[1] = lab_certificate(second);
    site->host = (struct tls_host_policy){ "mail.example.org", site->certificates,
        second == NULL ? 1 : 2 };
    site->listener = (struct tls_listener_policy){ .name = "test",
        .hosts = &site->host,
        .host_count = 1,
        .session_lifetime_s = 300 };
    site->upstream = (struct tls_upstream_policy){ .ca = lab_text("ca", "pem") };
    site->server = tls_server_new(&site->listener, lab.keys, &lab.tickets, &note);
    if (site->server == NULL)
        fail_msg("%s", note.text);
    site->client = tls_client_new(&site->upstream, lab.trust, lab.keys, &note);
    if (site->client == NULL)
        fail_msg("%s", note.text);
}

void
site_close(struct site *site)
{
    tls_server_free(&site->server);
    tls_client_free(&site->client);
}

SSL *
site_call(struct site *site)
{
    return tls_client_ssl(site->client, "mail.example.org", 0);
}

/* --- raw clients --- */

int
raw_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address;

    require(fd >= 0 && uv_ip4_addr("127.0.0.1", port, &address) == 0);
    /* The backlog answers: nobody has to accept for this to end. */
    require(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    require(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

int
raw_listen(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    require(fd >= 0 && uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    require(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    require(listen(fd, 4) == 0);
    require(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

int
raw_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void
raw_open(struct raw *raw, uint16_t port, SSL_CTX *ctx, const char *server_name)
{
    raw->ctx = ctx != NULL ? ctx : SSL_CTX_new(TLS_client_method());
    raw->ssl = SSL_new(raw->ctx);
    raw->fd = raw_connect(port);
    require(raw->ssl != NULL && SSL_set_fd(raw->ssl, raw->fd) == 1);
    SSL_set_connect_state(raw->ssl);
    if (server_name != NULL)
        require(SSL_set_tlsext_host_name(raw->ssl, server_name) == 1);
}

bool
raw_shake(struct raw *raw)
{
    for (;;) {
        int answer, error;

        ERR_clear_error();
        answer = SSL_do_handshake(raw->ssl);
        if (answer == 1)
            return true;
        error = SSL_get_error(raw->ssl, answer);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return false;
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    }
}

void
raw_close(struct raw *raw)
{
    SSL_free(raw->ssl);
    SSL_CTX_free(raw->ctx);
    close(raw->fd);
}
