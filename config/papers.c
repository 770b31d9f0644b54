/*
 * config/papers.c - reading PEM files, and keeping what they held.
 *
 * Runs in processes that end soon: in `postern check` and in the notary. In all others
 * only what came sealed is looked up. The bytes of a file that may hold a key are wiped.
 */
#include "config/papers.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seal.h"
#include "base/secret.h"
#include "config/authorities.h"
#include "config/certificate.h"

#define BUCKETS 1024 /* a thousand hosts have as many files */

void
papers_init(struct papers *papers, struct stash *stash)
{
    *papers = (struct papers){ .stash = stash };
}

void
papers_fini(struct papers *papers)
{
    for (struct paper *p = papers->first; p != NULL; p = p->next) {
        certificates_free(&p->certificates);
        EVP_PKEY_free(p->key);
        p->key = NULL;
    }
    X509_STORE_free(papers->system_store);
    papers->first = NULL;
    papers->buckets = NULL;
    papers->system_store = NULL;
}

/* FNV-1a: names of files, written by the operator. */
static struct paper **
bucket_of(const struct papers *papers, const char *path)
{
    uint32_t hash = 2166136261u;

    for (const char *c = path; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return &papers->buckets[hash % BUCKETS];
}

static struct paper *
find(const struct papers *papers, const char *path)
{
    struct paper *p = papers->buckets == NULL ? NULL : *bucket_of(papers, path);

    while (p != NULL && strcmp(p->path, path) != 0)
        p = p->next_in_bucket;
    return p;
}

const struct paper *
papers_find(const struct papers *papers, const char *path)
{
    return find(papers, path);
}

static struct paper *
add(struct papers *papers, const char *path)
{
    struct paper *p = stash_take(papers->stash, 1, sizeof(*p)), **bucket;

    if (papers->buckets == NULL)
        papers->buckets = stash_take(papers->stash, BUCKETS, sizeof(struct paper *));
    bucket = bucket_of(papers, path);
    p->path = path;
    p->next = papers->first;
    p->next_in_bucket = *bucket;
    papers->first = *bucket = p;
    return p;
}

void
papers_add(struct papers *papers, const char *path, struct bytes text,
    int64_t changed_ns)
{
    struct paper *p = add(papers, path);

    p->text = text;
    p->changed_ns = changed_ns;
    p->is_served = true;
}

/* --- reading --- */

static int64_t
nanoseconds(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

int64_t
papers_changed_ns(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? nanoseconds(&status) : 0;
}

/* A file's bytes in pages that are wiped. */
struct secret_text {
    void *at;
    size_t length, room;
    int64_t changed_ns;
};

/* Like read(2) until the file ends. False with errno; EFBIG: there is more than room. */
static bool
read_all(int fd, struct secret_text *text)
{
    while (text->length < text->room) {
        ssize_t got =
            read(fd, (char *)text->at + text->length, text->room - text->length);

        if (got == 0)
            return true;
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0)
            text->length += (size_t)got;
    }
    errno = EFBIG;
    return false;
}

/* The open file; false with errno. */
static bool
read_open(int fd, struct secret_text *text)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return false;
    errno = S_ISREG(status.st_mode) ? 0 : S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    if (errno == 0 && (uint64_t)status.st_size > PAPER_BYTES_MAX)
        errno = EFBIG;
    if (errno != 0)
        return false;
    text->room = (size_t)status.st_size + 1; /* to see the end */
    text->at = secret_new(text->room);
    text->changed_ns = nanoseconds(&status);
    return read_all(fd, text);
}

