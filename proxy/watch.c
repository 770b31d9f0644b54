/*
 * proxy/watch.c - does a process still answer? The rule, and what the kernel says.
 */
#include "proxy/watch.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MISSES 2
#define CPU_SHARE 20 /* who got a twentieth of the time had its chance */

/* --- what the kernel says --- */

/* The file's text behind the command's name, which may hold blanks and brackets. */
static const char *
read_stat(pid_t pid, char *text, size_t room)
{
    char path[32], *name_end;
    ssize_t length;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    length = read(fd, text, room - 1);
    close(fd);
    if (length <= 0)
        return NULL;
    text[length] = '\0';
    name_end = strrchr(text, ')');
    return name_end != NULL ? name_end + 1 : NULL;
}

struct process_sight
process_look(pid_t pid)
{
    struct process_sight sight = { 0 };
    char text[1024];
    const char *rest = read_stat(pid, text, sizeof text);
    unsigned long user, system;
    long per_second = sysconf(_SC_CLK_TCK);

    /* Fields 3, 14 and 15: state, utime, stime. */
    if (rest == NULL || per_second <= 0 ||
        sscanf(rest, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu",
            &sight.state, &user, &system) != 3)
        return (struct process_sight){ 0 };
    sight.cpu_ms = ((uint64_t)user + system) * 1000 / (uint64_t)per_second;
    return sight;
}

const char *
process_state_name(char state)
{
    switch (state) {
    case 'R':
        return "running";
    case 'S':
        return "sleeping";
    case 'D':
        return "blocked";
    case 'T':
    case 't':
        return "stopped";
    default:
        return "unknown";
    }
}

/* --- the rule --- */

/* Ready to run, and the machine had no time for it. */
static bool
is_starved(const struct watch *watch, const struct process_sight *sight,
    uint64_t period_ms)
{
    return sight->state == 'R' && sight->cpu_ms - watch->cpu_ms < period_ms / CPU_SHARE;
}

enum watch_verdict
watch_look(struct watch *watch, const struct process_sight *sight, uint64_t now_ms,
    uint64_t period_ms, bool late)
{
    bool had_its_chance = !late && !is_starved(watch, sight, period_ms);

    watch->cpu_ms = sight->cpu_ms;
    if (watch->answered == watch->asked && watch->missed == 0)
        watch->since_ms = now_ms;
    if (late) {
        watch->missed = 0;
        watch->since_ms = now_ms;
    }
    if (watch->answered == watch->asked)
        return watch->missed < MISSES ? WATCH_ASK : WATCH_HUNG;
    if (had_its_chance)
        watch->missed++;
    return watch->missed < MISSES ? WATCH_WAIT : WATCH_HUNG;
}

void
watch_asked(struct watch *watch, bool sent)
{
    if (!sent) {
        watch->missed++;
        return;
    }
    watch->asked++;
    watch->missed = 0;
}

void
watch_answered(struct watch *watch, uint32_t number)
{
    if (number != watch->asked || watch->answered == watch->asked)
        return;
    watch->answered = number;
    watch->missed = 0;
}
