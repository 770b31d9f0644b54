/*
 * tests/unit/tls/test_upstream.c - no upstream is believed without proof.
 *
 * The upstream is a plain OpenSSL server with a certificate that deserves its
 * verdict; the client is the product's.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/require.h"
#include "tls/tls_gate.h"
#include "upstream.h"

/* --- verdicts --- */

static void
gives_each_bad_certificate_its_own_verdict(void **state)
{
    static const struct {
        const char *certificate;
        enum fault fault;
        const char *note; /* part of it */
    } rows[] = {
        { "mail", FAULT_NONE, "" },
        { "mail-rsa", FAULT_NONE, "" },
        { "old", FAULT_UPSTREAM_CERT_EXPIRED, "it expired on 20" },
        { "early", FAULT_UPSTREAM_CERT_EARLY, "it becomes valid on 20" },
        { "other", FAULT_UPSTREAM_CERT_NAME,
            "it is valid for: other.example.org, b?d.example.org" },
        { "wild", FAULT_UPSTREAM_CERT_NAME, "it is valid for: *.example.net" },
        { "mail.example.org", FAULT_UPSTREAM_CERT_NAME, "common name does not count" },
        { "lone", FAULT_UPSTREAM_CERT_CHAIN, "self-signed" },
        { "stranger", FAULT_UPSTREAM_CERT_CHAIN, "issuer is /CN=ca2" },
        { "weak", FAULT_UPSTREAM_CERT_WEAK, "too weak" },
        { "client", FAULT_UPSTREAM_CERT_PURPOSE, "purpose" },
    };
    struct tls_upstream_policy policy = { .verify_name = NULL };
    struct tls_client *client = new_client(&policy);

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            struct upstream u;
            struct link link;

            upstream_open(&u, rows[i].certificate);
            SSL_CTX_set_max_proto_version(u.ctx, version);
            call(&link, &u, client, "mail.example.org", i);
            if (link.client.stream.fault != rows[i].fault ||
                strstr(link.client.note.text, rows[i].note) == NULL)
                fail_msg("%s: %s (%s)", rows[i].certificate,
                    fault_symbol(link.client.stream.fault), link.client.note.text);
            /* Not a byte of ours goes to whom we do not believe. */
            assert_int_equal(link.client.established, rows[i].fault == FAULT_NONE);
            end_close(&link.client);
            upstream_close(&u);
        }
    }
    tls_client_free(&client);
}

static void
checks_the_name_that_the_operator_wrote(void **state)
{
    struct tls_upstream_policy policy = { .verify_name = "mail.example.org" };
    struct tls_client *client = new_client(&policy);
    struct upstream u;
    struct link link;

    (void)state;
    upstream_open(&u, "mail");
    call(&link, &u, client, "10.0.0.1", 0);
    assert_true(link.client.established);
    assert_string_equal(SSL_get_servername(u.ssl, TLSEXT_NAMETYPE_host_name),
        "mail.example.org");
    end_close(&link.client);
    upstream_close(&u);
    tls_client_free(&client);
}

static void
checks_an_address_as_an_address(void **state)
{
    struct tls_upstream_policy policy = { .verify_name = NULL };
    struct tls_client *client = new_client(&policy);
    struct upstream u;
    struct link link;

    (void)state;
    upstream_open(&u, "mail");
    call(&link, &u, client, "127.0.0.1", 0);
    assert_true(link.client.established);
    assert_null(SSL_get_servername(u.ssl, TLSEXT_NAMETYPE_host_name));
    end_close(&link.client);
    upstream_hang_up(&u);
    call(&link, &u, client, "127.0.0.2", 1);
    assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_CERT_NAME);
    end_close(&link.client);
    upstream_close(&u);
    tls_client_free(&client);
}

static void
refuses_weak_upstreams(void **state)
{
    static const struct {
        int version;
        const char *ciphers;
    } rows[] = {
        { TLS1_VERSION, "ALL:@SECLEVEL=0" },
        { TLS1_1_VERSION, "ALL:@SECLEVEL=0" },
        { TLS1_2_VERSION, "AES128-GCM-SHA256:@SECLEVEL=0" },
        { TLS1_2_VERSION, "aNULL:@SECLEVEL=0" },
    };
    struct tls_upstream_policy policy = { .verify_name = NULL };
    struct tls_client *client = new_client(&policy);

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct upstream u;
        struct link link;

        upstream_open(&u, "mail-rsa");
        SSL_CTX_set_min_proto_version(u.ctx, rows[i].version);
        SSL_CTX_set_max_proto_version(u.ctx, rows[i].version);
        require(SSL_CTX_set_cipher_list(u.ctx, rows[i].ciphers) == 1);
        call(&link, &u, client, "mail.example.org", 0);
        assert_true(link.client.failed);
        if (link.client.stream.fault != FAULT_UPSTREAM_TLS_WEAK &&
            link.client.stream.fault != FAULT_UPSTREAM_TLS)
            fail_msg("row %u: %s", i, fault_symbol(link.client.stream.fault));
        if (rows[i].version < TLS1_2_VERSION)
            assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_TLS_WEAK);
        end_close(&link.client);
        upstream_close(&u);
    }
    tls_client_free(&client);
}

