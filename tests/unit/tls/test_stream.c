/*
 * tests/unit/tls/test_stream.c - bytes arrive, endings are told apart, nothing is kept.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/require.h"
#include "lab.h"

#define LOAD_BYTES ((uint64_t)3 * 1024 * 1024 + 17)

/* The byte at `at` of a stream that repeats at no power of two. */
static unsigned char
pattern(uint64_t at)
{
    return (unsigned char)(at % 251 ^ at / 65521);
}

/* A step on top of end_step: sends LOAD_BYTES of the pattern and checks what comes. */
struct load {
    struct end *end;
    uint64_t sent, received;
};

static void
load_pump(struct load *load)
{
    struct end *end = load->end;

    while (load->sent < LOAD_BYTES && !chunk_queue_is_full(&end->to_send)) {
        size_t room, n = 0;
        unsigned char *to = chunk_queue_room(&end->to_send, &room);

        while (n < room && load->sent < LOAD_BYTES)
            to[n++] = pattern(load->sent++);
        chunk_queue_commit(&end->to_send, n);
    }
    end_step(end);
    while (!chunk_queue_is_empty(&end->got)) {
        struct bytes front = chunk_queue_front(&end->got);

        for (size_t i = 0; i < front.length; i++) {
            if ((unsigned char)front.at[i] != pattern(load->received++))
                fail_msg("byte %zu differs", (size_t)load->received - 1);
        }
        chunk_queue_drop(&end->got, front.length);
    }
    end_step(end);
}

/* Both directions at once, both ends greedy: the classic way to lose bytes. */
static void
exchange_load(struct link *link)
{
    struct load server = { .end = &link->server }, client = { .end = &link->client };

    while (server.received < LOAD_BYTES || client.received < LOAD_BYTES) {
        load_pump(&server);
        load_pump(&client);
        assert_false(link->server.failed || link->client.failed);
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    }
    /* The other end's last write callback may be one turn away. */
    run_until(tls_stream_is_flushed(&link->server.stream) &&
        tls_stream_is_flushed(&link->client.stream));
}

static void
carries_megabytes_both_ways(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    exchange_load(&link);
    assert_true(link.server.stream.bytes_out > LOAD_BYTES);
    assert_true(link.client.stream.bytes_in == link.server.stream.bytes_out);
    link_close(&link);
    site_close(&site);
}

static void
carries_clear_text_both_ways(void **state)
{
    struct link link;

    (void)state;
    link_shake(&link, NULL, NULL);
    exchange_load(&link);
    assert_int_equal(link.server.stream.bytes_out, LOAD_BYTES);
    tls_stream_finish(&link.client.stream);
    end_step(&link.client);
    run_until(link.server.eof);
    assert_int_equal(link.server.stream.fault, FAULT_NONE);
    link_close(&link);
}

static void
holds_no_chunk_when_idle(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    run_until(link.client.stream.bytes_in == link.server.stream.bytes_out);
    assert_int_equal(chunk_pool_lent(), 0);
    link_close(&link);
    site_close(&site);
}

/* What the socket does not take at once is libuv's to finish, and nobody else's. */
static void
sends_the_rest_when_the_socket_has_room(void **state)
{
    static const char data[4 * 1024 * 1024];
    struct link link;
    size_t received = 0;

    (void)state;
    link_shake(&link, NULL, NULL);
    chunk_queue_append(&link.server.to_send, bytes_of(data, sizeof data));
    end_step(&link.server); /* the last time that this end is stepped by hand */
    while (received < sizeof data) {
        uv_run(&lab.loop, UV_RUN_ONCE);
        received += link.client.got.length;
        chunk_queue_clear(&link.client.got);
        end_step(&link.client);
    }
    run_until(tls_stream_is_flushed(&link.server.stream));
    link_close(&link);
}

static void
settle_only(void *owner)
{
    struct end *end = owner;

    tls_stream_settle(&end->stream, true);
}

/* An owner that always wants more and never takes any. */
static void
bounds_what_it_reads(void **state)
{
    static const char data[1024 * 1024];
    struct link link;

    (void)state;
    link_shake(&link, NULL, NULL);
    link.server.stream.wake = settle_only;
    chunk_queue_append(&link.client.to_send, bytes_of(data, sizeof data));
    end_step(&link.client);
    run_until(!link.server.stream.reading);
    assert_true(link.server.stream.cipher_in.length <= 3 * CHUNK_BYTES);
    link_close(&link);
}

