/*
 * tests/unit/config/test_certificate.c - facts about certificates, told by OpenSSL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/certificate.h"

#define DAY ((time_t)24 * 3600)

static struct stash stash;
static EVP_PKEY *key;

static int
begin(void **state)
{
    (void)state;
    stash_init(&stash);
    key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    return key == NULL ? -1 : 0;
}

static int
end(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    stash_fini(&stash);
    return 0;
}

static X509 *
make(const char *name, const char *issuer, const char *san, time_t begins, time_t ends)
{
    X509 *x = X509_new();
    X509_NAME *by = X509_NAME_new();
    X509_EXTENSION *extension;

    X509_set_version(x, X509_VERSION_3);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
        (const unsigned char *)name, -1, -1, 0);
    X509_NAME_add_entry_by_txt(by, "CN", MBSTRING_ASC, (const unsigned char *)issuer,
        -1, -1, 0);
    X509_set_issuer_name(x, by);
    X509_NAME_free(by);
    ASN1_TIME_set(X509_getm_notBefore(x), time(NULL) + begins);
    ASN1_TIME_set(X509_getm_notAfter(x), time(NULL) + ends);
    X509_set_pubkey(x, key);
    if (san != NULL) {
        extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static void
only_the_alternative_name_counts(void **state)
{
    X509 *x = make("cn.example.com", "i",
        "DNS:mail.example.com,DNS:*.wild.example.com,IP:192.0.2.1", -DAY, DAY);
    X509 *bare = make("cn.example.com", "i", NULL, -DAY, DAY);

    (void)state;
    assert_true(certificate_covers(x, "mail.example.com"));
    assert_true(certificate_covers(x, "MAIL.example.com"));
    assert_true(certificate_covers(x, "a.wild.example.com"));
    assert_true(certificate_covers(x, "*.wild.example.com"));
    assert_true(certificate_covers(x, "192.0.2.1"));
    assert_false(certificate_covers(x, "192.0.2.2"));
    assert_false(certificate_covers(x, "cn.example.com"));
    assert_false(certificate_covers(x, "a.b.wild.example.com"));
    assert_false(certificate_covers(x, "*.example.com"));
    assert_false(certificate_covers(x, "wild.example.com"));
    assert_false(certificate_covers(bare, "cn.example.com"));
    assert_string_equal(certificate_names(x, &stash),
        "mail.example.com *.wild.example.com");
    assert_string_equal(certificate_names(bare, &stash), "");
    X509_free(x);
    X509_free(bare);
}

static void
times_are_told(void **state)
{
    static const struct {
        time_t begins, ends;
        bool early, expired, soon;
    } cases[] = {
        { -DAY, 90 * DAY, false, false, false },
        { -80 * DAY, 10 * DAY, false, false, true },
        { -80 * DAY, 15 * DAY, false, false, false },
        { -DAY, 6 * DAY, false, false, false }, /* a short-lived one in its youth */
        { -5 * DAY, DAY + 3600, false, false, true },
        { -2 * DAY, -DAY, false, true, true },
        { DAY, 2 * DAY, true, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        X509 *x = make("a", "b", NULL, cases[i].begins, cases[i].ends);
        struct certificate_times times = certificate_times(x);

        assert_int_equal(times.early, cases[i].early);
        assert_int_equal(times.expired, cases[i].expired);
        if (!times.expired && !times.early && times.ends_soon != cases[i].soon)
            fail_msg("case %zu", i);
        assert_int_equal(strlen(times.ends), 10);
        X509_free(x);
    }
}

static void
keys_of_other_kinds_are_weak(void **state)
{
    static const struct {
        const char *type, *curve;
        bool weak;
    } kinds[] = { { "EC", "P-256", false }, { "EC", "P-384", false },
        { "EC", "P-224", true }, { "ED25519", NULL, true } };

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        EVP_PKEY *other = kinds[i].curve == NULL
            ? EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type)
            : EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type, kinds[i].curve);
        X509 *x = make("a", "b", NULL, -DAY, DAY);

        X509_set_pubkey(x, other);
        assert_int_equal(certificate_weakness(x) != NULL, kinds[i].weak);
        X509_free(x);
        EVP_PKEY_free(other);
    }
}

static const char *
issuer_at_the_end(STACK_OF(X509) * chain)
{
    X509 *one = certificate_chain_end(chain);

    return certificate_is_self_signed(one) ? NULL : certificate_issuer(one, &stash);
}

static void
names_the_missing_issuer(void **state)
{
    STACK_OF(X509) *chain = sk_X509_new_null();

    (void)state;
    sk_X509_push(chain, make("leaf", "between\x1b", NULL, -DAY, DAY));
    assert_string_equal(issuer_at_the_end(chain), "between?");
    sk_X509_push(chain, make("other", "other", NULL, -DAY, DAY));
    assert_non_null(issuer_at_the_end(chain));
    sk_X509_push(chain, make("between\x1b", "root", NULL, -DAY, DAY));
    assert_string_equal(issuer_at_the_end(chain), "root");
    sk_X509_push(chain, make("root", "root", NULL, -DAY, DAY));
    assert_null(issuer_at_the_end(chain));
    certificates_free(&chain);
    assert_null(chain);
}

static void
reads_pem_and_nothing_else(void **state)
{
    char path[] = "/tmp/postern-pem-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    X509 *x = make("a", "a", NULL, -DAY, DAY);
    STACK_OF(X509) * read;

    (void)state;
    fputs("text before\n", file);
    PEM_write_X509(file, x);
    PEM_write_X509(file, x);
    fflush(file);
    read = certificates_read(path);
    assert_int_equal(sk_X509_num(read), 2);
    certificates_free(&read);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_null(certificates_read(path));
    assert_null(certificates_read("/nowhere"));
    X509_free(x);
    fclose(file);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_alternative_name_counts),
        cmocka_unit_test(times_are_told),
        cmocka_unit_test(keys_of_other_kinds_are_weak),
        cmocka_unit_test(names_the_missing_issuer),
        cmocka_unit_test(reads_pem_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
