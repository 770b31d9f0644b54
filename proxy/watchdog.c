/*
 * proxy/watchdog.c - the parent looks after its children, and replaces who hangs.
 *
 * A child that spins, sleeps where it should not, or was stopped holds its connections
 * and its listening sockets, and nobody would notice. proxy/watch.h has the rule. Who
 * hangs is killed, told of in one event, and started again like any other.
 */
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "proxy/parent_priv.h"

/* A child that gets ready for longer than this will not. */
#define SETUP_MS 60000

/* Where a worker says that it is; the others do one thing each. */
static const char *
place_of(const struct child *child)
{
    if (child->role != CHILD_WORKER)
        return NULL;
    return ledger_place_name(ledger_place(child->parent->ledger, child->index));
}

void
watchdog_tell(const struct child *child)
{
    struct event_log *log = child->parent->log;
    const char *state = process_state_name(child->state_at_end);
    char how[96];

    snprintf(how, sizeof how, "no answer for %llu ms, %s: killed",
        (unsigned long long)child->silent_ms, state);
    parent_complain(child, how);
    event_begin(log, EVENT_PROCESS_HUNG);
    event_string(log, EF_LOST_PROCESS, child->name);
    event_number(log, EF_LOST_PID, (uint64_t)child->pid);
    event_string(log, EF_PROCESS_STATE, state);
    event_string(log, EF_PROCESS_PLACE, place_of(child));
    event_number(log, EF_PROCESS_SILENT, child->silent_ms * 1000000);
    event_end(log);
}

/*
 * It is our child and not reaped yet, so its number is nobody else's. It is told of when
 * it has ended: until then a logd that hangs would swallow the event.
 */
static void
condemn(struct child *child, const struct process_sight *sight, uint64_t silent_ms)
{
    child->condemned = true;
    child->state_at_end = sight->state;
    child->silent_ms = silent_ms;
    kill(child->pid, SIGKILL);
}

static void
look_at_start(struct child *child, const struct process_sight *sight, uint64_t now_ms,
    bool late)
{
    if (late)
        child->started_ms = now_ms;
    else if (now_ms - child->started_ms > SETUP_MS)
        condemn(child, sight, now_ms - child->started_ms);
}

static void
look(struct child *child, uint64_t now_ms, bool late)
{
    struct process_sight sight;

    if (child->pid == 0 || child->condemned)
        return;
    family_listen(child); /* answers that wait: timers come before them in a turn */
    sight = process_look(child->pid);
    if (sight.state == 'Z')
        return; /* SIGCHLD is on its way */
    if (!child->ready) {
        look_at_start(child, &sight, now_ms, late);
        return;
    }
    switch (watch_look(&child->watch, &sight, now_ms, child->parent->look_ms, late)) {
    case WATCH_ASK:
        watch_asked(&child->watch, family_ask(child, child->watch.asked + 1));
        return;
    case WATCH_WAIT:
        return;
    case WATCH_HUNG:
        condemn(child, &sight, now_ms - child->watch.since_ms);
        return;
    }
}

static void
on_look(uv_timer_t *timer)
{
    struct parent *p = timer->data;
    uint64_t now_ms = clock_ms(), passed_ms = now_ms - p->looked_ms;
    bool late = passed_ms > p->look_ms + p->look_ms / 2;

    p->looked_ms = now_ms;
    for (unsigned i = 0; i < p->child_count; i++)
        look(&p->children[i], now_ms, late);
}

void
watchdog_start(struct parent *p)
{
    p->look_ms = p->snapshot->watchdog_ms / 2;
    p->looked_ms = clock_ms();
    uv_timer_init(&p->loop, &p->watchdog);
    p->watchdog.data = p;
    uv_timer_start(&p->watchdog, on_look, p->look_ms, p->look_ms);
}