/* --- one byte at a time --- */

/* A relay by hand between a client and a server: each turn one byte each way. */
static void
relay_one_byte(int from, int to)
{
    char c;

    if (recv(from, &c, 1, MSG_DONTWAIT) == 1)
        require(send(to, &c, 1, MSG_NOSIGNAL) == 1);
}

static void
survives_single_bytes(void **state)
{
    struct site site;
    struct link link, front;
    int to_server, from_client = -1;

    (void)state;
    site_open(&site, "mail", NULL);
    link_listen(&link, tls_server_ssl(site.server));
    link_listen(&front, NULL); /* only its accepted descriptor is used */
    front.server.passive = true;
    to_server = raw_connect(link.port);
    link_dial(&link, site_call(&site), front.port);
    chunk_queue_append(&link.client.to_send, BYTES("request"));
    chunk_queue_append(&link.server.to_send, BYTES("response"));
    while (link.client.got.length < 8 || link.server.got.length < 7) {
        uv_run(&lab.loop, UV_RUN_NOWAIT);
        if (front.accepted && from_client < 0)
            require(
                uv_fileno((uv_handle_t *)&front.server.stream.tcp, &from_client) == 0);
        if (from_client >= 0) {
            relay_one_byte(from_client, to_server);
            relay_one_byte(to_server, from_client);
        }
        assert_false(link.server.failed || link.client.failed);
    }
    assert_memory_equal(chunk_queue_front(&link.server.got).at, "request", 7);
    close(to_server);
    front.client.stream.owner = NULL; /* never dialled */
    link_close(&front);
    link_close(&link);
    site_close(&site);
}

/* --- endings --- */

static void
tells_close_notify_from_truncation(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    chunk_queue_append(&link.server.to_send, BYTES("last words"));
    end_step(&link.server);
    tls_stream_finish(&link.server.stream);
    end_step(&link.server);
    run_until(link.client.eof && tls_stream_is_flushed(&link.server.stream));
    assert_int_equal(link.client.got.length, 10);
    assert_int_equal(link.client.stream.fault, FAULT_NONE);
    /* The client's half still works: finish is not close. */
    chunk_queue_append(&link.client.to_send, BYTES("answer"));
    end_step(&link.client);
    run_until(link.server.got.length == 6);
    end_close(&link.client); /* without a word */
    run_until(link.server.failed);
    assert_int_equal(link.server.stream.fault, FAULT_CLIENT_TRUNCATED);
    link_close(&link);

    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    end_close(&link.server);
    run_until(link.client.failed);
    assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_TRUNCATED);
    link_close(&link);
    site_close(&site);
}

/* Some wait for our close_notify before they send a FIN: both would wait for ever. */
static void
sees_the_end_without_a_fin(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    run_until(chunk_pool_lent() == 0); /* the ticket is through */
    link.client.passive = true;
    chunk_queue_append(&link.client.to_send, BYTES("bye"));
    assert_int_equal(tls_stream_write(&link.client.stream, &link.client.to_send),
        TLS_IO_MOVED);
    require(SSL_shutdown(link.client.stream.ssl) == 0);
    tls_stream_settle(&link.client.stream, true); /* both in one segment */
    run_until(link.server.got.length == 3);
    assert_true(link.server.eof);
    assert_false(link.server.stream.transport_eof);
    link_close(&link);
    site_close(&site);
}

/* A full queue has room for one more record: without it the end would be a truncation. */
static void
says_goodbye_behind_a_full_queue(void **state)
{
    static const char data[6 * CHUNK_BYTES];
    struct site site;
    struct link link;
    struct tls_stream *s = &link.server.stream;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    link.server.passive = true; /* as if its socket took nothing: no settle */
    chunk_queue_append(&link.server.to_send, bytes_of(data, sizeof data));
    assert_int_equal(tls_stream_write(s, &link.server.to_send), TLS_IO_MOVED);
    assert_true(chunk_queue_is_full(&s->cipher_out));
    chunk_queue_clear(&link.server.to_send);
    tls_stream_finish(s);
    link.server.passive = false;
    end_step(&link.server);
    while (!link.client.eof && !link.client.failed) {
        uv_run(&lab.loop, UV_RUN_ONCE);
        chunk_queue_clear(&link.client.got);
        end_step(&link.client);
    }
    assert_true(link.client.eof);
    link_close(&link);
    site_close(&site);
}

