/*
 * tests/unit/tls/test_pin.c - upstreams that are known by a pin, or by their issuer.
 */
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/require.h"
#include "tls/tls_gate.h"
#include "upstream.h"

static struct tls_pin
pin_of(const char *name, bool of_key)
{
    struct bytes pem = lab_text(name, "pem");
    BIO *text = BIO_new_mem_buf(pem.at, (int)pem.length);
    X509 *certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    unsigned char *spki = NULL;
    struct tls_pin pin;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);

    require(length > 0);
    if (of_key)
        SHA256(spki, (size_t)length, pin.sha256);
    else
        require(X509_digest(certificate, EVP_sha256(), pin.sha256, NULL) == 1);
    OPENSSL_free(spki);
    X509_free(certificate);
    BIO_free(text);
    return pin;
}

/* The fault of a call of mail.example.org at a server that shows `certificate`. */
static enum fault
fault_of_call(struct tls_client *client, const char *certificate, struct note *note)
{
    struct upstream u;
    struct link link;
    enum fault fault;

    upstream_open(&u, certificate);
    call(&link, &u, client, "mail.example.org", 0);
    fault = link.client.stream.fault;
    assert_int_equal(link.client.established, fault == FAULT_NONE);
    *note = link.client.note;
    end_close(&link.client);
    upstream_close(&u);
    return fault;
}

/* Without authorities: a pin opens for one certificate, and closes no eye to the rest. */
static void
a_pin_is_an_anchor_and_no_excuse(void **state)
{
    static const struct {
        const char *pinned, *shown;
        enum fault fault;
    } rows[] = {
        { "lone", "lone", FAULT_NONE },
        { "mail", "mail", FAULT_NONE }, /* whoever signed it */
        { "lone", "mail", FAULT_UPSTREAM_CERT_PIN },
        { "mail", "mail-rsa", FAULT_UPSTREAM_CERT_PIN },
        { "old", "old", FAULT_UPSTREAM_CERT_EXPIRED },
        { "early", "early", FAULT_UPSTREAM_CERT_EARLY },
        { "other", "other", FAULT_UPSTREAM_CERT_NAME },
        { "lone-other", "lone-other", FAULT_UPSTREAM_CERT_NAME },
        { "lone-old", "lone-old", FAULT_UPSTREAM_CERT_EXPIRED },
        { "weak", "weak", FAULT_UPSTREAM_CERT_WEAK },
        { "client", "client", FAULT_UPSTREAM_CERT_PURPOSE },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int of_key = 0; of_key < 2; of_key++) {
            struct tls_pin pin = pin_of(rows[i].pinned, of_key);
            struct tls_upstream_policy policy = { .pins = &pin, .pin_count = 1 };
            struct note note = { "" };
            struct tls_client *client =
                tls_client_new(&policy, lab.trust, lab.keys, &note);
            enum fault fault;

            assert_non_null(client);
            fault = fault_of_call(client, rows[i].shown, &note);
            if (fault != rows[i].fault)
                fail_msg("%s for %s: %s (%s)", rows[i].shown, rows[i].pinned,
                    fault_symbol(fault), note.text);
            tls_client_free(&client);
        }
    }
}

static void
a_pin_beside_authorities_narrows_them(void **state)
{
    struct tls_pin pins[] = { pin_of("mail", true), pin_of("lone", false) };
    struct tls_upstream_policy policy = { .pins = pins, .pin_count = 2 };
    struct tls_client *client = new_client(&policy); /* that trusts "ca" */
    struct note note;

    (void)state;
    assert_int_equal(fault_of_call(client, "mail", &note), FAULT_NONE);
    assert_int_equal(fault_of_call(client, "mail-rsa", &note), FAULT_UPSTREAM_CERT_PIN);
    assert_int_equal(fault_of_call(client, "lone", &note), FAULT_UPSTREAM_CERT_CHAIN);
    tls_client_free(&client);
}

static void
tells_what_could_be_pinned(void **state)
{
    struct tls_pin wrong = pin_of("lone", false), right = pin_of("mail", false);
    struct tls_upstream_policy policy = { .pins = &wrong, .pin_count = 1 };
    struct tls_client *client = new_client(&policy);
    unsigned char text[48];
    struct note note;

    (void)state;
    assert_int_equal(fault_of_call(client, "mail", &note), FAULT_UPSTREAM_CERT_PIN);
    EVP_EncodeBlock(text, right.sha256, sizeof right.sha256);
    assert_non_null(strstr(note.text, (char *)text));
    right = pin_of("mail", true);
    EVP_EncodeBlock(text, right.sha256, sizeof right.sha256);
    assert_non_null(strstr(note.text, (char *)text));
    tls_client_free(&client);
}

/* A session is as good as the handshake it came from: the gate asks for the pin again. */
static void
a_resumed_session_is_held_to_the_pin(void **state)
{
    struct tls_pin pin = pin_of("lone", true);
    struct tls_upstream_policy policy = { .pins = &pin, .pin_count = 1 };
    struct note note = { "" };
    struct tls_client *client = tls_client_new(&policy, lab.trust, lab.keys, &note);
    struct upstream u;
    struct link link;

    (void)state;
    upstream_open(&u, "lone");
    call(&link, &u, client, "mail.example.org", 0);
    assert_true(link.client.established);
    tls_stream_finish(&link.client.stream);
    end_step(&link.client);
    end_close(&link.client);
    upstream_hang_up(&u);
    call(&link, &u, client, "mail.example.org", 0);
    assert_int_equal(SSL_session_reused(link.client.stream.ssl), 1);
    assert_int_equal(tls_gate_upstream(link.client.stream.ssl, &note), FAULT_NONE);
    pin.sha256[0] ^= 1;
    assert_int_equal(tls_gate_upstream(link.client.stream.ssl, &note),
        FAULT_UPSTREAM_CERT_PIN);
    assert_non_null(strstr(note.text, "sha256/"));
    end_close(&link.client);
    upstream_close(&u);
    tls_client_free(&client);
}

/* --- issuing authorities --- */

/* The server sends its chain, the root is nowhere, the issuer is named. */
static void
an_issuing_authority_is_an_anchor(void **state)
{
    static const struct {
        const char *trusted, *shown;
        enum fault fault;
    } rows[] = {
        { "issuing", "issued", FAULT_NONE },
        { "ca", "issued", FAULT_UPSTREAM_CERT_CHAIN }, /* which sends no intermediate */
        { "issuing", "mail", FAULT_UPSTREAM_CERT_CHAIN },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_upstream_policy policy = { .ca = lab_text(rows[i].trusted, "pem") };
        struct tls_client *client = new_client(&policy);
        struct note note;
        enum fault fault = fault_of_call(client, rows[i].shown, &note);

        if (fault != rows[i].fault)
            fail_msg("%s below %s: %s (%s)", rows[i].shown, rows[i].trusted,
                fault_symbol(fault), note.text);
        tls_client_free(&client);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pin_is_an_anchor_and_no_excuse),
        cmocka_unit_test(a_pin_beside_authorities_narrows_them),
        cmocka_unit_test(tells_what_could_be_pinned),
        cmocka_unit_test(a_resumed_session_is_held_to_the_pin),
        cmocka_unit_test(an_issuing_authority_is_an_anchor),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
