/*
 * cli/demo_pki.c - two authorities, one certificate each, made in an instant.
 *
 * Knows OpenSSL and one folder; not who will use the files. Every OpenSSL object
 * made here is freed here. Files that are found are believed only after they were
 * verified like a peer's, so a half-written set repairs itself at the next start.
 */
#include "cli/demo_pki.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#define DAY_SECONDS ((time_t)24 * 60 * 60)

struct plan {
    const char *stem; /* of the file names */
    const char *authority;
    const char *name;
    const char *alt_names;
};

static const struct plan plans[] = {
    { "internal", "postern demonstration, internal CA", DEMO_INTERNAL_NAME,
        "DNS:" DEMO_INTERNAL_NAME ",IP:127.0.0.1" },
    { "public", "postern demonstration, public CA", DEMO_PUBLIC_NAME,
        "DNS:" DEMO_PUBLIC_NAME ",DNS:mail.localhost,IP:127.0.0.1,IP:::1" },
};

struct extension {
    int nid;
    const char *value;
};

/* An identity in memory: what one plan yields. */
struct identity {
    X509 *authority, *leaf;
    EVP_PKEY *key; /* of the leaf; that of the authority is gone */
};

static void
identity_fini(struct identity *id)
{
    X509_free(id->authority);
    X509_free(id->leaf);
    EVP_PKEY_free(id->key);
}

static bool
file_path(char to[PATH_MAX], const char *folder, const char *stem, const char *suffix)
{
    int length = snprintf(to, PATH_MAX, "%s/%s%s", folder, stem, suffix);

    return length > 0 && length < PATH_MAX;
}

/* ---- making ---- */

static bool
set_name(X509_NAME *to, const char *common_name)
{
    const unsigned char *text = (const unsigned char *)common_name;

    return X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1;
}

static bool
set_extensions(X509 *cert, X509 *issuer, const struct extension *rows, size_t count)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *made =
            X509V3_EXT_conf_nid(NULL, &context, rows[i].nid, rows[i].value);
        bool added = made != NULL && X509_add_ext(cert, made, -1) == 1;

        X509_EXTENSION_free(made);
        if (!added)
            return false;
    }
    return true;
}

/* A certificate with everything but its extensions and its signature. */
static X509 *
blank_certificate(const char *name, EVP_PKEY *key, time_t now)
{
    X509 *cert = X509_new();
    uint64_t serial;

    if (cert == NULL || RAND_bytes((unsigned char *)&serial, sizeof serial) != 1 ||
        X509_set_version(cert, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial) != 1 ||
        !set_name(X509_get_subject_name(cert), name) ||
        X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &now) == NULL ||
        X509_time_adj_ex(X509_getm_notAfter(cert), DEMO_PKI_DAYS, 0, &now) == NULL ||
        X509_set_pubkey(cert, key) != 1) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static bool
sign_authority(X509 *cert, EVP_PKEY *key)
{
    static const struct extension rows[] = {
        { NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
        { NID_key_usage, "critical,keyCertSign" },
        { NID_subject_key_identifier, "hash" },
    };

    return X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
        set_extensions(cert, cert, rows, sizeof rows / sizeof rows[0]) &&
        X509_sign(cert, key, EVP_sha256()) != 0;
}

static bool
sign_leaf(X509 *cert, const char *alt_names, X509 *authority, EVP_PKEY *authority_key)
{
    const struct extension rows[] = {
        { NID_basic_constraints, "critical,CA:FALSE" },
        { NID_key_usage, "critical,digitalSignature" },
        { NID_ext_key_usage, "serverAuth" },
        { NID_subject_alt_name, alt_names },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, "keyid" },
    };

    return X509_set_issuer_name(cert, X509_get_subject_name(authority)) == 1 &&
        set_extensions(cert, authority, rows, sizeof rows / sizeof rows[0]) &&
        X509_sign(cert, authority_key, EVP_sha256()) != 0;
}

static bool
identity_make(struct identity *id, const struct plan *plan, time_t now)
{
    EVP_PKEY *authority_key = EVP_EC_gen("P-256");
    bool made;

    id->key = EVP_EC_gen("P-256");
    made = authority_key != NULL && id->key != NULL &&
        (id->authority = blank_certificate(plan->authority, authority_key, now)) !=
            NULL &&
        (id->leaf = blank_certificate(plan->name, id->key, now)) != NULL &&
        sign_authority(id->authority, authority_key) &&
        sign_leaf(id->leaf, plan->alt_names, id->authority, authority_key);
    EVP_PKEY_free(authority_key);
    return made;
}

