/*
 * tests/unit/config/test_papers.c - certificates and keys: read once, sealed apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seal.h"
#include "config/papers.h"

static char folder[] = "/tmp/postern-papers-XXXXXX";
static char file[64];
static struct stash stash;
static struct papers papers;
static EVP_PKEY *key;
static X509 *certificate;

static int
begin(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/mail.pem", folder);
    stash_init(&stash);
    papers_init(&papers, &stash);
    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
        (const unsigned char *)"mail", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    return X509_sign(certificate, key, EVP_sha256()) > 0 ? 0 : -1;
}

static int
end(void **state)
{
    (void)state;
    papers_fini(&papers);
    stash_fini(&stash);
    X509_free(certificate);
    EVP_PKEY_free(key);
    unlink(file);
    return rmdir(folder);
}

static void
write_file(const char *password)
{
    FILE *to = fopen(file, "we");

    assert_non_null(to);
    fputs("a line that is nobody's business\n", to);
    PEM_write_PrivateKey(to, key, password == NULL ? NULL : EVP_aes_128_cbc(),
        (const unsigned char *)password, password == NULL ? 0 : (int)strlen(password),
        NULL, NULL);
    PEM_write_X509(to, certificate);
    PEM_write_X509(to, certificate);
    assert_int_equal(fclose(to), 0);
}

static void
holds_certificates_and_key_apart(void **state)
{
    struct paper *p;

    (void)state;
    write_file(NULL);
    p = papers_read(&papers, file);
    assert_non_null(p);
    assert_int_equal(sk_X509_num(p->certificates), 2);
    assert_int_equal(EVP_PKEY_eq(p->key, key), 1);
    assert_int_equal(strncmp(p->text.at, "-----BEGIN CERTIFICATE-----", 27), 0);
    assert_null(memmem(p->text.at, p->text.length, "PRIVATE", 7));
    assert_null(memmem(p->text.at, p->text.length, "business", 8));
    assert_true(p->changed_ns == papers_changed_ns(file) && p->changed_ns > 0);
}

static void
reads_each_file_once(void **state)
{
    struct paper *p;

    (void)state;
    write_file(NULL);
    p = papers_read(&papers, file);
    assert_int_equal(unlink(file), 0);
    assert_ptr_equal(papers_read(&papers, file), p);
    assert_ptr_equal(papers_find(&papers, file), p);
    assert_null(papers_find(&papers, "/nowhere"));
    write_file(NULL);
}

/* It never asks for a passphrase: nobody is there. */
static void
tells_a_password_from_no_key(void **state)
{
    struct paper *p;

    (void)state;
    write_file("secret");
    p = papers_read(&papers, file);
    assert_null(p->key);
    assert_true(p->key_has_password);
}

static void
says_why_a_file_cannot_be_read(void **state)
{
    char name[80];

    (void)state;
    assert_null(papers_read(&papers, "/nowhere/mail.pem"));
    assert_int_equal(errno, ENOENT);
    assert_null(papers_read(&papers, folder));
    assert_int_equal(errno, EISDIR);
    snprintf(name, sizeof name, "%s/pipe", folder);
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_null(papers_read(&papers, name)); /* and does not wait for a writer */
    assert_int_equal(errno, EINVAL);
    assert_int_equal(unlink(name), 0);
    write_file(NULL);
    assert_int_equal(truncate(file, (off_t)PAPER_BYTES_MAX + 1), 0);
    assert_null(papers_read(&papers, file));
    assert_int_equal(errno, EFBIG);
}

static void
seals_the_keys_that_are_served(void **state)
{
    struct bytes all, rest, record;
    const unsigned char *der;
    struct paper *p;
    EVP_PKEY *back;
    int fd;

    (void)state;
    write_file(NULL);
    p = papers_read(&papers, file);
    fd = papers_seal_keys(&papers);
    assert_true(seal_map(fd, &all));
    assert_int_equal(all.length, 0);
    close(fd);
    p->key_is_served = true;
    fd = papers_seal_keys(&papers);
    assert_true(seal_map(fd, &all));
    rest = all;
    assert_true(seal_cut(&rest, &record));
    assert_int_equal(rest.length, 0);
    der = (const unsigned char *)record.at;
    back = d2i_AutoPrivateKey(NULL, &der, (long)record.length);
    assert_int_equal(EVP_PKEY_eq(back, key), 1);
    EVP_PKEY_free(back);
    seal_unmap(&all);
    close(fd);
}

static void
finds_the_authorities_of_the_system(void **state)
{
    const char *places = NULL;
    char wrong[80];

    (void)state;
    write_file(NULL);
    snprintf(wrong, sizeof wrong, "%s/none", folder);
    setenv("SSL_CERT_FILE", wrong, 1); /* as OpenSSL documents it */
    setenv("SSL_CERT_DIR", wrong, 1);
    assert_null(papers_read_system(&papers, &places));
    assert_non_null(strstr(places, wrong));
    assert_int_equal(mkfifo(wrong, 0600), 0);
    assert_null(papers_read_system(&papers, &places)); /* and waits for nobody */
    assert_int_equal(unlink(wrong), 0);
    setenv("SSL_CERT_FILE", file, 1);
    assert_non_null(papers_read_system(&papers, &places));
    assert_true(papers_system_signed(&papers, certificate));
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

/* openssl-rehash(1): HASH.N, and nothing else that lies there. */
static void
finds_them_in_a_folder_too(void **state)
{
    char name[80];

    (void)state;
    write_file(NULL);
    snprintf(name, sizeof name, "%s/0123abcd.0", folder);
    assert_int_equal(rename(file, name), 0);
    setenv("SSL_CERT_FILE", "/nowhere", 1);
    setenv("SSL_CERT_DIR", folder, 1);
    assert_non_null(papers_read_system(&papers, NULL));
    assert_int_equal(rename(name, file), 0);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(holds_certificates_and_key_apart),
        TEST(reads_each_file_once),
        TEST(tells_a_password_from_no_key),
        TEST(says_why_a_file_cannot_be_read),
        TEST(seals_the_keys_that_are_served),
        TEST(finds_the_authorities_of_the_system),
        TEST(finds_them_in_a_folder_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
