/*
 * tests/unit/proxy/test_expiry.c - what is said of a certificate is said of the one that is served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ipc.h"
#include "config/papers.h"
#include "log/event_read.h"
#include "proxy/expiry.h"

#define DAY 86400L

static char file[] = "/tmp/postern-expiry-XXXXXX";
static char chain[2048];
static struct tls_certificate certificate;

static int
begin(void **state)
{
    int fd;

    (void)state;
    strcpy(file + strlen(file) - 6, "XXXXXX");
    fd = mkstemp(file);
    if (fd < 0)
        return -1;
    close(fd);
    certificate = (struct tls_certificate){ .chain_file = file,
        .changed_ns = papers_changed_ns(file) };
    return 0;
}

static int
end(void **state)
{
    (void)state;
    return unlink(file);
}

/* The certificate that is served: it began and ends so many days from now. */
static void
serve(long from_days, long to_days)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *made = X509_new();
    BIO *text = BIO_new(BIO_s_mem());
    int length;

    X509_gmtime_adj(X509_getm_notBefore(made), from_days * DAY);
    X509_gmtime_adj(X509_getm_notAfter(made), to_days * DAY);
    X509_set_pubkey(made, key);
    X509_sign(made, key, EVP_sha256());
    PEM_write_bio_X509(text, made);
    length = BIO_read(text, chain, sizeof chain);
    assert_true(length > 0);
    certificate.chain = bytes_of(chain, (size_t)length);
    BIO_free(text);
    X509_free(made);
    EVP_PKEY_free(key);
}

/* What the parent says about it; false when it says nothing. `view` until the next call. */
static bool
reported(struct event_view *view)
{
    static struct ipc_message m;
    struct tls_host_policy host = { "mail.example.org", &certificate, 1 };
    struct listener_policy listener = { .name = "public",
        .tls = { .hosts = &host, .host_count = 1 } };
    struct snapshot snapshot = { .listeners = &listener, .listener_count = 1 };
    struct event_log *log = event_log_new("parent");
    int pair[2];
    bool any;

    assert_true(ipc_pair(pair));
    event_log_set_channel(log, pair[1]);
    expiry_report(&snapshot, log);
    event_flush(log);
    assert_int_equal(ipc_receive(pair[0], 0, &m), IPC_DONE);
    assert_int_equal(ipc_get_u64(&m), 0); /* the number of the first, if there is one */
    any = !ipc_at_end(&m);
    if (any)
        assert_true(event_read(ipc_get_bytes(&m), view));
    event_log_free(&log);
    close(pair[0]);
    return any;
}

static void
nothing_is_said_in_the_prime_of_its_life(void **state)
{
    struct event_view view;

    (void)state;
    serve(-1, 89);
    assert_false(reported(&view));
}

static void
the_last_third_and_the_end_are_told(void **state)
{
    struct event_view view;

    (void)state;
    serve(-60, 29);
    assert_true(reported(&view));
    assert_int_equal(view.id, EVENT_CERTIFICATE_EXPIRING);
    serve(-60, -1);
    assert_true(reported(&view));
    assert_int_equal(view.id, EVENT_CERTIFICATE_EXPIRED);
}

/* The file has been renewed, and that helps nobody before a restart. */
static void
a_newer_file_is_told_and_changes_nothing(void **state)
{
    const struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
    struct event_view view;

    (void)state;
    serve(-60, 1);
    assert_true(reported(&view));
    assert_int_equal(view.values[EF_CERTIFICATE_RENEWED].number, 0);
    /* An older time is another file just as well: a copy keeps the time of its source. */
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
    assert_true(reported(&view));
    assert_int_equal(view.id, EVENT_CERTIFICATE_EXPIRING);
    assert_int_equal(view.values[EF_CERTIFICATE_RENEWED].number, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_said_in_the_prime_of_its_life),
        TEST(the_last_third_and_the_end_are_told),
        TEST(a_newer_file_is_told_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
