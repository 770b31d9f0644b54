/*
 * tests/unit/tls/test_server.c - which host, which certificate, how strong, how long.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/require.h"
#include "lab.h"
#include "tls/tls_gate.h"

/* mail.example.org (EC and RSA) and *.example.net, 1.2 and up, no default. */
struct house {
    struct tls_certificate mail[2], wild[1];
    struct tls_host_policy hosts[2];
    struct tls_listener_policy listener;
    struct tls_server *server;
};

static void
house_fill(struct house *house)
{
    memset(house, 0, sizeof *house);
    house->mail[0] = lab_certificate("mail");
    house->mail[1] = lab_certificate("mail-rsa");
    house->wild[0] = lab_certificate("wild");
    house->hosts[1] = (struct tls_host_policy){ "mail.example.org", house->mail, 2 };
    house->hosts[0] = (struct tls_host_policy){ "*.example.net", house->wild, 1 };
    house->listener = (struct tls_listener_policy){ .name = "public",
        .hosts = house->hosts,
        .host_count = 2,
        .session_lifetime_s = 300 };
}

static void
house_build(struct house *house)
{
    struct note note;

    house->server = tls_server_new(&house->listener, lab.keys, &lab.tickets, &note);
    if (house->server == NULL)
        fail_msg("%s", note.text);
}

static void
house_open(struct house *house)
{
    house_fill(house);
    house_build(house);
}

/* One visit of a raw client to a house. */
struct visit {
    struct link link;
    struct raw raw;
    bool shaken;
};

static void
visit_open(struct visit *v, struct house *house, SSL_CTX *ctx, const char *name)
{
    link_listen(&v->link, tls_server_ssl(house->server));
    raw_open(&v->raw, v->link.port, ctx, name);
}

static void
visit_shake(struct visit *v)
{
    v->shaken = raw_shake(&v->raw);
    run_until(v->link.server.established || v->link.server.failed);
}

static void
visit_close(struct visit *v)
{
    raw_close(&v->raw);
    link_close(&v->link);
}

/* The client's last word from us: the alert's number, or 0. */
static int
alert_received(void)
{
    int reason = ERR_GET_REASON(ERR_peek_error());

    return reason > SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : 0;
}

static bool
shows(const struct visit *v, const char *name)
{
    X509 *certificate = SSL_get0_peer_certificate(v->raw.ssl);
    char found[128] = "";

    if (certificate != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
            found, sizeof found);
    return strcmp(found, name) == 0;
}

/* --- names --- */

static void
chooses_the_host_by_name(void **state)
{
    static const struct {
        const char *name, *certificate;
        int host;
    } rows[] = {
        { "mail.example.org", "mail", 1 },
        { "MAIL.Example.ORG", "mail", 1 },
        { "any.example.net", "wild", 0 },
    };
    struct house house;

    (void)state;
    house_open(&house);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct visit v;

        visit_open(&v, &house, NULL, rows[i].name);
        visit_shake(&v);
        assert_true(v.shaken && v.link.server.established);
        assert_true(shows(&v, rows[i].certificate));
        assert_int_equal(tls_server_host_of(v.link.server.stream.ssl), rows[i].host);
        visit_close(&v);
    }
    tls_server_free(&house.server);
}

static void
refuses_names_it_does_not_publish(void **state)
{
    static const char *const names[] = { "other.example.org", "a.b.example.net",
        "example.net", ".example.net", "mail.example.org.", "127.0.0.1" };
    struct house house;

    (void)state;
    house_open(&house);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct visit v;

        visit_open(&v, &house, NULL, names[i]);
        visit_shake(&v);
        assert_false(v.shaken);
        assert_int_equal(alert_received(), SSL_AD_UNRECOGNIZED_NAME);
        assert_int_equal(v.link.server.stream.fault, FAULT_TLS_NAME_UNKNOWN);
        assert_int_equal(tls_server_host_of(v.link.server.stream.ssl), -1);
        visit_close(&v);
    }
    tls_server_free(&house.server);
}

static void
takes_no_name_only_with_a_default(void **state)
{
    struct house house;
    struct visit v;

    (void)state;
    house_open(&house);
    visit_open(&v, &house, NULL, NULL);
    visit_shake(&v);
    assert_false(v.shaken);
    assert_int_equal(v.link.server.stream.fault, FAULT_TLS_NAME_MISSING);
    visit_close(&v);
    tls_server_free(&house.server);

    house.listener.default_host = "mail.example.org";
    house_build(&house);
    visit_open(&v, &house, NULL, NULL);
    visit_shake(&v);
    assert_true(v.shaken && shows(&v, "mail"));
    assert_int_equal(tls_server_host_of(v.link.server.stream.ssl), 1);
    visit_close(&v);
    /* A default is for those who name nothing, not for those who name something else. */
    visit_open(&v, &house, NULL, "other.example.org");
    visit_shake(&v);
    assert_int_equal(v.link.server.stream.fault, FAULT_TLS_NAME_UNKNOWN);
    visit_close(&v);
    tls_server_free(&house.server);
}

