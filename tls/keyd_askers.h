/*
 * tls/keyd_askers.h - who asks keyd, what for, and whose question comes next.
 *
 * An asker has at most KEY_TURNS questions open, be they waiting or being signed: one
 * that asks more, or anything that is not exactly a question, loses its channel. Turns
 * go round the askers; of one asker's questions the oldest is taken whose key has had the
 * least time so far: a slow key holds up no other, however much is asked of it.
 *
 * No function here waits or locks; keyd_threads.h says whose turn it is to call them.
 */
#ifndef TLS_KEYD_ASKERS_H
#define TLS_KEYD_ASKERS_H

#include "base/ipc.h"
#include "tls/keyd_keys.h"

struct keyd_question {
    uint32_t number;
    struct held_key *key;
    enum key_scheme scheme;
    enum key_hash hash;
    unsigned char digest[KEY_DIGEST_BYTES];
};

/* What an asker has asked for, since when it is the counter's to say. */
struct keyd_count {
    uint64_t questions; /* good ones */
    uint64_t refused; /* a key or scheme that it may not have, or no question at all */
};

/*
 * What is counted of a name, as long as keyd lives: whoever comes back under it, a worker
 * that was started again or one that only closed its channel, begins with no clean slate.
 */
struct keyd_tally {
    char name[32];
    struct keyd_count window, total;
    double usual; /* questions per window, averaged (keyd_watch.h) */
    unsigned windows;
};

struct keyd_asker {
    int fd; /* -1: gone; its memory goes with its last signature */
    struct keyd_tally *tally;
    unsigned char *may;                      /* a bit for each held_key's index */
    struct keyd_question waiting[KEY_TURNS]; /* the oldest first */
    unsigned waiting_count, signing;
};

struct keyd_askers {
    struct keyd_asker **rows; /* each under another name */
    unsigned count, next, waiting;
    struct keyd_tally **tallies; /* of those that are gone, too */
    unsigned tally_count;        /* as many as the parent has names */
    uint64_t used_ns;            /* of the key whose question was taken last */
};

/*
 * Takes over `fd`; an asker that has this name already is dropped. `scope`: one bit for
 * each record of IPC_KEYS, the lowest first.
 */
void keyd_askers_add(struct keyd_askers *askers, int fd, const char *name,
    struct bytes scope, const struct keyd_keys *keys);

/* Closes the channel; what was asked on it is forgotten. */
void keyd_askers_drop(struct keyd_askers *askers, unsigned row);

/* Drops all; no signature may be under way. */
void keyd_askers_fini(struct keyd_askers *askers);

enum keyd_heard {
    KEYD_HEARD,          /* the question waits */
    KEYD_HEARD_REFUSED,  /* `status` is the answer to `number` */
    KEYD_HEARD_NONSENSE, /* the channel has to end */
};

/* Understands a message of the asker in `row`. */
enum keyd_heard
keyd_askers_hear(struct keyd_askers *askers, unsigned row, struct ipc_message *m,
    const struct keyd_keys *keys, uint32_t *number, enum key_status *status) MUST_USE;

/* The next question and its asker; NULL when none waits. Owes keyd_askers_done. */
struct keyd_asker *
keyd_askers_take(struct keyd_askers *askers, struct keyd_question *question) MUST_USE;
void keyd_askers_done(struct keyd_asker *asker);

/* True when `scheme` is one of this key's kind. */
bool keyd_scheme_fits(const struct held_key *held, enum key_scheme scheme);

#endif
