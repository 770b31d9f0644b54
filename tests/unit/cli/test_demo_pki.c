/*
 * The demonstration's certificates do what a client will check, are kept while
 * they are good, and are made anew when they are not.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "cli/demo_pki.h"

#define DAY ((time_t)24 * 60 * 60)

static const char *const files[] = { "internal-ca.pem", "internal.pem", "internal.key",
    "public-ca.pem", "public.pem", "public.key" };
static char folder[] = "/tmp/postern-test-XXXXXX";

static const char *
path_of(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int
make_folder(void **state)
{
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(path_of(files[i]));
    return rmdir(folder);
}

static void
prepare_at(time_t now)
{
    struct note note = { "" };

    if (!demo_pki_prepare(folder, now, &note))
        fail_msg("%s", note.text);
    assert_string_equal(note.text, "");
}

static X509 *
certificate(const char *name)
{
    FILE *file = fopen(path_of(name), "r");
    X509 *cert;

    assert_non_null(file);
    cert = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(cert);
    return cert;
}

static ino_t
inode_of(const char *name)
{
    struct stat there;

    assert_int_equal(stat(path_of(name), &there), 0);
    return there.st_ino;
}

static int
verdict(const char *leaf_name, const char *authority_name, time_t when)
{
    X509 *leaf = certificate(leaf_name), *authority = certificate(authority_name);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int error;

    X509_STORE_add_cert(store, authority);
    X509_STORE_CTX_init(context, store, leaf, NULL);
    X509_STORE_CTX_set_time(context, 0, when);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
    X509_verify_cert(context);
    error = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(leaf);
    X509_free(authority);
    return error;
}

static void
chains_verify_each_to_its_own_authority(void **state)
{
    time_t now = time(NULL);

    (void)state;
    prepare_at(now);
    assert_int_equal(verdict("internal.pem", "internal-ca.pem", now), X509_V_OK);
    assert_int_equal(verdict("public.pem", "public-ca.pem", now), X509_V_OK);
    assert_int_not_equal(verdict("public.pem", "internal-ca.pem", now), X509_V_OK);
    assert_int_equal(
        verdict("public.pem", "public-ca.pem", now + (DEMO_PKI_DAYS + 1) * DAY),
        X509_V_ERR_CERT_HAS_EXPIRED);
}

static void
names_are_those_that_clients_ask_for(void **state)
{
    X509 *internal, *public;

    (void)state;
    prepare_at(time(NULL));
    internal = certificate("internal.pem");
    public = certificate("public.pem");
    assert_int_equal(X509_check_host(internal, "webmail.internal.test", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(internal, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_host(internal, "localhost", 0, 0, NULL), 0);
    assert_int_equal(X509_check_host(public, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(public, "mail.localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(public, "::1", 0), 1);
    X509_free(internal);
    X509_free(public);
}

static void
key_fits_and_is_private(void **state)
{
    struct stat there;
    EVP_PKEY *key;
    X509 *cert;
    FILE *file;

    (void)state;
    prepare_at(time(NULL));
    assert_int_equal(stat(path_of("public.key"), &there), 0);
    assert_int_equal(there.st_mode & 0777, 0600);
    file = fopen(path_of("public.key"), "r");
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    cert = certificate("public.pem");
    assert_int_equal(X509_check_private_key(cert, key), 1);
    assert_int_equal(EVP_PKEY_get_bits(key), 256);
    EVP_PKEY_free(key);
    X509_free(cert);
}

static void
what_is_good_is_kept(void **state)
{
    time_t now = time(NULL);
    ino_t before;

    (void)state;
    prepare_at(now);
    before = inode_of("public.pem");
    prepare_at(now + (DEMO_PKI_DAYS - DEMO_PKI_RENEW_DAYS - 1) * DAY);
    assert_int_equal(inode_of("public.pem"), before);
}

static void
what_expires_soon_is_made_anew(void **state)
{
    time_t now = time(NULL),
           later = now + (DEMO_PKI_DAYS - DEMO_PKI_RENEW_DAYS + 1) * DAY;

    (void)state;
    prepare_at(now);
    prepare_at(later);
    assert_int_equal(verdict("public.pem", "public-ca.pem", later + 5 * DAY),
        X509_V_OK);
    assert_int_equal(verdict("internal.pem", "internal-ca.pem", later + 5 * DAY),
        X509_V_OK);
}

/* A start that was cut short leaves such a set behind. */
static void
set_that_does_not_fit_is_made_anew(void **state)
{
    time_t now = time(NULL);
    char public_key[PATH_MAX];
    ino_t untouched;

    (void)state;
    prepare_at(now);
    untouched = inode_of("public.pem");
    snprintf(public_key, sizeof public_key, "%s", path_of("public.key"));
    unlink(path_of("internal.key"));
    assert_int_equal(link(public_key, path_of("internal.key")), 0);
    prepare_at(now);
    assert_int_not_equal(inode_of("internal.key"), inode_of("public.key"));
    assert_int_equal(inode_of("public.pem"), untouched);
}

/* The file behind a link that somebody laid out is not ours to write. */
static void
links_are_replaced_and_not_followed(void **state)
{
    struct stat there;

    (void)state;
    assert_int_equal(symlink("/nonexistent/key", path_of("public.key")), 0);
    prepare_at(time(NULL));
    assert_int_equal(lstat(path_of("public.key"), &there), 0);
    assert_true(S_ISREG(there.st_mode));
}

static void
folder_that_is_not_there_is_reported(void **state)
{
    struct note note = { "" };

    (void)state;
    assert_false(demo_pki_prepare("/nonexistent", time(NULL), &note));
    assert_non_null(strstr(note.text, "/nonexistent/internal-ca.pem"));
}

#define IN_FOLDER(test)                                                                \
    cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(chains_verify_each_to_its_own_authority),
        IN_FOLDER(names_are_those_that_clients_ask_for),
        IN_FOLDER(key_fits_and_is_private),
        IN_FOLDER(what_is_good_is_kept),
        IN_FOLDER(what_expires_soon_is_made_anew),
        IN_FOLDER(set_that_does_not_fit_is_made_anew),
        IN_FOLDER(links_are_replaced_and_not_followed),
        cmocka_unit_test(folder_that_is_not_there_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
