/*
 * proxy/sources.c - open connections per source address, in a chained hash table.
 */
#include "proxy/sources.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "base/secret.h"

#define BUCKETS 4096 /* power of two */

struct source {
    struct source *next;
    uint64_t network; /* IPv6: the first 64 bits; IPv4: a mapped address, folded */
    uint32_t open;
};

struct sources {
    uint64_t key;
    struct source *buckets[BUCKETS];
};

struct sources *
sources_new(void)
{
    struct sources *sources = require_zeroed(1, sizeof *sources);

    secret_random(&sources->key, sizeof sources->key);
    return sources;
}

void
sources_free(struct sources **sources)
{
    if (*sources == NULL)
        return;
    for (unsigned i = 0; i < BUCKETS; i++) {
        while ((*sources)->buckets[i] != NULL) {
            struct source *gone = (*sources)->buckets[i];

            (*sources)->buckets[i] = gone->next;
            free(gone);
        }
    }
    free(*sources);
    *sources = NULL;
}

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
    return network;
}

/* The link that points at the source's entry, or at the end of its chain. */
static struct source **
find(struct sources *sources, uint64_t network)
{
    uint64_t hash = (network ^ sources->key) * UINT64_C(0x9e3779b97f4a7c15);
    struct source **at;

    hash ^= hash >> 29;
    hash *= sources->key | 1;
    at = &sources->buckets[hash >> 52];
    while (*at != NULL && (*at)->network != network)
        at = &(*at)->next;
    return at;
}

bool
sources_enter(struct sources *sources, const struct sockaddr *address, uint32_t limit)
{
    uint64_t network = network_of(address);
    struct source **at = find(sources, network);

    if (*at == NULL) {
        *at = require_zeroed(1, sizeof **at);
        (*at)->network = network;
    }
    if (limit != 0 && (*at)->open >= limit)
        return false;
    (*at)->open++;
    return true;
}

void
sources_leave(struct sources *sources, const struct sockaddr *address)
{
    struct source **at = find(sources, network_of(address));
    struct source *source = *at;

    require(source != NULL && source->open > 0);
    if (--source->open > 0)
        return;
    *at = source->next;
    free(source);
}
