/*
 * proxy/machine.c - reading memory limits from /proc and /sys, before the jail.
 *
 * A file that is not there, or says "max", limits nothing.
 */
#include "proxy/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define WORKER_BYTES ((uint64_t)4 * 1024 * 1024)

static uint64_t
limit_in(const char *file)
{
    FILE *from = fopen(file, "re");
    char line[64] = "", *end;
    unsigned long long bytes = 0;

    if (from == NULL)
        return UINT64_MAX;
    if (fgets(line, sizeof line, from) != NULL)
        bytes = strtoull(line, &end, 10);
    (void)fclose(from);
    return bytes > 0 ? bytes : UINT64_MAX; /* "max" begins with no digit */
}

/* The least limit of the group and of all groups around it. */
static uint64_t
limit_of_group(const char *root, const char *mount, const char *group, const char *name)
{
    char path[PATH_BYTES];
    uint64_t least = UINT64_MAX, limit;
    size_t length = strlen(group);

    for (;;) {
        int used = snprintf(path, sizeof path, "%s%s%.*s/%s", root, mount, (int)length,
            group, name);

        limit = used > 0 && (size_t)used < sizeof path ? limit_in(path) : UINT64_MAX;
        if (limit < least)
            least = limit;
        if (length == 0)
            return least;
        while (length > 0 && group[--length] != '/')
            ;
    }
}

/* A line is "0::/group", or "9:memory:/group" of version 1. */
static uint64_t
limit_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':'), *group;

    line[strcspn(line, "\n")] = '\0';
    group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return UINT64_MAX;
    *group++ = '\0';
    if (strcmp(group, "/") == 0)
        group++;
    if (controllers[1] == '\0')
        return limit_of_group(root, "/sys/fs/cgroup", group, "memory.max");
    if (strcmp(controllers + 1, "memory") == 0)
        return limit_of_group(root, "/sys/fs/cgroup/memory", group,
            "memory.limit_in_bytes");
    return UINT64_MAX;
}

uint64_t
machine_memory(const char *root)
{
    uint64_t least =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char line[PATH_BYTES];
    FILE *groups;

    snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    groups = fopen(line, "re");
    while (groups != NULL && fgets(line, sizeof line, groups) != NULL) {
        uint64_t limit = limit_of_line(root, line);

        if (limit < least)
            least = limit;
    }
    if (groups != NULL)
        (void)fclose(groups);
    return least;
}

uint64_t
machine_buffers(const char *root, unsigned workers)
{
    uint64_t half = machine_memory(root) / 2, least = workers * WORKER_BYTES;

    return half > least ? half : least;
}
