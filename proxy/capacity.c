/*
 * proxy/capacity.c - counting descriptors, pausing and resuming, and telling the log.
 *
 * libuv's own answer to a process without descriptors (1.44, uv__emfile_trick) closes
 * a spare one to accept and drop whoever waits. A worker in its jail cannot open the
 * spare again, and then accept4 fails for ever inside one callback. So the limit is
 * never reached: what is accepted is counted here.
 */
#include "proxy/capacity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/chunk.h"
#include "base/clock.h"
#include "config/need.h"
#include "log/event.h"
#include "proxy/conn.h"
#include "proxy/ledger.h"
#include "proxy/link.h"
#include "proxy/listener.h"
#include "proxy/worker.h"

/* Channels to a new keyd or logd beside the old ones, and what arrives with a message. */
#define SPARE 24
#define LOOK_MS 250
/* After the kernel refused, it is over when nothing was refused for so long. */
#define CALM_MS 5000
/* At the ceiling of memory new connections wait for so long before somebody has to go. */
#define PATIENCE_NS (UINT64_C(1000) * 1000000)
/* A connection that has sent nothing goes after this time, when others wait for its place. */
#define BARE_MS 1000

/* --- how many --- */

/* Connections for which both descriptors are there, their own and one inside. */
static unsigned
places(const struct capacity *capacity)
{
    return (unsigned)need_places(capacity->limit, capacity->kept);
}

static bool
is_recent(const struct worker *w, uint64_t ms)
{
    return w->capacity.refused_ms != 0 &&
        w->capacity.refused_ms + ms > uv_now(&w->loop);
}

/* At the ceiling, or malloc gives no more before it. */
static bool
is_memory_full(const struct worker *w)
{
    return chunk_pool_is_short() ||
        ledger_buffers(w->ledger) + CHUNK_BYTES > ledger_memory(w->ledger);
}

static enum capacity_lack
find_lack(const struct worker *w)
{
    if (w->connections >= places(&w->capacity))
        return LACK_DESCRIPTORS;
    return is_memory_full(w) ? LACK_MEMORY : LACK_NOTHING;
}

/* An eighth is free: fewer would be full again with the next who speaks. */
static bool
is_memory_over(const struct worker *w)
{
    uint64_t most = ledger_memory(w->ledger);

    return !chunk_pool_is_short() && ledger_buffers(w->ledger) <= most - most / 8;
}

/* Enough is free again that the log need not hear of it once more in a moment. */
static bool
is_over(const struct worker *w)
{
    unsigned most = places(&w->capacity);

    return w->connections <= most - most / 8 && !is_recent(w, CALM_MS) &&
        is_memory_over(w);
}

/* --- telling --- */

static void
tell(struct worker *w, enum event_id event)
{
    static const char *const names[] = {
        [LACK_NOTHING] = "",
        [LACK_DESCRIPTORS] = "descriptors",
        [LACK_MEMORY] = "memory",
    };
    const struct capacity *capacity = &w->capacity;

    event_begin(w->log, event);
    event_string(w->log, EF_CAPACITY_LACK, names[capacity->lack]);
    event_number(w->log, EF_CAPACITY_CONNECTIONS, w->connections);
    event_number(w->log, EF_CAPACITY_PLACES, places(capacity));
    event_number(w->log, EF_CAPACITY_BUFFERS, ledger_buffers(w->ledger));
    event_number(w->log, EF_CAPACITY_MEMORY, ledger_memory(w->ledger));
    if (event == EVENT_CAPACITY_FREED) {
        event_number(w->log, EF_DURATION, clock_ns() - capacity->since_ns);
        event_number(w->log, EF_CAPACITY_SHED, capacity->shed);
    }
    event_end(w->log);
}

/* --- pausing and resuming --- */

static void on_look(uv_timer_t *timer);

static void
pause_listening(struct worker *w, enum capacity_lack lack)
{
    for (unsigned i = 0; i < w->snapshot->listener_count; i++)
        listener_pause(&w->listeners[i]);
    if (lack == LACK_MEMORY && w->capacity.full_ns == 0)
        w->capacity.full_ns = clock_ns();
    if (w->capacity.lack != LACK_NOTHING)
        return;
    w->capacity.lack = lack;
    w->capacity.since_ns = clock_ns();
    w->capacity.shed = 0;
    tell(w, EVENT_CAPACITY_REACHED);
    uv_timer_start(&w->capacity.look, on_look, LOOK_MS, LOOK_MS);
}

static void
resume_listening(struct worker *w)
{
    unsigned count = w->snapshot->listener_count;

    if (w->capacity.lack == LACK_NOTHING || w->draining || find_lack(w) != LACK_NOTHING)
        return;
    w->capacity.turn++;
    for (unsigned i = 0; i < count; i++)
        listener_resume(&w->listeners[(w->capacity.turn % count + i) % count],
            w->capacity.turn / count);
    if (!is_over(w))
        return;
    tell(w, EVENT_CAPACITY_FREED);
    w->capacity.lack = LACK_NOTHING;
    w->capacity.full_ns = 0;
    uv_timer_stop(&w->capacity.look);
}

/*
 * Of all workers those have to give that hold the most: at least one holds its share, and
 * one that only forwards small requests is not made to pay for the others.
 */
static void
relieve_memory(struct worker *w)
{
    uint64_t share = ledger_buffers(w->ledger) / ledger_shape(w->ledger)->columns;

    if (clock_ns() - w->capacity.full_ns >= PATIENCE_NS && w->capacity.held >= share &&
        conn_shed_heaviest(w))
        w->capacity.shed++;
}