static void
is_quiet_until_something_comes(void **state)
{
    struct link link;

    (void)state;
    link_shake(&link, NULL, NULL);
    assert_true(tls_stream_is_quiet(&link.server.stream));
    link.server.idle = true;
    end_step(&link.server);
    chunk_queue_append(&link.client.to_send, BYTES("uncalled for"));
    end_step(&link.client);
    run_until(!tls_stream_is_quiet(&link.server.stream));
    link.server.idle = false;
    end_step(&link.server);
    run_until(tls_stream_is_quiet(&link.server.stream));
    link.server.idle = true;
    end_step(&link.server);
    tls_stream_finish(&link.client.stream);
    end_step(&link.client);
    run_until(!tls_stream_is_quiet(&link.server.stream)); /* an end is something, too */
    link_close(&link);
}

static void
reset_by_hand(struct end *end)
{
    struct linger now = { 1, 0 };
    uv_os_fd_t fd;

    require(uv_fileno((uv_handle_t *)&end->stream.tcp, &fd) == 0);
    require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    end_close(end);
}

static void
tells_resets(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    reset_by_hand(&link.client);
    run_until(link.server.failed);
    assert_int_equal(link.server.stream.fault, FAULT_CLIENT_RESET);
    assert_int_equal(link.server.stream.transport_error, UV_ECONNRESET);
    link_close(&link);

    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    reset_by_hand(&link.server);
    run_until(link.client.failed);
    assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_RESET);
    link_close(&link);
    site_close(&site);
}

/* What came before a reset is delivered first: an early 413 must reach the client. */
static void
delivers_what_came_before_a_reset(void **state)
{
    struct link link;

    (void)state;
    link_shake(&link, NULL, NULL);
    link.client.idle = true;
    end_step(&link.client);
    chunk_queue_append(&link.server.to_send, BYTES("early"));
    end_step(&link.server);
    run_until(tls_stream_is_flushed(&link.server.stream));
    reset_by_hand(&link.server);
    link.client.idle = false;
    end_step(&link.client);
    run_until(link.client.failed);
    assert_int_equal(link.client.got.length, 5);
    assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_RESET);
    link_close(&link);
}

static void
says_why_it_cannot_connect(void **state)
{
    struct site site;
    struct link link;
    uint16_t port;

    (void)state;
    site_open(&site, "mail", NULL);
    link_listen(&link, NULL);
    port = link.port;
    link_dial(&link, NULL, port); /* only to have both ends */
    link_close(&link);
    link_dial(&link, site_call(&site), port);
    run_until(link.client.failed);
    assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_CONNECT);
    assert_string_equal(link.client.note.text, "connection refused");
    end_close(&link.client);
    site_close(&site);
}

static void
tells_its_own_want_from_a_refusal(void **state)
{
    struct rlimit limit, none;
    struct link link;

    (void)state;
    link_listen(&link, NULL);
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = (struct rlimit){ 0, limit.rlim_max };
    require(setrlimit(RLIMIT_NOFILE, &none) == 0);
    link_dial(&link, NULL, link.port);
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    assert_true(link.client.failed);
    assert_int_equal(link.client.stream.fault, FAULT_NO_SOCKET);
    assert_string_equal(link.client.note.text, "too many open files");
    link_close(&link);
}

/* --- not TLS --- */

static void
answers_clear_text_with_an_alert_only(void **state)
{
    static const unsigned char alert[7] = { 21, 3, 3, 0, 2, 2, 10 };
    struct site site;
    struct link link;
    unsigned char answer[64];
    ssize_t n;
    int fd;

    (void)state;
    site_open(&site, "mail", NULL);
    link_listen(&link, tls_server_ssl(site.server));
    fd = raw_connect(link.port);
    require(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, 0) == 18);
    run_until(link.server.failed && tls_stream_is_flushed(&link.server.stream));
    assert_int_equal(link.server.stream.fault, FAULT_TLS_CLEAR_TEXT);
    tls_stream_finish(&link.server.stream);
    end_step(&link.server);
    run_until(tls_stream_is_flushed(&link.server.stream));
    n = recv(fd, answer, sizeof answer, 0);
    assert_int_equal(n, sizeof alert);
    assert_memory_equal(answer, alert, sizeof alert);
    assert_int_equal(recv(fd, answer, sizeof answer, 0), 0);
    /* Still listening, only to keep a RST from overtaking the alert. */
    require(send(fd, "more", 4, 0) == 4);
    shutdown(fd, SHUT_WR);
    run_until(link.server.stream.transport_eof);
    assert_int_equal(chunk_pool_lent(), 0);
    close(fd);
    link_close(&link);
    site_close(&site);
}

