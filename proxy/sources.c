/*
 * proxy/sources.c - open connections per source address and listener, over all workers.
 *
 * Linear probing. What a worker has counted lies in its own memory; its column of the
 * ledger mirrors it. A slot whose last connection went stays in the way of a search
 * until the slot behind it is empty, then it is emptied: what is in use never moves.
 */
#include "proxy/sources.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/ledger.h"

#define SLOTS_LEAST 64
#define SLOTS_MOST (UINT32_C(1) << 20)

struct source {
    uint64_t network; /* 0: empty; with `open` 0: only in the way of searches */
    uint32_t listener, open;
};

struct sources {
    struct ledger *ledger;
    struct ledger_source *mirror; /* our column */
    uint64_t key;
    uint32_t mask;         /* slots less one */
    struct source slots[]; /* as many */
};

uint32_t
sources_slots(uint64_t connections)
{
    uint32_t slots = SLOTS_LEAST;

    while (slots < SLOTS_MOST && slots < 4 * connections) /* a quarter is in use */
        slots *= 2;
    return slots;
}

struct sources *
sources_new(struct ledger *ledger)
{
    const struct ledger_shape *shape = ledger_shape(ledger);
    struct sources *sources =
        require_zeroed(1, sizeof *sources + shape->sources * sizeof sources->slots[0]);

    sources->ledger = ledger;
    sources->mirror = ledger_sources(ledger, ledger_column(ledger));
    sources->key = shape->key;
    sources->mask = shape->sources - 1;
    return sources;
}

void
sources_free(struct sources **sources)
{
    free(*sources);
    *sources = NULL;
}

/* Never 0: the network 0 is nobody's, and 1 is one to which no answer goes (100::/64). */
static uint64_t
network_of(const struct sockaddr *address)
{
    const struct sockaddr_in6 *six = (const void *)address;
    const struct sockaddr_in *four = (const void *)address;
    uint64_t network;
    uint32_t last;

    if (address->sa_family == AF_INET)
        return UINT64_C(0xffff00000000) | four->sin_addr.s_addr;
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        memcpy(&last, six->sin6_addr.s6_addr + 12, sizeof last);
        return UINT64_C(0xffff00000000) | last;
    }
    memcpy(&network, six->sin6_addr.s6_addr, sizeof network);
    return network == 0 ? 1 : network;
}

/* Where a search begins: the same slot in every column. */
static uint32_t
home_of(const struct sources *sources, uint64_t network, unsigned listener)
{
    uint64_t hash = (network ^ sources->key) * UINT64_C(0x9e3779b97f4a7c15) + listener;

    hash ^= hash >> 29;
    hash *= sources->key | 1;
    return (uint32_t)(hash >> 32) & sources->mask;
}

/* --- our own column --- */

static bool
is_at(const struct source *slot, uint64_t network, unsigned listener)
{
    return slot->network == network && slot->listener == listener && slot->open > 0;
}

/* The slot of this source, or the one for it; NULL when all that may be are taken. */
static struct source *
find(struct sources *sources, uint64_t network, unsigned listener)
{
    uint32_t at = home_of(sources, network, listener);
    struct source *vacant = NULL;

    for (unsigned i = 0; i < SOURCE_PROBES; i++, at = (at + 1) & sources->mask) {
        struct source *slot = &sources->slots[at];

        if (is_at(slot, network, listener))
            return slot;
        if (slot->open == 0 && vacant == NULL)
            vacant = slot;
        if (slot->network == 0)
            break;
    }
    if (vacant != NULL)
        *vacant = (struct source){ .network = network, .listener = listener };
    return vacant;
}

/*
 * No reader may see a number under a name that is not its own: the number is 0 before
 * the name changes, and readers compare the name once more after the number.
 */
static void
write_through(struct sources *sources, const struct source *slot)
{
    struct ledger_source *mirror = &sources->mirror[slot - sources->slots];
    uint64_t open = (uint64_t)slot->listener << 32 | slot->open;

    if (slot->open == 0)
        atomic_store(&mirror->open, open);
    atomic_store(&mirror->network, slot->network);
    if (slot->open > 0)
        atomic_store(&mirror->open, open);
}

/* The last one went: empties the slot, and those before it that only stood in the way. */
static void
tidy(struct sources *sources, struct source *slot)
{
    uint32_t at = (uint32_t)(slot - sources->slots);

    while (sources->slots[(at + 1) & sources->mask].network == 0 &&
        sources->slots[at].network != 0 && sources->slots[at].open == 0) {
        sources->slots[at] = (struct source){ .network = 0 };
        write_through(sources, &sources->slots[at]);
        at = (at - 1) & sources->mask;
    }
}

static void
take_back(struct sources *sources, struct source *slot)
{
    slot->open--;
    write_through(sources, slot);
    if (slot->open == 0)
        tidy(sources, slot);
}

/* --- the others' --- */

/* Connections of this source in `column`. */
static uint32_t
count_in(const struct sources *sources, unsigned column, uint64_t network,
    unsigned listener)
{
    struct ledger_source *slots = ledger_sources(sources->ledger, column);
    uint32_t at = home_of(sources, network, listener);

    for (unsigned i = 0; i < SOURCE_PROBES; i++, at = (at + 1) & sources->mask) {
        uint64_t there = atomic_load(&slots[at].network), open;

        if (there == 0)
            break;
        open = atomic_load(&slots[at].open);
        if (there == network && open >> 32 == listener && (uint32_t)open > 0 &&
            atomic_load(&slots[at].network) == network)
            return (uint32_t)open;
    }
    return 0;
}

static uint64_t
count(const struct sources *sources, const struct source *own)
{
    unsigned columns = ledger_shape(sources->ledger)->columns;
    uint64_t sum = own->open;

    for (unsigned i = 0; i < columns; i++) {
        if (i != ledger_column(sources->ledger))
            sum += count_in(sources, i, own->network, own->listener);
    }
    return sum;
}

/* --- in and out --- */

static bool
is_counted(const struct sources *sources, uint32_t limit)
{
    return limit != 0 && ledger_shape(sources->ledger)->sources != 0;
}

bool
sources_enter(struct sources *sources, const struct sockaddr *address,
    unsigned listener, uint32_t limit)
{
    uint64_t network = network_of(address);

    if (!is_counted(sources, limit))
        return true;
    for (unsigned attempt = 0; attempt < LEDGER_TRIES; attempt++) {
        struct source *slot = find(sources, network, listener);

        if (slot == NULL)
            return false; /* far more sources than connections: somebody plays tricks */
        slot->open++;
        write_through(sources, slot);
        if (count(sources, slot) <= limit)
            return true;
        take_back(sources, slot);
        ledger_pause(sources->ledger, attempt);
    }
    return false;
}

void
sources_leave(struct sources *sources, const struct sockaddr *address,
    unsigned listener, uint32_t limit)
{
    struct source *slot;

    if (!is_counted(sources, limit))
        return;
    slot = find(sources, network_of(address), listener);
    require(slot != NULL && slot->open > 0);
    take_back(sources, slot);
}
