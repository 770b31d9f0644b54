/*
 * config/check_machine.c - what the configuration allows, against what this process may have.
 *
 * Warnings only: a worker keeps within what there is, and says when that is full. The
 * service may have other limits than the shell in which somebody checks.
 */
#include "config/check.h"

#include <sys/resource.h>

#include "base/chunk.h"
#include "config/need.h"
#include "config/value.h"

/* The default of `connections` bounds and promises nothing: a part, once, is good enough. */
#define DEFAULT_PART 10

/* All listeners and pools. */
struct wanted {
    uint64_t connections;     /* that are allowed */
    uint64_t promised;        /* of them, so many are somebody's wish */
    bool has_default;         /* a listener's default was counted */
    uint64_t idle;            /* unused upstream connections of a worker */
    const struct node *place; /* where most are promised; NULL: nowhere */
    uint64_t most;
};

static const struct node *
first_of(const struct node *root, enum setting_id block)
{
    const struct node *node = tree_good(root, block);

    return node == NULL || node->kind != NODE_MAP ? NULL : node->first;
}

static void
count_listener(struct wanted *wanted, const struct node *listener)
{
    const struct node *written = tree_good(listener, SETTING_LISTENER_CONNECTIONS);
    uint64_t allowed = tree_number(listener, SETTING_LISTENER_CONNECTIONS);
    uint64_t promised = written != NULL ? allowed
        : wanted->has_default           ? 0
                                        : allowed / DEFAULT_PART;

    wanted->connections += allowed;
    wanted->promised += promised;
    wanted->has_default = wanted->has_default || written == NULL;
    if (promised <= wanted->most)
        return;
    wanted->most = promised;
    wanted->place = written == NULL ? listener : written;
}

static void
count_upstream(struct wanted *wanted, const struct node *upstream)
{
    const struct node *pool = tree_setting(upstream, SETTING_POOL_BLOCK);
    const struct node *servers = tree_good(upstream, SETTING_UPSTREAM_SERVERS);

    for (const struct node *server = tree_first_value(servers); server != NULL;
         server = tree_next_value(server))
        wanted->idle += tree_number(pool, SETTING_POOL_SIZE);
}

static void
check_descriptors(const struct node *root, struct stash *stash, struct diagnostics *d)
{
    uint64_t workers = need_workers(root), places;
    struct wanted wanted = { 0 };
    struct rlimit limit;

    for (const struct node *l = first_of(root, SETTING_LISTENER_BLOCK); l != NULL;
         l = l->next)
        count_listener(&wanted, l);
    for (const struct node *u = first_of(root, SETTING_UPSTREAM_BLOCK); u != NULL;
         u = u->next)
        count_upstream(&wanted, u);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
        return;
    places = workers * need_places(limit.rlim_max, NEED_KEPT);
    if (wanted.place == NULL || places >= wanted.promised)
        return;
    report(d, CODE_FEW_DESCRIPTORS, tree_mark(wanted.place),
        stash_print(stash,
            "LimitNOFILE=%llu of the unit (ulimit -Hn of a shell), or fewer "
            "connections",
            (unsigned long long)need_descriptors(NEED_KEPT, wanted.connections,
                wanted.idle)),
        "%llu connections are allowed; with a limit of %llu descriptors about %llu fit "
        "into %llu worker%s",
        (unsigned long long)wanted.connections, (unsigned long long)limit.rlim_max,
        (unsigned long long)places, (unsigned long long)workers,
        workers == 1 ? "" : "s");
}

static void
check_memory(const struct node *root, struct stash *stash, struct diagnostics *d)
{
    const struct node *limits = tree_good(root, SETTING_FILE_LIMITS_BLOCK);
    const struct node *memory = tree_good(limits, SETTING_FILE_LIMITS_MEMORY);
    uint64_t kept = need_workers(root) * (CHUNK_SPARES + CHUNK_RESERVE) *
        (uint64_t)sizeof(struct chunk);
    char path[TREE_PATH_BYTES];

    if (memory == NULL || memory->number > kept)
        return;
    report(d, CODE_LITTLE_MEMORY, memory->mark,
        stash_print(stash, "write at least %lluMiB, or fewer workers",
            (unsigned long long)(kept >> 20) + 1),
        "%s: %s is less than %u workers keep for their next requests",
        tree_path(memory, path), memory->text, need_workers(root));
}

void
check_machine(const struct node *root, struct stash *stash, struct diagnostics *d)
{
    check_descriptors(root, stash, d);
    check_memory(root, stash, d);
}
