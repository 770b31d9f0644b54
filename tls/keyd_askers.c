/*
 * tls/keyd_askers.c - the askers and their waiting questions.
 *
 * Trust: an asker is a worker, which an attacker may own.
 */
#include "tls/keyd_askers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- coming and going --- */

static bool
has_bit(struct bytes bits, unsigned n)
{
    return n / 8 < bits.length && ((unsigned char)bits.at[n / 8] >> n % 8 & 1) != 0;
}

static struct keyd_tally *
tally_of(struct keyd_askers *askers, const char *name)
{
    struct keyd_tally **tallies;

    for (unsigned i = 0; i < askers->tally_count; i++) {
        if (strcmp(askers->tallies[i]->name, name) == 0)
            return askers->tallies[i];
    }
    tallies = realloc(askers->tallies,
        (askers->tally_count + 1) * sizeof(struct keyd_tally *));
    require(tallies != NULL);
    askers->tallies = tallies;
    tallies[askers->tally_count] = require_zeroed(1, sizeof **tallies);
    snprintf(tallies[askers->tally_count]->name, sizeof tallies[0]->name, "%s", name);
    return tallies[askers->tally_count++];
}

static void
drop_earlier(struct keyd_askers *askers, const struct keyd_tally *tally)
{
    for (unsigned i = askers->count; i-- > 0;) {
        if (askers->rows[i]->tally == tally)
            keyd_askers_drop(askers, i);
    }
}

void
keyd_askers_add(struct keyd_askers *askers, int fd, const char *name,
    struct bytes scope, const struct keyd_keys *keys)
{
    struct keyd_asker *asker = require_zeroed(1, sizeof *asker), **rows;

    asker->tally = tally_of(askers, name);
    drop_earlier(askers, asker->tally);
    rows = realloc(askers->rows, (askers->count + 1) * sizeof(struct keyd_asker *));
    require(rows != NULL);
    askers->rows = rows;
    asker->fd = fd;
    asker->may = require_zeroed(keys->count / 8 + 1, 1);
    for (unsigned i = 0; i < keys->record_count; i++) {
        unsigned index = keys->records[i]->index;

        if (has_bit(scope, i))
            asker->may[index / 8] |= (unsigned char)(1 << index % 8);
    }
    askers->rows[askers->count++] = asker;
}

static void
free_if_gone(struct keyd_asker *asker)
{
    if (asker->fd >= 0 || asker->signing > 0)
        return;
    free(asker->may);
    free(asker);
}

void
keyd_askers_drop(struct keyd_askers *askers, unsigned row)
{
    struct keyd_asker *asker = askers->rows[row];

    askers->waiting -= asker->waiting_count;
    asker->waiting_count = 0;
    close(asker->fd);
    asker->fd = -1;
    askers->rows[row] = askers->rows[--askers->count];
    free_if_gone(asker);
}

void
keyd_askers_fini(struct keyd_askers *askers)
{
    while (askers->count > 0)
        keyd_askers_drop(askers, askers->count - 1);
    while (askers->tally_count > 0)
        free(askers->tallies[--askers->tally_count]);
    free(askers->tallies);
    free(askers->rows);
    *askers = (struct keyd_askers){ .count = 0 };
}

/* --- questions --- */

bool
keyd_scheme_fits(const struct held_key *held, enum key_scheme scheme)
{
    return (bool)EVP_PKEY_is_a(held->key, "EC") == (scheme == KEY_ECDSA);
}

static enum key_status
judge(const struct keyd_asker *asker, const struct held_key *key,
    enum key_scheme scheme)
{
    if (key == NULL || (asker->may[key->index / 8] >> key->index % 8 & 1) == 0)
        return KEY_UNKNOWN; /* what it may not have it need not know of */
    return keyd_scheme_fits(key, scheme) ? KEY_SIGNED : KEY_REFUSED;
}

enum keyd_heard
keyd_askers_hear(struct keyd_askers *askers, unsigned row, struct ipc_message *m,
    const struct keyd_keys *keys, uint32_t *number, enum key_status *status)
{
    struct keyd_asker *asker = askers->rows[row];
    struct keyd_question *q;
    struct bytes name, digest;
    uint32_t scheme, hash;

    *number = ipc_get_u32(m);
    name = ipc_get_bytes(m);
    scheme = ipc_get_u32(m);
    hash = ipc_get_u32(m);
    digest = ipc_get_bytes(m);
    asker->tally->window.refused++;
    if (m->tag != IPC_SIGN || !ipc_at_end(m) || m->fd != -1 ||
        name.length != KEY_NAME_BYTES || scheme >= KEY_SCHEMES || hash >= KEY_HASHES ||
        digest.length != key_hashes[hash].bytes ||
        asker->waiting_count + asker->signing >= KEY_TURNS)
        return KEYD_HEARD_NONSENSE;
    q = &asker->waiting[asker->waiting_count];
    *q = (struct keyd_question){ .number = *number,
        .key = keyd_keys_find(keys, name),
        .scheme = scheme,
        .hash = hash };
    memcpy(q->digest, digest.at, digest.length);
    *status = judge(asker, q->key, scheme);
    if (*status != KEY_SIGNED)
        return KEYD_HEARD_REFUSED;
    asker->tally->window.refused--;
    asker->tally->window.questions++;
    asker->waiting_count++;
    askers->waiting++;
    return KEYD_HEARD;
}

/*
 * Keys share the time by what each one's signatures cost. One that was not asked for
 * meanwhile comes back where the others are: it has saved nothing up.
 */
static uint64_t
place_of(const struct keyd_askers *askers, const struct held_key *key)
{
    return key->used_ns > askers->used_ns ? key->used_ns : askers->used_ns;
}

static unsigned
choose(const struct keyd_askers *askers, const struct keyd_asker *asker)
{
    unsigned best = 0;

    for (unsigned i = 1; i < asker->waiting_count; i++) {
        if (place_of(askers, asker->waiting[i].key) <
            place_of(askers, asker->waiting[best].key))
            best = i;
    }
    return best;
}

struct keyd_asker *
keyd_askers_take(struct keyd_askers *askers, struct keyd_question *question)
{
    struct keyd_asker *asker;
    unsigned at;

    if (askers->waiting == 0)
        return NULL;
    do {
        askers->next = (askers->next + 1) % askers->count;
        asker = askers->rows[askers->next];
    } while (asker->waiting_count == 0);
    at = choose(askers, asker);
    *question = asker->waiting[at];
    asker->waiting_count--;
    askers->waiting--;
    memmove(asker->waiting + at, asker->waiting + at + 1,
        (asker->waiting_count - at) * sizeof *asker->waiting);
    askers->used_ns = place_of(askers, question->key);
    question->key->used_ns = askers->used_ns + question->key->cost_ns + 1;
    asker->signing++;
    return asker;
}

void
keyd_askers_done(struct keyd_asker *asker)
{
    asker->signing--;
    free_if_gone(asker);
}
