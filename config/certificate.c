/*
 * config/certificate.c - asks OpenSSL and answers in yes and no.
 *
 * Reports nothing and keeps nothing: what a fact is worth is check_files.c's business.
 */
#include "config/certificate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SOON_DAYS 14
#define CHAIN_MAX 10

static STACK_OF(X509) * read_all(BIO *from)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();
    X509 *one;

    require(certificates != NULL);
    while (from != NULL && (one = PEM_read_bio_X509(from, NULL, NULL, NULL)) != NULL)
        require(sk_X509_push(certificates, one) > 0);
    ERR_clear_error(); /* the end of the text is an error to the PEM reader */
    BIO_free(from);
    if (sk_X509_num(certificates) == 0)
        certificates_free(&certificates);
    return certificates;
}

/* NULL: it cannot be read, or is a named pipe or a device, which may never end. */
static BIO *
open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    FILE *file;
    BIO *from;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return NULL;
    }
    file = fdopen(fd, "r");
    require(file != NULL);
    from = BIO_new_fp(file, BIO_CLOSE);
    require(from != NULL);
    return from;
}

STACK_OF(X509) * certificates_read(const char *path)
{
    return read_all(open_file(path));
}

STACK_OF(X509) * certificates_parse(struct bytes text)
{
    return read_all(BIO_new_mem_buf(text.at, (int)text.length));
}

void
certificates_free(STACK_OF(X509) * *certificates)
{
    sk_X509_pop_free(*certificates, X509_free);
    *certificates = NULL;
}

/* The i-th DNS name of a subjectAltName; empty for other kinds and for names with NUL. */
static struct bytes
dns_name(const GENERAL_NAMES *names, int i)
{
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    struct bytes text = { NULL, 0 };

    if (name->type == GEN_DNS)
        text = bytes_of(ASN1_STRING_get0_data(name->d.dNSName),
            (size_t)ASN1_STRING_length(name->d.dNSName));
    if (text.length > 0 && memchr(text.at, '\0', text.length) != NULL)
        text.length = 0;
    return text;
}

/* A published wildcard needs the very same wildcard in the certificate. */
static bool
has_name(X509 *certificate, const char *host)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        struct bytes name = dns_name(names, i);

        found |=
            name.length == strlen(host) && strncasecmp(name.at, host, name.length) == 0;
    }
    GENERAL_NAMES_free(names);
    return found;
}

bool
certificate_covers(X509 *certificate, const char *host)
{
    struct in_addr v4;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return X509_check_ip_asc(certificate, host, 0) == 1;
    if (host[0] == '*')
        return has_name(certificate, host);
    return X509_check_host(certificate, host, strlen(host),
               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
               NULL) == 1;
}

const char *
certificate_names(X509 *certificate, struct stash *stash)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    const char *list = "";

    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names) && i < 20; i++) {
        struct bytes name = dns_name(names, i);

        if (name.length > 0)
            list = stash_print(stash, "%s%s%.*s", list, list[0] == '\0' ? "" : " ",
                BYTES_ARG(name));
    }
    GENERAL_NAMES_free(names);
    return list;
}

bool
certificate_is_self_signed(X509 *certificate)
{
    return X509_NAME_cmp(X509_get_subject_name(certificate),
               X509_get_issuer_name(certificate)) == 0;
}

int
certificate_key_type(X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    return key == NULL ? 0 : EVP_PKEY_get_base_id(key);
}

const char *
certificate_weakness(X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    int digest = NID_undef;

    if (key == NULL)
        return "its key cannot be read";
    if (certificate_key_type(certificate) == EVP_PKEY_RSA) {
        if (EVP_PKEY_get_bits(key) < 2048)
            return "RSA with fewer than 2048 bits";
    } else if (certificate_key_type(certificate) == EVP_PKEY_EC) {
        if (EVP_PKEY_get_bits(key) < 256)
            return "ECDSA on a curve with fewer than 256 bits";
    } else {
        return "its key is neither RSA nor ECDSA";
    }
    if (!certificate_is_self_signed(certificate) &&
        X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) == 1 &&
        (digest == NID_md5 || digest == NID_sha1 || digest == NID_md5_sha1))
        return "signed with MD5 or SHA-1";
    return NULL;
}

static void
print_day(const ASN1_TIME *moment, char text[16])
{
    struct tm tm;

    text[0] = '\0';
    if (ASN1_TIME_to_tm(moment, &tm) == 1)
        strftime(text, 16, "%Y-%m-%d", &tm);
}

struct certificate_times
certificate_times(X509 *certificate)
{
    const ASN1_TIME *begin = X509_get0_notBefore(certificate);
    const ASN1_TIME *end = X509_get0_notAfter(certificate);
    struct certificate_times times = { 0 };
    int days = 0, seconds = 0, lifetime = 0;

    print_day(begin, times.begins);
    print_day(end, times.ends);
    times.early = X509_cmp_current_time(begin) > 0;
    /* 0 is an unreadable time: as bad as a past one. */
    times.expired = X509_cmp_current_time(end) <= 0;
    if (ASN1_TIME_diff(&lifetime, &seconds, begin, end) == 1 &&
        ASN1_TIME_diff(&days, &seconds, NULL, end) == 1) {
        times.days_left = days;
        times.ends_soon = days < SOON_DAYS && days < (lifetime + 2) / 3;
    }
    return times;
}

bool
certificate_is_authority(X509 *certificate)
{
    return X509_check_ca(certificate) > 0;
}

static X509 *
find_issuer(STACK_OF(X509) * certificates, X509 *of)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *one = sk_X509_value(certificates, i);

        if (one != of && X509_check_issued(one, of) == X509_V_OK)
            return one;
    }
    return NULL;
}

X509 *
certificate_chain_end(STACK_OF(X509) * certificates)
{
    X509 *one = sk_X509_value(certificates, 0);

    for (int depth = 0; depth < CHAIN_MAX; depth++) {
        X509 *issuer =
            certificate_is_self_signed(one) ? NULL : find_issuer(certificates, one);

        if (issuer == NULL)
            break;
        one = issuer;
    }
    return one;
}

const char *
certificate_issuer(X509 *certificate, struct stash *stash)
{
    X509_NAME *issuer = X509_get_issuer_name(certificate);
    char name[200] = "";

    if (X509_NAME_get_text_by_NID(issuer, NID_commonName, name, sizeof(name)) <= 0)
        X509_NAME_oneline(issuer, name, sizeof(name));
    for (char *c = name; *c != '\0';
         c++) /* the certificate's author chose these bytes */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return stash_copy(stash, bytes_of_string(name));
}