static void
shows_the_certificate_that_the_client_can_read(void **state)
{
    struct house house;

    (void)state;
    house_open(&house);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct visit v;

        visit_open(&v, &house, NULL, "mail.example.org");
        SSL_set_max_proto_version(v.raw.ssl, version);
        require(SSL_set1_sigalgs_list(v.raw.ssl, "RSA-PSS+SHA256:RSA+SHA256") == 1);
        visit_shake(&v);
        assert_true(v.shaken && shows(&v, "mail-rsa"));
        visit_close(&v);
    }
    tls_server_free(&house.server);
}

/* --- strength --- */

static void
refuses_weak_offers(void **state)
{
    static const struct {
        int version;
        const char *ciphers, *groups;
    } rows[] = {
        { TLS1_VERSION, "ALL:@SECLEVEL=0", NULL },
        { TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL },
        { TLS1_2_VERSION, "AES128-GCM-SHA256:AES256-SHA:@SECLEVEL=0", NULL },
        { TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384", NULL },
        { TLS1_2_VERSION, "DHE-RSA-AES256-GCM-SHA384", NULL },
        { TLS1_2_VERSION, "aNULL:eNULL:@SECLEVEL=0", NULL },
        { TLS1_2_VERSION, "ECDHE+AESGCM", "P-521" },
        { TLS1_3_VERSION, NULL, "P-521" },
    };
    struct house house;

    (void)state;
    house_open(&house);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        struct visit v;

        SSL_CTX_set_security_level(ctx, 0);
        SSL_CTX_set_min_proto_version(ctx, rows[i].version);
        SSL_CTX_set_max_proto_version(ctx, rows[i].version);
        if (rows[i].ciphers != NULL)
            require(SSL_CTX_set_cipher_list(ctx, rows[i].ciphers) == 1);
        if (rows[i].groups != NULL)
            require(SSL_CTX_set1_groups_list(ctx, rows[i].groups) == 1);
        visit_open(&v, &house, ctx, "mail.example.org");
        visit_shake(&v);
        assert_false(v.shaken);
        assert_true(alert_received() != 0); /* told, not just cut off */
        if (v.link.server.stream.fault != FAULT_TLS_NO_SHARED)
            fail_msg("row %u: %s %s", i, fault_symbol(v.link.server.stream.fault),
                v.link.server.note.text);
        visit_close(&v);
    }
    tls_server_free(&house.server);
}

static void
obeys_the_minimum_of_the_listener(void **state)
{
    struct house house;
    struct visit v;

    (void)state;
    house_fill(&house);
    house.listener.minimum = TLS_MINIMUM_1_3;
    house_build(&house);
    visit_open(&v, &house, NULL, "mail.example.org");
    SSL_set_max_proto_version(v.raw.ssl, TLS1_2_VERSION);
    visit_shake(&v);
    assert_false(v.shaken);
    assert_int_equal(v.link.server.stream.fault, FAULT_TLS_NO_SHARED);
    visit_close(&v);
    tls_server_free(&house.server);
}

/* As if a context had been set up too weakly: the second look must see it. */
static void
looks_again_after_the_handshake(void **state)
{
    struct house house;
    struct link link;
    struct raw raw;
    SSL *ssl;

    (void)state;
    house_fill(&house);
    house.listener.minimum = TLS_MINIMUM_1_3;
    house_build(&house);
    ssl = tls_server_ssl(house.server);
    SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
    link_listen(&link, ssl);
    raw_open(&raw, link.port, NULL, "mail.example.org");
    SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
    (void)raw_shake(&raw);
    run_until(link.server.failed || link.server.established);
    assert_int_equal(link.server.stream.fault, FAULT_TLS_WEAK_VERSION);
    raw_close(&raw);
    link_close(&link);

    link_listen(&link, tls_server_ssl(house.server));
    raw_open(&raw, link.port, NULL, "mail.example.org");
    assert_true(raw_shake(&raw));
    run_until(link.server.established);
    ssl = link.server.stream.ssl;
    assert_int_equal(tls_gate_client(ssl, NULL), FAULT_NONE);
    SSL_SESSION_set1_id_context(SSL_get_session(ssl), (const unsigned char *)"x", 1);
    assert_int_equal(tls_gate_client(ssl, NULL), FAULT_TLS_NAME_RESUMED);
    raw_close(&raw);
    link_close(&link);
    tls_server_free(&house.server);
}

