/*
 * tests/unit/tls/test_key_turn.c - handshakes that wait for keyd, which the test plays.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/require.h"
#include "played.h"

/* --- waiting --- */

static void
others_go_on_while_one_waits(void **state)
{
    struct played keyd;
    struct site site;
    struct link first, waits;
    uint32_t number;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&first, tls_server_ssl(site.server), site_call(&site));
    link_run_until_established(&first);
    played_open(&keyd);
    site_dial(&site, &waits);
    run_until(link_is_asking(&waits));
    chunk_queue_append(&first.client.to_send, bytes_of("hello", 5));
    end_step(&first.client);
    run_until(first.server.got.length == 5);
    assert_true(link_is_asking(&waits));
    number = played_take(&keyd);
    played_sign(&keyd, number);
    link_run_until_established(&waits);
    link_close(&first);
    link_close(&waits);
    played_close(&keyd);
    site_close(&site);
}

static void
a_resumed_session_asks_nobody(void **state)
{
    struct played keyd;
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    link_run_until_established(&link);
    chunk_queue_append(&link.server.to_send, bytes_of("hello", 5));
    end_step(&link.server);
    run_until(link.client.got.length == 5); /* and with it the ticket */
    tls_stream_finish(&link.client.stream); /* libssl resumes none that was cut */
    link_close(&link);
    played_open(&keyd);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    link_run_until_established(&link);
    assert_int_equal(SSL_session_reused(link.server.stream.ssl), 1);
    assert_false(played_is_asked(&keyd));
    link_close(&link);
    played_close(&keyd);
    site_close(&site);
}

