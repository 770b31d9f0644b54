/*
 * config/need.c - descriptors and workers, counted.
 */
#include "config/need.h"

#include <sched.h>

/* Room for those that come in beyond a limit of `connections`, to be told so. */
#define REFUSED 256

uint64_t
need_descriptors(uint64_t kept, uint64_t connections, uint64_t idle)
{
    return kept + REFUSED + 2 * connections + idle;
}

uint64_t
need_places(uint64_t limit, uint64_t kept)
{
    return limit > kept ? (limit - kept) / 2 : 0;
}

static unsigned
processors(void)
{
    cpu_set_t mine;
    unsigned count = 1, most = (unsigned)schema_setting(SETTING_FILE_WORKERS)->high;

    if (sched_getaffinity(0, sizeof(mine), &mine) == 0)
        count = (unsigned)CPU_COUNT(&mine);
    return count > most ? most : count;
}

unsigned
need_workers(const struct node *root)
{
    return tree_good(root, SETTING_FILE_WORKERS) == NULL
        ? processors()
        : (unsigned)tree_number(root, SETTING_FILE_WORKERS);
}
