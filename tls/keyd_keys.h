/*
 * tls/keyd_keys.h - the private keys that keyd holds, found by name.
 *
 * Filled before the jail shuts; afterwards only `spare` changes, under the lock of
 * keyd_threads.h.
 */
#ifndef TLS_KEYD_KEYS_H
#define TLS_KEYD_KEYS_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/note.h"
#include "base/require.h"
#include "tls/key_wire.h"

struct held_key {
    unsigned char name[KEY_NAME_BYTES];
    unsigned index;   /* among the different keys */
    uint64_t cost_ns; /* what the last signature took; 0: there was none */
    uint64_t used_ns; /* its place in keyd_askers' time (keyd_askers.c) */
    EVP_PKEY *key;
    /*
     * Prepared on first use: to set one up costs as much as a P-256 signature. One that
     * is at work is not here, and of several that come back one is kept.
     */
    EVP_PKEY_CTX *spare[KEY_SCHEMES][KEY_HASHES];
};

struct keyd_keys {
    struct held_key **by_name; /* sorted */
    unsigned count;
    struct held_key **records; /* as they came; several may be one key */
    unsigned record_count;
};

/*
 * For CRYPTO_secure_malloc_init, where OpenSSL keeps the secret numbers of keys that came
 * as `sealed_bytes` of DER, and what it needs while it signs: a power of two. Each number
 * lies in the DER, too, and the heap rounds it up to less than twice its size, or to a
 * piece; so twice the DER is enough for any key that can be used.
 */
#define KEYD_HEAP_PIECE 32
#define KEYD_HEAP_ROOM ((size_t)1024 * 1024) /* to sign in, for all threads */
size_t keyd_keys_heap_bytes(size_t sealed_bytes);

/* The next record, in DER. False with a note. */
bool
keyd_keys_read(struct keyd_keys *keys, struct bytes der, struct note *note) MUST_USE;

/* Takes over `key`, the next record. False with a note: it cannot be used and is not ours. */
bool keyd_keys_hold(struct keyd_keys *keys, EVP_PKEY *key, struct note *note) MUST_USE;

/* NULL: there is no such key. */
struct held_key *keyd_keys_find(const struct keyd_keys *keys, struct bytes name);

void keyd_keys_fini(struct keyd_keys *keys);

#endif
