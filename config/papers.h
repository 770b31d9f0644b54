/*
 * config/papers.h - the certificates and keys that a configuration names.
 *
 * Each file is read once, so what is checked is what is served: a file that is replaced
 * a moment later changes nothing. Certificates cross processes as text with the
 * configuration, keys in a memfd of their own that only keyd reads.
 */
#ifndef CONFIG_PAPERS_H
#define CONFIG_PAPERS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/require.h"
#include "config/stash.h"

#define PAPER_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define PAPERS_OF_SYSTEM "" /* the path of what the system trusts */

struct paper {
    const char *path;
    struct bytes text; /* its certificates as PEM and nothing else; may be empty */
    int64_t changed_ns;
    STACK_OF(X509) * certificates; /* NULL: none, or they came sealed */
    EVP_PKEY *key;                 /* the first private key; NULL: none */
    bool key_has_password;         /* there is one, but nobody to type it */
    bool is_served, key_is_served; /* they have to reach the other processes */
    struct paper *next, *next_in_bucket;
};

struct papers {
    struct stash *stash;
    struct paper *first;      /* newest first */
    struct paper **buckets;   /* by path; NULL: there is none yet */
    X509_STORE *system_store; /* made when it is first asked for */
};

void papers_init(struct papers *papers, struct stash *stash);

/* Frees keys and certificates; the rest is the stash's. */
void papers_fini(struct papers *papers);

/* The file, read now unless it was read before. NULL with errno. */
struct paper *papers_read(struct papers *papers, const char *path) MUST_USE;

/* The authorities of this system; NULL when there are none, with the places looked at. */
struct paper *papers_read_system(struct papers *papers, const char **places) MUST_USE;

/* True when an authority of this system has signed `certificate`. */
bool papers_system_signed(struct papers *papers, X509 *certificate);

/* What was read, or came sealed, under this path; NULL: nothing. */
const struct paper *papers_find(const struct papers *papers, const char *path);

/* One that came sealed. `path` and `text` outlive the papers. */
void papers_add(struct papers *papers, const char *path, struct bytes text,
    int64_t changed_ns);

/*
 * A sealed memfd (base/seal.h) with one record for each key that is served, DER as
 * i2d_PrivateKey gives it; -1 with errno.
 */
int papers_seal_keys(const struct papers *papers) MUST_USE;

/* st_mtim of a file in nanoseconds; 0 when it cannot be looked at. */
int64_t papers_changed_ns(const char *path);

#endif