static void
a_client_certificate_waits_too(void **state)
{
    struct tls_upstream_policy policy = { .ca = lab_text("ca", "pem"),
        .certificate = lab_certificate("client") };
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    struct played keyd;
    struct tls_client *client;
    struct link link;
    struct note note;

    (void)state;
    require(SSL_CTX_use_certificate_file(ctx, lab_file("mail", "pem"), 1) == 1);
    require(SSL_CTX_use_PrivateKey_file(ctx, lab_file("mail", "key"), 1) == 1);
    require(SSL_CTX_load_verify_file(ctx, lab_file("ca", "pem")) == 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    client = tls_client_new(&policy, lab.trust, lab.keys, &note);
    require(client != NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL *ssl = tls_client_ssl(client, "mail.example.org", 0);

        SSL_set_max_proto_version(ssl, version);
        played_open(&keyd);
        link_listen(&link, SSL_new(ctx));
        link.server.passive = true; /* no host was chosen: only libssl plays along */
        link_dial(&link, ssl, link.port);
        while (!key_turn_is_waiting(&link.client.stream.turn)) {
            (void)SSL_do_handshake(link.server.stream.ssl);
            tls_stream_settle(&link.server.stream, true);
            uv_run(&lab.loop, UV_RUN_ONCE);
        }
        played_sign(&keyd, played_take(&keyd));
        while (SSL_do_handshake(link.server.stream.ssl) != 1) {
            tls_stream_settle(&link.server.stream, true);
            uv_run(&lab.loop, UV_RUN_ONCE);
        }
        assert_int_equal(SSL_version(ssl), version);
        tls_stream_settle(&link.server.stream, true);
        run_until(link.client.established);
        link_close(&link);
        played_close(&keyd);
    }
    tls_client_free(&client);
    SSL_CTX_free(ctx);
}

/* --- trouble --- */

static void
a_successor_is_asked_what_a_dead_keyd_was(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    lab_kill_keyd();
    site_dial(&site, &link);
    run_until(link_is_asking(&link));
    lab_start_keyd();
    link_run_until_established(&link);
    link_close(&link);
    site_close(&site);
}

static void
a_question_that_kills_is_not_put_for_ever(void **state)
{
    struct played keyd;
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    site_dial(&site, &link);
    for (unsigned i = 0; i < 3; i++) {
        (void)played_take(&keyd);
        played_die(&keyd);
    }
    link_expect_no_key(&link);
    assert_false(played_is_asked(&keyd));
    link_close(&link);
    played_close(&keyd);
    site_close(&site);
}

static void
waiting_ends_with_an_alert(void **state)
{
    struct played keyd;
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    site_dial(&site, &link);
    assert_false(key_turn_refuse(&link.server.stream.turn)); /* not there yet */
    run_until(link_is_asking(&link));
    assert_true(key_turn_refuse(&link.server.stream.turn));
    end_step(&link.server);
    link_expect_no_key(&link);
    link_close(&link);
    played_close(&keyd);
    site_close(&site);
}

static void
a_refusal_of_keyd_ends_with_an_alert(void **state)
{
    static const enum key_status refusals[] = { KEY_UNKNOWN, KEY_REFUSED };
    struct played keyd;
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    for (unsigned i = 0; i < 2; i++) {
        played_open(&keyd);
        site_dial(&site, &link);
        played_answer(&keyd, played_take(&keyd), refusals[i], bytes_of("", 0));
        link_expect_no_key(&link);
        link_close(&link);
        played_close(&keyd);
    }
    site_close(&site);
}

static void
only_its_own_answer_is_taken_and_once(void **state)
{
    struct played keyd;
    struct site site;
    struct link link;
    uint32_t number;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    site_dial(&site, &link);
    number = played_take(&keyd);
    played_answer(&keyd, number + 1, KEY_SIGNED, bytes_of("forged", 6));
    played_answer(&keyd, 0, KEY_REFUSED, bytes_of("", 0));
    played_sign(&keyd, number);
    played_answer(&keyd, number, KEY_SIGNED, bytes_of("forged", 6));
    link_run_until_established(&link);
    link_close(&link);
    site_dial(&site, &link); /* the channel is as good as before */
    played_sign(&keyd, played_take(&keyd));
    link_run_until_established(&link);
    link_close(&link);
    played_close(&keyd);
    site_close(&site);
}

static void
what_is_no_answer_ends_the_channel(void **state)
{
    static const unsigned char long_one[KEY_SIGNATURE_BYTES + 1];
    struct played keyd;
    struct site site;
    struct link link;
    uint32_t number;
    char byte;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    site_dial(&site, &link);
    number = played_take(&keyd);
    require(send(keyd.fd, "garbage", 7, 0) == 7);
    run_until(recv(keyd.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
    played_close(&keyd); /* and with the next one it goes on */
    link_run_until_established(&link);
    link_close(&link);
    played_open(&keyd);
    site_dial(&site, &link);
    number = played_take(&keyd);
    played_answer(&keyd, number, KEY_SIGNED, bytes_of(long_one, sizeof long_one));
    link_expect_no_key(&link);
    link_close(&link);
    played_close(&keyd);
    site_close(&site);
}

static void
a_connection_may_end_while_it_waits(void **state)
{
    struct played keyd;
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    site_dial(&site, &link);
    run_until(link_is_asking(&link));
    link_close(&link);
    played_answer(&keyd, played_take(&keyd), KEY_SIGNED, bytes_of("late", 4));
    site_dial(&site, &link);
    played_sign(&keyd, played_take(&keyd));
    link_run_until_established(&link);
    link_close(&link);
    played_close(&keyd);
    site_close(&site);
}

static void
a_client_that_leaves_asks_for_no_more(void **state)
{
    struct played keyd;
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    site_dial(&site, &link);
    run_until(link_is_asking(&link));
    end_close(&link.client);
    run_until(link.server.failed);
    assert_int_equal(link.server.stream.fault, FAULT_TLS_CLOSED);
    assert_int_equal(link.server.stream.turn.state, KEY_TURN_NONE);
    link.client.stream.owner = NULL;
    link_close(&link);
    played_close(&keyd);
    site_close(&site);
}

/* --- the stack of a job --- */

#define STACK_BYTES 32768 /* crypto/async/arch/async_posix.c */
#define UNTOUCHED 0xa5

/* OpenSSL 3.0 takes its stacks from here, and puts no guard page behind them. */
static unsigned char *stacks[KEY_TURNS];
static unsigned stack_count;

static void *
remember_stack(size_t bytes, const char *file, int line)
{
    unsigned char *at = malloc(bytes);

    (void)file;
    (void)line;
    if (bytes == STACK_BYTES && at != NULL && stack_count < KEY_TURNS) {
        memset(at, UNTOUCHED, bytes);
        stacks[stack_count++] = at;
    }
    return at;
}

static void *
resize(void *at, size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(at, bytes);
}

static void
forget_stack(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    for (unsigned i = 0; i < stack_count; i++) {
        if (stacks[i] == at)
            stacks[i] = stacks[--stack_count];
    }
    free(at);
}

static void
a_job_leaves_half_of_its_stack(void **state)
{
    unsigned deepest = 0;

    (void)state;
    assert_true(stack_count > 0); /* all scenes before this one have run on them */
    for (unsigned i = 0; i < stack_count; i++) {
        unsigned left = 0;

        while (left < STACK_BYTES && stacks[i][left] == UNTOUCHED)
            left++;
        if (STACK_BYTES - left > deepest)
            deepest = STACK_BYTES - left;
    }
    print_message("# a job used %u bytes of its stack\n", deepest);
    assert_true(deepest < STACK_BYTES / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_go_on_while_one_waits),
        cmocka_unit_test(a_resumed_session_asks_nobody),
        cmocka_unit_test(a_client_certificate_waits_too),
        cmocka_unit_test(a_successor_is_asked_what_a_dead_keyd_was),
        cmocka_unit_test(a_question_that_kills_is_not_put_for_ever),
        cmocka_unit_test(waiting_ends_with_an_alert),
        cmocka_unit_test(a_refusal_of_keyd_ends_with_an_alert),
        cmocka_unit_test(only_its_own_answer_is_taken_and_once),
        cmocka_unit_test(what_is_no_answer_ends_the_channel),
        cmocka_unit_test(a_connection_may_end_while_it_waits),
        cmocka_unit_test(a_client_that_leaves_asks_for_no_more),
        cmocka_unit_test(a_job_leaves_half_of_its_stack),
    };

    require(CRYPTO_set_mem_functions(remember_stack, resize, forget_stack) == 1);
    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