static void
prefers_its_own_order_but_chacha_for_who_wants_it(void **state)
{
    struct house house;
    struct visit v;

    (void)state;
    house_open(&house);
    visit_open(&v, &house, NULL, "mail.example.org");
    SSL_set_max_proto_version(v.raw.ssl, TLS1_2_VERSION);
    require(SSL_set_cipher_list(v.raw.ssl,
                "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256") == 1);
    visit_shake(&v);
    assert_string_equal(SSL_get_cipher_name(v.raw.ssl),
        "ECDHE-ECDSA-AES128-GCM-SHA256");
    visit_close(&v);
    visit_open(&v, &house, NULL, "mail.example.org");
    require(SSL_set_ciphersuites(v.raw.ssl,
                "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256") == 1);
    visit_shake(&v);
    assert_string_equal(SSL_get_cipher_name(v.raw.ssl), "TLS_CHACHA20_POLY1305_SHA256");
    visit_close(&v);
    tls_server_free(&house.server);
}

static void
refuses_renegotiation(void **state)
{
    struct house house;
    struct visit v;
    char byte;

    (void)state;
    house_open(&house);
    visit_open(&v, &house, NULL, "mail.example.org");
    SSL_set_max_proto_version(v.raw.ssl, TLS1_2_VERSION);
    visit_shake(&v);
    assert_true(v.shaken);
    require(SSL_renegotiate(v.raw.ssl) == 1);
    assert_false(raw_shake(&v.raw));
    /* The alert is a warning: our side goes on as if nothing had been asked. */
    assert_true(SSL_read(v.raw.ssl, &byte, 1) <= 0);
    assert_int_equal(SSL_num_renegotiations(v.link.server.stream.ssl), 0);
    visit_close(&v);
    tls_server_free(&house.server);
}

static void
answers_alpn_with_http_1_1_only(void **state)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1", two[] = "\x02h2";
    const unsigned char *chosen;
    unsigned length;
    struct house house;
    struct visit v;

    (void)state;
    house_open(&house);
    visit_open(&v, &house, NULL, "mail.example.org");
    require(SSL_set_alpn_protos(v.raw.ssl, both, sizeof both - 1) == 0);
    visit_shake(&v);
    SSL_get0_alpn_selected(v.raw.ssl, &chosen, &length);
    assert_int_equal(length, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    visit_close(&v);
    visit_open(&v, &house, NULL, "mail.example.org");
    require(SSL_set_alpn_protos(v.raw.ssl, two, sizeof two - 1) == 0);
    visit_shake(&v);
    assert_false(v.shaken);
    assert_int_equal(alert_received(), SSL_AD_NO_APPLICATION_PROTOCOL);
    visit_close(&v);
    tls_server_free(&house.server);
}

/* --- resumption --- */

/* Shakes hands with `name`, offering `*session`, and keeps the newest in its place. */
static bool
resumes(struct house *house, const char *name, int version, SSL_SESSION **session)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct visit v;
    bool reused;
    char byte;

    SSL_CTX_set_max_proto_version(ctx, version);
    visit_open(&v, house, ctx, name);
    if (*session != NULL)
        require(SSL_set_session(v.raw.ssl, *session) == 1);
    visit_shake(&v);
    assert_true(v.shaken);
    if (v.link.server.failed)
        fail_msg("%s", fault_symbol(v.link.server.stream.fault));
    reused = SSL_session_reused(v.raw.ssl) == 1;
    /* In TLS 1.3 the ticket comes with the first data. */
    chunk_queue_append(&v.link.server.to_send, BYTES("x"));
    end_step(&v.link.server);
    while (SSL_read(v.raw.ssl, &byte, 1) != 1)
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(v.raw.ssl);
    SSL_shutdown(v.raw.ssl); /* or libssl calls the session bad */
    visit_close(&v);
    return reused;
}

static void
resumes_on_another_worker(void **state)
{
    struct house first, second;

    (void)state;
    house_open(&first);
    house_open(&second); /* another process in real life, with the same tickets */
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = NULL;

        assert_false(resumes(&first, "mail.example.org", version, &session));
        assert_true(resumes(&second, "mail.example.org", version, &session));
        assert_true(resumes(&first, "mail.example.org", version, &session));
        SSL_SESSION_free(session);
    }
    tls_server_free(&first.server);
    tls_server_free(&second.server);
}

/* libssl calls it for each ticket that comes (SSL_CTX_sess_set_new_cb(3)). */
static unsigned tickets;

static int
count_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    (void)session;
    tickets++;
    return 0; /* the session stays libssl's */
}

