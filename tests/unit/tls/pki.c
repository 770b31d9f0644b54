/*
 * tests/unit/tls/pki.c - certificates through EVP and X509, no openssl command.
 */
#include "pki.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/require.h"

static EVP_PKEY *
make_key(enum pki_kind kind)
{
    switch (kind) {
    case PKI_P256:
        return EVP_EC_gen("P-256");
    case PKI_P384:
        return EVP_EC_gen("P-384");
    case PKI_RSA2048:
        return EVP_RSA_gen(2048);
    case PKI_RSA1024:
        return EVP_RSA_gen(1024);
    }
    return NULL;
}

static FILE *
open_file(const char *folder, const char *name, const char *extension, const char *mode)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.%s", folder, name, extension);
    file = fopen(path, mode);
    require(file != NULL);
    return file;
}

static void
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    require(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void
fill(X509 *certificate, X509 *issuer, const struct pki_order *order)
{
    static long serial = 1;
    bool plain = order->from_days == 0 && order->to_days == 0;
    X509_NAME *subject = X509_get_subject_name(certificate);

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
        (const unsigned char *)order->name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    X509_time_adj_ex(X509_getm_notBefore(certificate), plain ? -1 : order->from_days, 0,
        NULL);
    X509_time_adj_ex(X509_getm_notAfter(certificate), plain ? 30 : order->to_days, 0,
        NULL);
    add_extension(certificate, issuer, NID_basic_constraints,
        order->authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (order->authority)
        return;
    add_extension(certificate, issuer, NID_ext_key_usage,
        order->usage != NULL ? order->usage : "serverAuth");
    if (order->alt != NULL)
        add_extension(certificate, issuer, NID_subject_alt_name, order->alt);
}

static X509 *
read_issuer(const char *folder, const char *name, EVP_PKEY **key)
{
    FILE *file = open_file(folder, name, "pem", "r");
    X509 *issuer = PEM_read_X509(file, NULL, NULL, NULL);

    fclose(file);
    file = open_file(folder, name, "key", "r");
    *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    require(issuer != NULL && *key != NULL);
    return issuer;
}

void
pki_make(const char *folder, const struct pki_order *order)
{
    EVP_PKEY *key = make_key(order->kind), *issuer_key = key;
    X509 *certificate = X509_new(), *issuer = certificate;
    FILE *file;

    require(key != NULL && certificate != NULL);
    if (order->issuer != NULL)
        issuer = read_issuer(folder, order->issuer, &issuer_key);
    fill(certificate, issuer, order);
    X509_set_pubkey(certificate, key);
    require(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    file = open_file(folder, order->name, "pem", "w");
    require(PEM_write_X509(file, certificate) == 1);
    fclose(file);
    file = open_file(folder, order->name, "key", "w");
    require(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    if (issuer != certificate) {
        X509_free(issuer);
        EVP_PKEY_free(issuer_key);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}