/* Without forward secrecy, which only a mistake of ours could ever offer. */
static void
looks_again_after_the_handshake(void **state)
{
    struct tls_upstream_policy policy = { .verify_name = NULL };
    struct tls_client *client = new_client(&policy);
    struct upstream u;
    struct link link;
    SSL *ssl = tls_client_ssl(client, "mail.example.org", 0);

    (void)state;
    upstream_open(&u, "mail-rsa");
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    require(SSL_set_cipher_list(ssl, "AES128-GCM-SHA256") == 1);
    memset(&link, 0, sizeof link);
    link_dial(&link, ssl, u.port);
    while (!link.client.failed && !link.client.established) {
        uv_run(&lab.loop, UV_RUN_NOWAIT);
        upstream_turn(&u);
    }
    assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_TLS_WEAK);
    end_close(&link.client);
    upstream_close(&u);
    tls_client_free(&client);
}

static void
calls_what_is_not_tls_a_failed_handshake(void **state)
{
    struct tls_upstream_policy policy = { .verify_name = NULL };
    struct tls_client *client = new_client(&policy);
    struct link link;

    (void)state;
    link_listen(&link, NULL);
    chunk_queue_append(&link.server.to_send, BYTES("220 smtp.example.org ESMTP\r\n"));
    link_dial(&link, tls_client_ssl(client, "mail.example.org", 0), link.port);
    run_until(link.client.failed);
    assert_int_equal(link.client.stream.fault, FAULT_UPSTREAM_TLS);
    link_close(&link);
    tls_client_free(&client);
}

/* --- a certificate of our own --- */

static void
shows_its_own_certificate_through_keyd(void **state)
{
    struct tls_upstream_policy policy = { .verify_name = NULL };
    struct tls_client *client;
    struct upstream u;
    struct link link;

    (void)state;
    policy.certificate = lab_certificate("client");
    client = new_client(&policy);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        upstream_open(&u, "mail");
        SSL_CTX_set_max_proto_version(u.ctx, version);
        SSL_CTX_set_verify(u.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
            NULL);
        SSL_CTX_set_session_id_context(u.ctx, (const unsigned char *)"t", 1);
        require(SSL_CTX_load_verify_file(u.ctx, lab_file("ca", "pem")) == 1);
        call(&link, &u, client, "mail.example.org", 0);
        assert_true(link.client.established);
        assert_non_null(SSL_get0_peer_certificate(u.ssl));
        end_close(&link.client);
        upstream_close(&u);
    }
    tls_client_free(&client);
}

/* --- resumption --- */

static bool
call_resumes(struct upstream *u, struct tls_client *client, const char *host,
    unsigned server, time_t *ends)
{
    struct link link;
    bool resumed;

    call(&link, u, client, host, server);
    if (!link.client.established)
        fail_msg("%s", link.client.note.text);
    resumed = SSL_session_reused(link.client.stream.ssl) == 1;
    *ends = tls_client_chain_ends(link.client.stream.ssl);
    tls_stream_finish(&link.client.stream);
    end_step(&link.client);
    end_close(&link.client);
    upstream_hang_up(u);
    return resumed;
}

static void
resumes_only_with_the_same_server_and_name(void **state)
{
    struct tls_upstream_policy policy = { .verify_name = NULL };

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_client *client = new_client(&policy);
        time_t ends = 0, again = 0;
        struct upstream u;

        upstream_open(&u, "mail");
        SSL_CTX_set_max_proto_version(u.ctx, version);
        assert_false(call_resumes(&u, client, "mail.example.org", 0, &ends));
        assert_true(ends > time(NULL) + 29 * 86400 && ends < time(NULL) + 31 * 86400);
        assert_true(call_resumes(&u, client, "mail.example.org", 0, &again));
        assert_true(again == ends); /* although it saw no certificate */
        assert_true(call_resumes(&u, client, "mail.example.org", 0, &again));
        assert_true(again == ends);
        assert_false(call_resumes(&u, client, "mail.example.org", 1, &again));
        assert_false(call_resumes(&u, client, "127.0.0.1", 0, &again));
        upstream_close(&u);
        tls_client_free(&client);
    }
}

/* Finds the time that the product keeps with a session, wherever, and puts it back. */
static void
pretend_chain_ended(SSL *ssl)
{
    SSL_SESSION *session = SSL_get_session(ssl);
    time_t ends = tls_client_chain_ends(ssl);

    for (int i = 0; i < 8; i++) {
        if ((time_t)(intptr_t)SSL_SESSION_get_ex_data(session, i) == ends)
            SSL_SESSION_set_ex_data(session, i, (void *)(intptr_t)(time(NULL) - 1));
    }
    assert_true(tls_client_chain_ends(ssl) < time(NULL));
}