/* ---- writing ---- */

/* O_EXCL after unlink: never through a link that somebody laid out for us. */
static FILE *
create_file(const char *path, mode_t mode, struct note *note)
{
    FILE *file;
    int fd;

    if (unlink(path) < 0 && errno != ENOENT) {
        note_set(note, "cannot replace %s: %s", path, strerror(errno));
        return NULL;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        note_set(note, "cannot write %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    return file;
}

/* Writes what is not NULL, in this order, to one PEM file. */
static bool
write_pem(const char *path, mode_t mode, X509 *first, X509 *second, EVP_PKEY *key,
    struct note *note)
{
    FILE *file = create_file(path, mode, note);
    bool written;

    if (file == NULL)
        return false;
    written = (first == NULL || PEM_write_X509(file, first) == 1) &&
        (second == NULL || PEM_write_X509(file, second) == 1) &&
        (key == NULL ||
            PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    if (fclose(file) != 0 || !written) {
        note_set(note, "cannot write %s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

/* Certificates are public: a browser of another account may want to trust them. */
static bool
identity_write(const struct identity *id, const char *folder, const char *stem,
    struct note *note)
{
    char ca[PATH_MAX], chain[PATH_MAX], key[PATH_MAX];

    if (!file_path(ca, folder, stem, "-ca.pem") ||
        !file_path(chain, folder, stem, ".pem") ||
        !file_path(key, folder, stem, ".key")) {
        note_set(note, "the folder's name is too long");
        return false;
    }
    return write_pem(ca, 0644, id->authority, NULL, NULL, note) &&
        write_pem(chain, 0644, id->leaf, id->authority, NULL, note) &&
        write_pem(key, 0600, NULL, NULL, id->key, note);
}

/* ---- judging what is there ---- */

static X509 *
read_certificate(const char *folder, const char *stem, const char *suffix)
{
    char path[PATH_MAX];
    FILE *file = file_path(path, folder, stem, suffix) ? fopen(path, "re") : NULL;
    X509 *cert = file == NULL ? NULL : PEM_read_X509(file, NULL, NULL, NULL);

    if (file != NULL)
        fclose(file);
    return cert;
}

static EVP_PKEY *
read_key(const char *folder, const char *stem)
{
    char path[PATH_MAX];
    FILE *file = file_path(path, folder, stem, ".key") ? fopen(path, "re") : NULL;
    EVP_PKEY *key = file == NULL ? NULL : PEM_read_PrivateKey(file, NULL, NULL, NULL);

    if (file != NULL)
        fclose(file);
    return key;
}

/* As a client would judge it at that time. */
static bool
verifies_at(const struct identity *id, time_t when)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool good = false;

    if (store != NULL && context != NULL &&
        X509_STORE_add_cert(store, id->authority) == 1 &&
        X509_STORE_CTX_init(context, store, id->leaf, NULL) == 1) {
        X509_STORE_CTX_set_time(context, 0, when);
        good = X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER) == 1 &&
            X509_verify_cert(context) == 1;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return good;
}

static bool
is_still_good(const char *folder, const struct plan *plan, time_t now)
{
    struct identity id = {
        .authority = read_certificate(folder, plan->stem, "-ca.pem"),
        .leaf = read_certificate(folder, plan->stem, ".pem"),
        .key = read_key(folder, plan->stem),
    };
    bool good = id.authority != NULL && id.leaf != NULL && id.key != NULL &&
        X509_check_private_key(id.leaf, id.key) == 1 &&
        X509_check_host(id.leaf, plan->name, 0, 0, NULL) == 1 &&
        verifies_at(&id, now) &&
        verifies_at(&id, now + DEMO_PKI_RENEW_DAYS * DAY_SECONDS);

    identity_fini(&id);
    ERR_clear_error();
    return good;
}

bool
demo_pki_prepare(const char *folder, time_t now, struct note *note)
{
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        struct identity id = { NULL, NULL, NULL };
        bool done;

        if (is_still_good(folder, &plans[i], now))
            continue;
        note_set(note, "OpenSSL cannot make a certificate");
        done = identity_make(&id, &plans[i], now) &&
            identity_write(&id, folder, plans[i].stem, note);
        identity_fini(&id);
        if (!done)
            return false;
    }
    note_set(note, "%s", "");
    return true;
}