/* False with errno. In any case text->at is the caller's to free. */
static bool
read_secret(const char *path, struct secret_text *text)
{
    /* O_NONBLOCK: a named pipe in place of a file must not hang the check. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error;
    bool good;

    *text = (struct secret_text){ .at = NULL };
    if (fd < 0)
        return false;
    good = read_open(fd, text);
    error = errno;
    close(fd);
    errno = error;
    return good;
}

/* OpenSSL asks here when a key is encrypted: nobody is there to type a passphrase. */
static int
refuse_password(char *buffer, int size, int writing, void *asked)
{
    (void)buffer, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

static void
parse_key(struct paper *p, const struct secret_text *text)
{
    static const char mark[] = "PRIVATE KEY-----";
    BIO *memory;

    /* OpenSSL's decoders take longer to find none than to read one. */
    if (memmem(text->at, text->length, mark, sizeof(mark) - 1) == NULL)
        return;
    memory = BIO_new_mem_buf(text->at, (int)text->length);
    require(memory != NULL);
    p->key =
        PEM_read_bio_PrivateKey(memory, NULL, refuse_password, &p->key_has_password);
    BIO_free(memory);
    ERR_clear_error();
}

/* The certificates written anew: whatever else the file held is left behind. */
static struct bytes
print_certificates(const STACK_OF(X509) * certificates, struct stash *stash)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    struct bytes copy;
    long length;

    require(memory != NULL);
    for (int i = 0; i < sk_X509_num(certificates); i++)
        require(PEM_write_bio_X509(memory, sk_X509_value(certificates, i)) == 1);
    length = BIO_get_mem_data(memory, &text);
    copy = bytes_of(stash_copy(stash, bytes_of(text, (size_t)length)), (size_t)length);
    BIO_free(memory);
    return copy;
}

struct paper *
papers_read(struct papers *papers, const char *path)
{
    struct paper *p = find(papers, path);
    struct secret_text text;

    if (p != NULL)
        return p;
    if (read_secret(path, &text)) {
        p = add(papers, stash_copy(papers->stash, bytes_of_string(path)));
        p->changed_ns = text.changed_ns;
        p->certificates = certificates_parse(bytes_of(text.at, text.length));
        p->text = print_certificates(p->certificates, papers->stash);
        parse_key(p, &text);
    }
    secret_free(&text.at, text.room);
    return p;
}

/* --- the system's authorities --- */

struct paper *
papers_read_system(struct papers *papers, const char **places)
{
    struct paper *p = find(papers, PAPERS_OF_SYSTEM);
    STACK_OF(X509) * all;

    if (p != NULL)
        return p;
    all = authorities_of_system(places, papers->stash);
    if (all == NULL)
        return NULL;
    p = add(papers, PAPERS_OF_SYSTEM);
    p->certificates = all;
    p->text = print_certificates(all, papers->stash);
    return p;
}

static X509_STORE *
system_store(struct papers *papers)
{
    const struct paper *system;

    if (papers->system_store != NULL)
        return papers->system_store;
    papers->system_store = X509_STORE_new();
    require(papers->system_store != NULL);
    system = papers_read_system(papers, NULL);
    for (int i = 0; system != NULL && i < sk_X509_num(system->certificates); i++)
        require(X509_STORE_add_cert(papers->system_store,
                    sk_X509_value(system->certificates, i)) == 1);
    return papers->system_store;
}

bool
papers_system_signed(struct papers *papers, X509 *certificate)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509 *issuer = NULL;
    bool known;

    require(context != NULL &&
        X509_STORE_CTX_init(context, system_store(papers), certificate, NULL) == 1);
    known = X509_STORE_CTX_get1_issuer(&issuer, context, certificate) == 1;
    X509_free(issuer);
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return known;
}

/* --- sealing --- */

static bool
seal_key(int fd, const EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int length = i2d_PrivateKey(key, &der);
    bool good = length > 0 && seal_put(fd, bytes_of(der, (size_t)length));

    if (length > 0)
        OPENSSL_clear_free(der, (size_t)length);
    return good;
}

int
papers_seal_keys(const struct papers *papers)
{
    int fd = seal_open("postern-keys"), error;
    bool good = fd >= 0;

    for (const struct paper *p = papers->first; good && p != NULL; p = p->next)
        if (p->key_is_served)
            good = seal_key(fd, p->key);
    if (good && seal_shut(fd))
        return fd;
    error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}
