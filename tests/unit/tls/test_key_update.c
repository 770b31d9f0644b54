/*
 * tests/unit/tls/test_key_update.c - what costs the sender nothing has an end.
 */
#include "base/require.h"
#include "lab.h"

/* A peer that asks and never listens: what we owe it is bounded. */
static void
bounds_what_a_flood_of_key_updates_makes_us_say(void **state)
{
    struct site site;
    struct link link;
    struct raw raw;
    struct tls_stream *s = &link.server.stream;

    (void)state;
    site_open(&site, "mail", NULL);
    link_listen(&link, tls_server_ssl(site.server));
    raw_open(&raw, link.port, NULL, "mail.example.org");
    assert_true(raw_shake(&raw));
    run_until(link.server.established);
    link.server.passive = true; /* as if its socket took nothing: no settle */
    do {
        require(SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
        require(SSL_do_handshake(raw.ssl) == 1);
        uv_run(&lab.loop, UV_RUN_NOWAIT);
        assert_true(s->cipher_out.length < 5 * CHUNK_BYTES);
    } while (tls_stream_read(s, &link.server.got) == TLS_IO_WAIT);
    assert_int_equal(s->fault, FAULT_TLS_FLOOD);
    raw_close(&raw);
    link_close(&link);
    site_close(&site);
}

/* RFC 8446, 4.6.3: each of them has us derive new keys, and may ask for an answer. */
static void
ends_a_flood_of_key_updates(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    for (unsigned i = 0; i < 3000 && !link.server.failed; i++) {
        assert_int_equal(
            SSL_key_update(link.client.stream.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_true(SSL_do_handshake(link.client.stream.ssl) == 1);
        end_step(&link.client);
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    }
    run_until(link.server.failed);
    assert_int_equal(link.server.stream.fault, FAULT_TLS_FLOOD);
    link_close(&link);
    site_close(&site);
}

/* A client that changes its keys now and then between data does what it may. */
static void
lets_key_updates_pass_between_data(void **state)
{
    struct site site;
    struct link link;

    (void)state;
    site_open(&site, "mail", NULL);
    link_shake(&link, tls_server_ssl(site.server), site_call(&site));
    for (unsigned i = 0; i < 3000; i++) {
        SSL_key_update(link.client.stream.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        chunk_queue_append(&link.client.to_send, BYTES("x"));
        end_step(&link.client);
        run_until(!chunk_queue_is_empty(&link.server.got));
        chunk_queue_clear(&link.server.got);
    }
    assert_false(link.server.failed);
    link_close(&link);
    site_close(&site);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_what_a_flood_of_key_updates_makes_us_say),
        cmocka_unit_test(ends_a_flood_of_key_updates),
        cmocka_unit_test(lets_key_updates_pass_between_data),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