/* An alert in place of a ClientHello is a strange TLS client, not somebody's password. */
static void
tells_an_alert_from_clear_text(void **state)
{
    static const unsigned char alert[7] = { 21, 3, 3, 0, 2, 2, 40 };
    struct site site;
    struct link link;
    int fd;

    (void)state;
    site_open(&site, "mail", NULL);
    link_listen(&link, tls_server_ssl(site.server));
    fd = raw_connect(link.port);
    require(send(fd, alert, sizeof alert, 0) == sizeof alert);
    run_until(link.server.failed);
    assert_int_equal(link.server.stream.fault, FAULT_TLS_HANDSHAKE);
    close(fd);
    link_close(&link);
    site_close(&site);
}

static void
calls_a_broken_record_by_its_name(void **state)
{
    struct site site;
    struct link link;
    uv_os_fd_t fd;
    static const unsigned char forged[] = { 23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9,
        10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    require(uv_fileno((uv_handle_t *)&link.client.stream.tcp, &fd) == 0);
    require(send(fd, forged, sizeof forged, 0) == sizeof forged);
    run_until(link.server.failed);
    assert_int_equal(link.server.stream.fault, FAULT_TLS_RECORD);
    run_until(link.client.failed); /* the alert came */
    assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_TLS);
    link_close(&link);
    site_close(&site);
}

static void
begins_tls_on_what_was_only_looked_at(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_listen(&link, NULL);
    link.server.passive = true;
    link_dial(&link, site_call(&site), link.port);
    run_until(link.accepted);
    tls_stream_settle(&link.server.stream, true);
    run_until(tls_stream_unread(&link.server.stream)->length > 100);
    tls_stream_begin_tls(&link.server.stream, tls_server_ssl(site.server));
    link.server.passive = false;
    end_step(&link.server);
    run_until(link.client.established && link.server.established);
    link_close(&link);
    site_close(&site);
}

static void
knows_facts(void **state)
{
    struct site site;
    struct link link;
    struct tls_facts facts;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    tls_stream_facts(&link.server.stream, &facts);
    assert_string_equal(facts.version, "1.3");
    assert_string_equal(facts.cipher, "TLS_AES_128_GCM_SHA256");
    assert_string_equal(facts.server_name, "mail.example.org");
    assert_string_equal(facts.curve, "x25519");
    assert_false(facts.resumed);
    link_close(&link);
    site_close(&site);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_megabytes_both_ways),
        cmocka_unit_test(carries_clear_text_both_ways),
        cmocka_unit_test(sends_the_rest_when_the_socket_has_room),
        cmocka_unit_test(bounds_what_it_reads),
        cmocka_unit_test(holds_no_chunk_when_idle),
        cmocka_unit_test(survives_single_bytes),
        cmocka_unit_test(tells_close_notify_from_truncation),
        cmocka_unit_test(sees_the_end_without_a_fin),
        cmocka_unit_test(says_goodbye_behind_a_full_queue),
        cmocka_unit_test(is_quiet_until_something_comes),
        cmocka_unit_test(tells_resets),
        cmocka_unit_test(delivers_what_came_before_a_reset),
        cmocka_unit_test(says_why_it_cannot_connect),
        cmocka_unit_test(tells_its_own_want_from_a_refusal),
        cmocka_unit_test(answers_clear_text_with_an_alert_only),
        cmocka_unit_test(tells_an_alert_from_clear_text),
        cmocka_unit_test(calls_a_broken_record_by_its_name),
        cmocka_unit_test(begins_tls_on_what_was_only_looked_at),
        cmocka_unit_test(knows_facts),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
