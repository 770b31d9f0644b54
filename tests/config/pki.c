/*
 * tests/config/pki.c - makes the certificates that the configurations in bad/ and good/ name.
 *
 * usage: config_pki FOLDER. Keys are new each time; names and, where a message shows
 * them, dates are fixed.
 */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/require.h"

#define DAY ((time_t)24 * 3600)
#define LONG_AGO ((time_t)981158400) /* 2001-02-03 */
#define AGO ((time_t)1299110400)     /* 2011-03-03 */
#define FAR ((time_t)3786912000)     /* 2090-01-01 */
#define FARTHER ((time_t)3818448000) /* 2091-01-01 */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static const char *folder;
static long serial = 1;

static void
add_extension(X509 *to, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, to, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    require(extension != NULL && X509_add_ext(to, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* `issuer` NULL: signed by itself. `san` NULL: an authority; "": no subjectAltName. */
static struct identity
issue(const struct identity *issuer, EVP_PKEY *key, const char *name, const char *san,
    time_t begin, time_t end)
{
    struct identity new = { key, X509_new() };
    X509_NAME *subject = X509_get_subject_name(new.certificate);
    X509 *by = issuer == NULL ? new.certificate : issuer->certificate;

    require(key != NULL && new.certificate != NULL);
    X509_set_version(new.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(new.certificate), serial++);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
        -1, -1, 0);
    X509_set_issuer_name(new.certificate, X509_get_subject_name(by));
    ASN1_TIME_set(X509_getm_notBefore(new.certificate), begin);
    ASN1_TIME_set(X509_getm_notAfter(new.certificate), end);
    X509_set_pubkey(new.certificate, key);
    add_extension(new.certificate, by, NID_basic_constraints,
        san == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (san != NULL && san[0] != '\0')
        add_extension(new.certificate, by, NID_subject_alt_name, san);
    require(X509_sign(new.certificate, issuer == NULL ? key : issuer->key,
                EVP_sha256()) > 0);
    return new;
}

static EVP_PKEY *
ec(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

static EVP_PKEY *
rsa(size_t bits)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
}

static FILE *
create(const char *name, mode_t mode)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    require(file != NULL && chmod(path, mode) == 0);
    return file;
}

/* A file with the key (when `key` is not NULL) and the certificates up to NULL. */
static void
save(const char *name, mode_t mode, EVP_PKEY *key, ...)
{
    FILE *file = create(name, mode);
    va_list certificates;
    X509 *one;

    va_start(certificates, key);
    while ((one = va_arg(certificates, X509 *)) != NULL)
        require(PEM_write_X509(file, one) == 1);
    va_end(certificates);
    if (key != NULL)
        require(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
}

static void
free_identity(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

/* A server's certificate with its whole chain and its key, in one file. */
static void
save_server(const struct identity *ca, const char *file, EVP_PKEY *key, const char *san,
    time_t begin, time_t end)
{
    struct identity server = issue(ca, key, "mail.example.com", san, begin, end);

    save(file, 0600, server.key, server.certificate, ca->certificate, NULL);
    free_identity(&server);
}

int
main(int argc, char **argv)
{
    const char *mail = "DNS:mail.example.com,DNS:autodiscover.example.com";
    time_t now = time(NULL), yesterday = now - DAY, later = now + 90 * DAY;
    struct identity ca, between, server, old_ca;
    EVP_PKEY *other;
    FILE *file;

    require(argc == 2);
    folder = argv[1];
    ca = issue(NULL, ec(), "Test Root", NULL, yesterday, later);
    between = issue(&ca, ec(), "Test Intermediate", NULL, yesterday, later);
    old_ca = issue(NULL, ec(), "Old Root", NULL, LONG_AGO, AGO);
    server = issue(&between, ec(), "mail.example.com", mail, yesterday, later);
    other = ec();

    save("ca.pem", 0644, NULL, ca.certificate, NULL);
    save("old-ca.pem", 0644, NULL, old_ca.certificate, NULL);
    save("mail.pem", 0600, server.key, server.certificate, between.certificate,
        ca.certificate, NULL);
    save("fullchain.pem", 0644, NULL, server.certificate, between.certificate,
        ca.certificate, NULL);
    save("privkey.pem", 0600, server.key, NULL);
    save("old.key", 0600, other, NULL);
    save("open.key", 0644, server.key, NULL);
    save("leaf.pem", 0644, NULL, server.certificate, NULL);
    save("wrong-order.pem", 0600, server.key, between.certificate, server.certificate,
        NULL);
    save_server(&ca, "rsa.pem", rsa(2048), mail, yesterday, later);
    save_server(&ca, "ec.pem", ec(), mail, yesterday, later);
    save_server(&ca, "weak.pem", rsa(1024), mail, yesterday, later);
    save_server(&ca, "expired.pem", ec(), mail, LONG_AGO, AGO);
    save_server(&ca, "early.pem", ec(), mail, FAR, FARTHER);
    save_server(&ca, "soon.pem", ec(), mail, now - 80 * DAY, now + 5 * DAY + DAY / 2);
    save_server(&ca, "wild.pem", ec(), "DNS:*.example.com", yesterday, later);
    save_server(&ca, "cn-only.pem", ec(), "", yesterday, later);
    save_server(&ca, "client.pem", ec(), "DNS:postern.corp.example", yesterday, later);
    file = create("garbage.pem", 0600);
    fputs("this is no PEM\n", file);
    fclose(file);

    EVP_PKEY_free(other);
    free_identity(&server);
    free_identity(&between);
    free_identity(&old_ca);
    free_identity(&ca);
    return 0;
}