static void
gives_two_tickets_to_clients_that_race_connections(void **state)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct house house;
    struct visit v;
    char byte;

    (void)state;
    tickets = 0;
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(ctx, count_ticket);
    house_open(&house);
    visit_open(&v, &house, ctx, "mail.example.org");
    visit_shake(&v);
    chunk_queue_append(&v.link.server.to_send, BYTES("x")); /* they come before it */
    end_step(&v.link.server);
    while (SSL_read(v.raw.ssl, &byte, 1) != 1)
        uv_run(&lab.loop, UV_RUN_NOWAIT);
    assert_int_equal(tickets, 2);
    visit_close(&v);
    tls_server_free(&house.server);
}

static void
resumes_neither_for_another_name_nor_policy(void **state)
{
    struct house house, strict, other;

    (void)state;
    house_open(&house);
    house_fill(&strict);
    strict.listener.minimum = TLS_MINIMUM_1_3;
    house_build(&strict);
    house_fill(&other);
    other.listener.name = "internal";
    house_build(&other);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = NULL;

        assert_false(resumes(&house, "a.example.net", version, &session));
        assert_false(resumes(&house, "mail.example.org", version, &session));
        assert_false(resumes(&house, "a.example.net", version, &session));
        assert_false(resumes(&house, "b.example.net", version, &session));
        assert_false(resumes(&house, "bc.example.net", version, &session));
        assert_false(resumes(&house, "bd.example.net", version, &session));
        assert_false(resumes(&house, "b.example.net", version, &session));
        assert_true(resumes(&house, "b.example.net", version, &session));
        assert_false(resumes(&other, "b.example.net", version, &session));
        SSL_SESSION_free(session);
    }
    {
        SSL_SESSION *session = NULL;

        assert_false(resumes(&house, "a.example.net", TLS1_3_VERSION, &session));
        assert_false(resumes(&strict, "a.example.net", TLS1_3_VERSION, &session));
        SSL_SESSION_free(session);
    }
    tls_server_free(&house.server);
    tls_server_free(&strict.server);
    tls_server_free(&other.server);
}

static void
forgets_tickets_of_secrets_that_are_gone(void **state)
{
    struct house house;

    (void)state;
    house_open(&house);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = NULL, *copy;

        assert_false(resumes(&house, "mail.example.org", version, &session));
        tls_tickets_rotate(&lab.tickets);
        copy = SSL_SESSION_dup(session);
        assert_true(resumes(&house, "mail.example.org", version, &copy));
        SSL_SESSION_free(copy);
        for (unsigned i = 1; i < TICKET_SECRETS; i++)
            tls_tickets_rotate(&lab.tickets);
        assert_false(resumes(&house, "mail.example.org", version, &session));
        SSL_SESSION_free(session);
    }
    tls_server_free(&house.server);
}

static void
gives_no_tickets_without_a_lifetime(void **state)
{
    struct house house;

    (void)state;
    house_fill(&house);
    house.listener.session_lifetime_s = 0;
    house_build(&house);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = NULL;

        assert_false(resumes(&house, "mail.example.org", version, &session));
        assert_false(SSL_SESSION_has_ticket(session));
        assert_false(resumes(&house, "mail.example.org", version, &session));
        SSL_SESSION_free(session);
    }
    tls_server_free(&house.server);
}

/* --- files --- */

static void
names_a_file_it_cannot_use(void **state)
{
    struct house house;
    struct note note = { "" };

    (void)state;
    house_fill(&house);
    house.wild[0].chain_file = "mail.key";
    house.wild[0].chain = lab_text("mail", "key");
    assert_null(tls_server_new(&house.listener, lab.keys, &lab.tickets, &note));
    assert_non_null(strstr(note.text, "mail.key"));
    house.wild[0].chain = bytes_of(NULL, 0);
    assert_null(tls_server_new(&house.listener, lab.keys, &lab.tickets, &note));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_the_host_by_name),
        cmocka_unit_test(refuses_names_it_does_not_publish),
        cmocka_unit_test(takes_no_name_only_with_a_default),
        cmocka_unit_test(shows_the_certificate_that_the_client_can_read),
        cmocka_unit_test(refuses_weak_offers),
        cmocka_unit_test(obeys_the_minimum_of_the_listener),
        cmocka_unit_test(looks_again_after_the_handshake),
        cmocka_unit_test(prefers_its_own_order_but_chacha_for_who_wants_it),
        cmocka_unit_test(refuses_renegotiation),
        cmocka_unit_test(answers_alpn_with_http_1_1_only),
        cmocka_unit_test(resumes_on_another_worker),
        cmocka_unit_test(gives_two_tickets_to_clients_that_race_connections),
        cmocka_unit_test(resumes_neither_for_another_name_nor_policy),
        cmocka_unit_test(forgets_tickets_of_secrets_that_are_gone),
        cmocka_unit_test(gives_no_tickets_without_a_lifetime),
        cmocka_unit_test(names_a_file_it_cannot_use),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