static void
does_not_resume_past_the_end_of_the_chain(void **state)
{
    struct tls_upstream_policy policy = { .verify_name = NULL };
    struct tls_client *client = new_client(&policy);
    struct upstream u;
    struct link link;
    time_t ends;

    (void)state;
    upstream_open(&u, "mail");
    call(&link, &u, client, "mail.example.org", 0);
    pretend_chain_ended(link.client.stream.ssl);
    tls_stream_finish(&link.client.stream);
    end_step(&link.client);
    end_close(&link.client);
    upstream_hang_up(&u);
    assert_false(call_resumes(&u, client, "mail.example.org", 0, &ends));
    /* Nor when it ends between the offer and the handshake. */
    call(&link, &u, client, "mail.example.org", 0);
    assert_int_equal(SSL_session_reused(link.client.stream.ssl), 1);
    pretend_chain_ended(link.client.stream.ssl);
    assert_int_equal(tls_gate_upstream(link.client.stream.ssl, NULL),
        FAULT_UPSTREAM_CERT_EXPIRED);
    end_close(&link.client);
    upstream_close(&u);
    tls_client_free(&client);
}

/* A thousand upstreams that trust the same authorities hold them once. */
static void
shares_authorities(void **state)
{
    X509_STORE *one = tls_trust_store(lab.trust, lab_text("ca", "pem"));
    X509_STORE *again = tls_trust_store(lab.trust, lab_text("ca", "pem"));
    X509_STORE *other = tls_trust_store(lab.trust, lab_text("ca2", "pem"));

    (void)state;
    assert_non_null(one);
    assert_ptr_equal(one, again);
    assert_ptr_not_equal(one, other);
    X509_STORE_free(one);
    X509_STORE_free(again);
    X509_STORE_free(other);
}

static void
says_whose_authorities_are_missing(void **state)
{
    struct tls_upstream_policy policy = { .ca_file = "/etc/none.pem",
        .ca = BYTES("no certificate") };
    struct note note = { "" };

    (void)state;
    assert_null(tls_client_new(&policy, lab.trust, lab.keys, &note));
    assert_non_null(strstr(note.text, "/etc/none.pem"));
    policy = (struct tls_upstream_policy){ .ca_file = NULL };
    assert_null(tls_client_new(&policy, lab.trust, lab.keys, &note));
    assert_non_null(strstr(note.text, "the system's"));
}

#define NAGS 4000 /* twice what fills cipher_out */

/* One message that costs a server nothing and asks us for an answer. */
static void
upstream_nag(struct upstream *u)
{
    ERR_clear_error();
    if (SSL_version(u->ssl) == TLS1_2_VERSION)
        require(SSL_renegotiate(u->ssl) == 1); /* HelloRequest */
    else
        require(SSL_key_update(u->ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
    (void)SSL_do_handshake(u->ssl); /* the socket may be full */
}

static void
bounds_what_a_server_makes_us_say(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct tls_upstream_policy policy = { .verify_name = NULL };
    struct tls_client *client = new_client(&policy);

    (void)state;
    for (unsigned i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct upstream u;
        struct link link;
        struct tls_stream *s = &link.client.stream;
        enum tls_io io = TLS_IO_WAIT;

        upstream_open(&u, "mail");
        SSL_CTX_set_max_proto_version(u.ctx, versions[i]);
        call(&link, &u, client, "mail.example.org", i);
        link.client.passive = true; /* as if its socket took nothing: no settle */
        for (unsigned n = 0; n < NAGS && io == TLS_IO_WAIT; n++) {
            upstream_nag(&u);
            uv_run(&lab.loop, UV_RUN_NOWAIT);
            io = tls_stream_read(s, &link.client.got);
            assert_true(s->cipher_out.length < 5 * CHUNK_BYTES);
        }
        assert_int_not_equal(io, TLS_IO_MOVED);
        assert_int_equal(SSL_version(s->ssl), versions[i]);
        end_close(&link.client);
        upstream_close(&u);
    }
    tls_client_free(&client);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_each_bad_certificate_its_own_verdict),
        cmocka_unit_test(checks_the_name_that_the_operator_wrote),
        cmocka_unit_test(checks_an_address_as_an_address),
        cmocka_unit_test(refuses_weak_upstreams),
        cmocka_unit_test(looks_again_after_the_handshake),
        cmocka_unit_test(calls_what_is_not_tls_a_failed_handshake),
        cmocka_unit_test(shows_its_own_certificate_through_keyd),
        cmocka_unit_test(resumes_only_with_the_same_server_and_name),
        cmocka_unit_test(does_not_resume_past_the_end_of_the_chain),
        cmocka_unit_test(shares_authorities),
        cmocka_unit_test(says_whose_authorities_are_missing),
        cmocka_unit_test(bounds_what_a_server_makes_us_say),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