static void
step_all(struct worker *w)
{
    for (unsigned i = 0; i < w->snapshot->listener_count; i++)
        conn_step_all(&w->listeners[i]);
}

static void
on_look(uv_timer_t *timer)
{
    struct worker *w = timer->data;

    if (find_lack(w) == LACK_DESCRIPTORS)
        w->capacity.shed += conn_shed_bare(w, BARE_MS);
    if (is_memory_over(w))
        w->capacity.full_ns = 0;
    if (w->capacity.full_ns != 0)
        relieve_memory(w);
    resume_listening(w);
    step_all(w); /* who stopped reading for want of memory may go on */
}

/* --- the ceiling of memory (base/chunk.h) --- */

static void
on_buffers_changed(void *owner, size_t held)
{
    struct worker *w = owner;

    w->capacity.held = held;
    ledger_set_buffers(w->ledger, held);
}

static bool
has_room(void *owner)
{
    struct worker *w = owner;

    if (!is_memory_full(w))
        return true;
    if (w->capacity.full_ns ==
        0) /* while draining, too: who stopped reading is woken */
        pause_listening(w, LACK_MEMORY);
    return false;
}

bool
capacity_may_accept(struct worker *w)
{
    enum capacity_lack lack = find_lack(w);

    if (lack == LACK_NOTHING)
        return true;
    pause_listening(w, lack);
    return false;
}

void
capacity_refused(struct worker *w, int error)
{
    bool is_memory = error == ENOMEM || error == ENOBUFS;

    w->capacity.refused_ms = uv_now(&w->loop);
    pause_listening(w, is_memory ? LACK_MEMORY : LACK_DESCRIPTORS);
}

bool
capacity_may_dial(struct worker *w)
{
    const struct capacity *capacity = &w->capacity;

    return capacity->kept + w->connections + capacity->links < capacity->limit ||
        link_drop_idle(w);
}

/* In the turn in which the kernel refused nothing is gained by asking it again. */
void
capacity_freed(struct worker *w)
{
    if (!is_recent(w, LOOK_MS))
        resume_listening(w);
}

/* --- life --- */

/* What a worker could ever have open: more would only make tables larger. */
static uint64_t
greatest_need(const struct worker *w, unsigned kept)
{
    const struct snapshot *snapshot = w->snapshot;
    uint64_t connections = 0, idle = 0;

    for (unsigned i = 0; i < snapshot->listener_count; i++)
        connections += snapshot->listeners[i].connections;
    for (unsigned i = 0; i < snapshot->upstream_count; i++)
        idle += (uint64_t)snapshot->upstreams[i].idle_pool *
            snapshot->upstreams[i].server_count;
    return need_descriptors(kept, connections, idle);
}

/* Numbers are given out from below, so the first free one says how many there are. */
static bool
count_descriptors(struct worker *w, struct note *note)
{
    struct rlimit limit;
    int next = fcntl(w->control, F_DUPFD_CLOEXEC, 0);
    uint64_t need;

    if (next < 0 || close(next) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        note_set(note, "no descriptor is left to begin with");
        return false;
    }
    w->capacity.kept = (unsigned)next + SPARE;
    need = greatest_need(w, w->capacity.kept);
    if (limit.rlim_max == RLIM_INFINITY || need < limit.rlim_max)
        limit.rlim_cur = need;
    else
        limit.rlim_cur = limit.rlim_max;
    w->capacity.limit = (unsigned)limit.rlim_cur;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || places(&w->capacity) == 0) {
        note_set(note, "%u descriptors are too few to serve anybody (ulimit -n)",
            w->capacity.limit);
        return false;
    }
    return true;
}

static void
on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    (void)handle;
    (void)hint;
    *buf = uv_buf_init(NULL, 0);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)stream;
    (void)n;
    (void)buf;
}

/*
 * libuv keeps an array with a place for each number and aborts when it cannot make it
 * longer (1.44 and 1.50, core.c, maybe_resize). So the highest number is watched once.
 * The first TCP handle also opens libuv's spare descriptor, which is not ours to open later.
 */
static bool
grow_tables(struct worker *w, struct note *note)
{
    uv_tcp_t *scratch = &w->capacity.scratch;
    int highest = fcntl(w->control, F_DUPFD_CLOEXEC, (int)w->capacity.limit - 1);

    if (highest < 0 || uv_tcp_init(&w->loop, scratch) != 0 ||
        uv_tcp_open(scratch, highest) != 0 ||
        uv_read_start((uv_stream_t *)scratch, on_alloc, on_read) != 0) {
        note_set(note, "cannot watch descriptor %u", w->capacity.limit - 1);
        return false;
    }
    uv_close((uv_handle_t *)scratch, NULL); /* and with it the descriptor */
    return true;
}

bool
capacity_init(struct worker *w, struct note *note)
{
    const struct chunk_watch watch = { on_buffers_changed, has_room, w };

    uv_timer_init(&w->loop, &w->capacity.look);
    w->capacity.look.data = w;
    chunk_pool_watch(&watch);
    return count_descriptors(w, note) && grow_tables(w, note);
}

void
capacity_close(struct worker *w)
{
    if (!uv_is_closing((uv_handle_t *)&w->capacity.look))
        uv_close((uv_handle_t *)&w->capacity.look, NULL);
}
