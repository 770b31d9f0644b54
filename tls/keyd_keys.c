/*
 * tls/keyd_keys.c - the table of private keys.
 *
 * Knows nothing of who asks. Owns the keys. Trust: the records come from the parent, and
 * were looked at before they were sealed.
 */
#include "tls/keyd_keys.h"

#include <openssl/cryptoerr.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "tls/key_client.h"

#define RSA_BITS 2048

static bool
is_usable(const EVP_PKEY *key, struct note *note)
{
    if (EVP_PKEY_is_a(key, "EC"))
        return true;
    if (!EVP_PKEY_is_a(key, "RSA")) {
        note_set(note, "only RSA and ECDSA keys can be used");
        return false;
    }
    if (EVP_PKEY_get_bits(key) < RSA_BITS) {
        note_set(note, "the RSA key has fewer than %d bits", RSA_BITS);
        return false;
    }
    return true;
}

/* Where `name` stands, or would have to: *found tells. */
static unsigned
place_of(const struct keyd_keys *keys, const unsigned char *name, bool *found)
{
    unsigned low = 0, high = keys->count;

    *found = false;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = memcmp(name, keys->by_name[middle]->name, KEY_NAME_BYTES);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static struct held_key **
one_longer(struct held_key **rows, unsigned count)
{
    struct held_key **longer = realloc(rows, (count + 1) * sizeof *rows);

    require(longer != NULL);
    return longer;
}

/* Several certificates may share one key: it is held once. */
static void
hold(struct keyd_keys *keys, EVP_PKEY *key)
{
    unsigned char name[KEY_NAME_BYTES];
    struct held_key *held;
    unsigned place;
    bool found;

    require(key_name_of(key, name));
    place = place_of(keys, name, &found);
    if (found) {
        EVP_PKEY_free(key);
        held = keys->by_name[place];
    } else {
        held = require_zeroed(1, sizeof *held);
        memcpy(held->name, name, sizeof name);
        held->key = key;
        held->index = keys->count;
        keys->by_name = one_longer(keys->by_name, keys->count);
        memmove(keys->by_name + place + 1, keys->by_name + place,
            (keys->count - place) * sizeof *keys->by_name);
        keys->by_name[place] = held;
        keys->count++;
    }
    keys->records = one_longer(keys->records, keys->record_count);
    keys->records[keys->record_count++] = held;
}

bool
keyd_keys_hold(struct keyd_keys *keys, EVP_PKEY *key, struct note *note)
{
    if (keys->record_count == KEY_RECORDS) {
        note_set(note, "there are more than %d keys", KEY_RECORDS);
        return false;
    }
    if (!is_usable(key, note))
        return false;
    hold(keys, key);
    return true;
}

size_t
keyd_keys_heap_bytes(size_t sealed_bytes)
{
    size_t bytes = KEYD_HEAP_ROOM;

    while (bytes - KEYD_HEAP_ROOM < 2 * sealed_bytes)
        bytes *= 2;
    return bytes;
}

/* Releases of OpenSSL differ in who says that the heap is full. */
static bool
was_memory_missing(void)
{
    bool was_missing = false;
    unsigned long error;

    while ((error = ERR_get_error()) != 0)
        was_missing |= ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ||
            (ERR_GET_LIB(error) == ERR_LIB_CRYPTO &&
                ERR_GET_REASON(error) == CRYPTO_R_SECURE_MALLOC_FAILURE);
    return was_missing;
}

bool
keyd_keys_read(struct keyd_keys *keys, struct bytes der, struct note *note)
{
    const unsigned char *at = (const unsigned char *)der.at;
    EVP_PKEY *key;

    ERR_clear_error();
    key = d2i_AutoPrivateKey(NULL, &at, (long)der.length);
    if (key == NULL)
        note_set(note, "a sealed key %s",
            was_memory_missing() ? "finds no memory" : "cannot be read");
    ERR_clear_error();
    if (key != NULL && keyd_keys_hold(keys, key, note))
        return true;
    EVP_PKEY_free(key);
    return false;
}

struct held_key *
keyd_keys_find(const struct keyd_keys *keys, struct bytes name)
{
    unsigned place;
    bool found;

    if (name.length != KEY_NAME_BYTES)
        return NULL;
    place = place_of(keys, (const unsigned char *)name.at, &found);
    return found ? keys->by_name[place] : NULL;
}

static void
free_key(struct held_key *held)
{
    for (unsigned s = 0; s < KEY_SCHEMES; s++) {
        for (unsigned h = 0; h < KEY_HASHES; h++)
            EVP_PKEY_CTX_free(held->spare[s][h]);
    }
    EVP_PKEY_free(held->key);
    free(held);
}

void
keyd_keys_fini(struct keyd_keys *keys)
{
    for (unsigned i = 0; i < keys->count; i++)
        free_key(keys->by_name[i]);
    free(keys->by_name);
    free(keys->records);
    *keys = (struct keyd_keys){ .count = 0 };
}
