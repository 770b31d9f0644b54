/*
 * proxy/watch.h - does a process still answer? The rule; proxy/watchdog.c asks and acts.
 *
 * Twice within `watchdog` the parent looks at each child that is at work: when its last
 * question is answered it asks the next, otherwise the child has missed the look. Who
 * misses two in a row hangs. A question goes over the child's own control channel and
 * its answer carries its number, so nobody answers, or is silent, for another.
 *
 * No look is missed by a child that had no chance: when the parent itself came late
 * (stopped, starved, or a laptop that slept), and when the child is ready to run and
 * gets no processor. One that spins gets plenty.
 */
#ifndef PROXY_WATCH_H
#define PROXY_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the kernel says about a process (proc(5), /proc/PID/stat). */
struct process_sight {
    char state; /* 'R', 'S', 'D', 'T', ...; 0: it cannot be seen */
    uint64_t cpu_ms;
};

struct process_sight process_look(pid_t pid);

/* "running", "stopped", ...: the word for the log. */
const char *process_state_name(char state);

/* One child's questions and answers; all zero at its start. */
struct watch {
    uint32_t asked, answered; /* numbers; equal: nothing is open */
    unsigned missed;          /* looks in a row */
    uint64_t since_ms;        /* the last look at which it answered */
    uint64_t cpu_ms;          /* what it had used at the last look */
};

enum watch_verdict {
    WATCH_ASK,  /* ask question `asked` + 1; watch_asked says that it went out */
    WATCH_WAIT, /* an answer is missing, and may come yet */
    WATCH_HUNG,
};

/*
 * One look, `period_ms` after the last one; `late`: by much more than that, which tells
 * about the parent and not about the child.
 */
enum watch_verdict watch_look(struct watch *watch, const struct process_sight *sight,
    uint64_t now_ms, uint64_t period_ms, bool late);

/* The question went out; one that finds no room counts as missed. */
void watch_asked(struct watch *watch, bool sent);

void watch_answered(struct watch *watch, uint32_t number);

#endif
