/*
 * proxy/ledger.c - the shared memory of the workers' numbers, its shape and its sums.
 *
 * Where a cell lies follows from the shape, which came from the parent, and from
 * nothing that lies in the ledger itself. Cells are 64 bits wide and read one by one;
 * a sum of garbage wraps, which is defined and harmless.
 */
#include "proxy/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seal.h"

#define PAGE_BYTES ((size_t)4096) /* columns do not share cache lines */
#define SOURCES_MAX (UINT32_C(1) << 22)
#define LISTENERS_MAX UINT32_C(65536)

struct column {
    _Atomic uint64_t place, buffers, events;
    _Atomic uint64_t connections[]; /* one per listener, then the sources */
};

struct ledger {
    struct ledger_shape shape;
    unsigned column; /* ours; the parent has none and says 0 */
    int fd;          /* -1 in a worker: mapped is enough */
    unsigned char *at;
    uint64_t own[]; /* this worker's connections, one per listener: the truth */
};

/* --- the shape --- */

static size_t
sources_at(const struct ledger_shape *shape)
{
    size_t cells = sizeof(struct column) / 8 + shape->listeners;

    return (cells + cells % 2) * 8; /* a slot is two cells */
}

static size_t
column_bytes(const struct ledger_shape *shape)
{
    size_t bytes = sources_at(shape) + shape->sources * sizeof(struct ledger_source);

    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static size_t
ledger_bytes(const struct ledger_shape *shape)
{
    return column_bytes(shape) * shape->columns;
}

static bool
is_possible(const struct ledger_shape *shape)
{
    return shape->columns >= 1 && shape->columns <= LEDGER_COLUMNS_MAX &&
        shape->listeners <= LISTENERS_MAX && shape->sources <= SOURCES_MAX &&
        (shape->sources & (shape->sources - 1)) == 0;
}

static struct column *
column_of(const struct ledger *ledger, unsigned column)
{
    require(column < ledger->shape.columns);
    return (void *)(ledger->at + column * column_bytes(&ledger->shape));
}

static struct column *
own_column(const struct ledger *ledger)
{
    return column_of(ledger, ledger->column);
}

/* --- life --- */

/* The memory of `fd` under this shape; NULL with errno. Takes nothing over. */
static struct ledger *
map(const struct ledger_shape *shape, int fd)
{
    void *at =
        mmap(NULL, ledger_bytes(shape), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct ledger *ledger;

    if (at == MAP_FAILED)
        return NULL;
    ledger =
        require_zeroed(1, sizeof *ledger + shape->listeners * sizeof ledger->own[0]);
    ledger->shape = *shape;
    ledger->fd = -1;
    ledger->at = at;
    return ledger;
}

struct ledger *
ledger_new(const struct ledger_shape *shape, struct note *note)
{
    int fd = seal_open("postern-ledger");
    struct ledger *ledger = NULL;

    require(is_possible(shape));
    if (fd >= 0 && seal_size(fd, ledger_bytes(shape)))
        ledger = map(shape, fd);
    if (ledger == NULL) {
        note_set(note, "no memory for what workers share: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    ledger->fd = fd;
    return ledger;
}

void
ledger_put(const struct ledger *ledger, struct ipc_writer *message)
{
    ipc_begin(message, IPC_LEDGER);
    ipc_put_u32(message, ledger->shape.columns);
    ipc_put_u32(message, ledger->shape.listeners);
    ipc_put_u32(message, ledger->shape.sources);
    ipc_put_u64(message, ledger->shape.key);
    ipc_put_u64(message, ledger->shape.memory);
    ipc_put_fd(message, ledger->fd);
}

struct ledger *
ledger_take(struct ipc_message *m, unsigned column)
{
    struct ledger_shape shape = { .columns = ipc_get_u32(m) };
    struct ledger *ledger = NULL;
    struct stat file;
    int fd;

    shape.listeners = ipc_get_u32(m);
    shape.sources = ipc_get_u32(m);
    shape.key = ipc_get_u64(m);
    shape.memory = ipc_get_u64(m);
    fd = ipc_take_fd(m);
    if (fd < 0)
        return NULL;
    if (!m->broken && is_possible(&shape) && column < shape.columns &&
        fstat(fd, &file) == 0 && file.st_size == (off_t)ledger_bytes(&shape))
        ledger = map(&shape, fd);
    close(fd);
    if (ledger != NULL)
        ledger->column = column;
    return ledger;
}

void
ledger_free(struct ledger **ledger)
{
    if (*ledger == NULL)
        return;
    munmap((*ledger)->at, ledger_bytes(&(*ledger)->shape));
    if ((*ledger)->fd >= 0)
        close((*ledger)->fd);
    free(*ledger);
    *ledger = NULL;
}

void
ledger_clear(struct ledger *ledger, unsigned column)
{
    struct column *of = column_of(ledger, column);
    struct ledger_source *sources = ledger_sources(ledger, column);

    atomic_store(&of->place, PLACE_STARTING);
    atomic_store(&of->buffers, 0);
    atomic_store(&of->events, 0);
    for (uint32_t i = 0; i < ledger->shape.listeners; i++)
        atomic_store(&of->connections[i], 0);
    for (uint32_t i = 0; i < ledger->shape.sources; i++) {
        atomic_store(&sources[i].open, 0);
        atomic_store(&sources[i].network, 0);
    }
}

/* --- asking --- */

_Atomic uint64_t *
ledger_event_tally(struct ledger *ledger)
{
    return &own_column(ledger)->events;
}

uint64_t
ledger_events(const struct ledger *ledger, unsigned column)
{
    return atomic_load(&column_of(ledger, column)->events);
}

const struct ledger_shape *
ledger_shape(const struct ledger *ledger)
{
    return &ledger->shape;
}

unsigned
ledger_column(const struct ledger *ledger)
{
    return ledger->column;
}

struct ledger_source *
ledger_sources(const struct ledger *ledger, unsigned column)
{
    return (void *)((unsigned char *)column_of(ledger, column) +
        sources_at(&ledger->shape));
}

uint64_t
ledger_connections(const struct ledger *ledger, unsigned listener)
{
    uint64_t sum = 0;

    require(listener < ledger->shape.listeners);
    for (uint32_t i = 0; i < ledger->shape.columns; i++)
        sum += atomic_load(&column_of(ledger, i)->connections[listener]);
    return sum;
}

uint64_t
ledger_buffers(const struct ledger *ledger)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < ledger->shape.columns; i++)
        sum +=
            atomic_load_explicit(&column_of(ledger, i)->buffers, memory_order_relaxed);
    return sum;
}

uint64_t
ledger_memory(const struct ledger *ledger)
{
    return ledger->shape.memory;
}

enum ledger_place
ledger_place(const struct ledger *ledger, unsigned column)
{
    uint64_t place =
        atomic_load_explicit(&column_of(ledger, column)->place, memory_order_relaxed);

    return place < PLACE_COUNT ? (enum ledger_place)place : PLACE_COUNT;
}

const char *
ledger_place_name(enum ledger_place place)
{
    static const char *const names[] = { "starting", "waiting", "between",
        "accepting" };

    if (place >= PLACE_COUNT)
        return "unknown";
    if (place >= PLACE_IN_PHASE)
        return phase_name((enum phase)(place - PLACE_IN_PHASE));
    return names[place];
}

/* --- a worker's own column --- */

void
ledger_say(struct ledger *ledger, enum ledger_place place)
{
    require(place < PLACE_COUNT);
    atomic_store_explicit(&own_column(ledger)->place, place, memory_order_relaxed);
}

void
ledger_pause(const struct ledger *ledger, unsigned attempt)
{
    for (unsigned i = 0; i < (ledger->column + 1) << attempt; i++)
        atomic_signal_fence(memory_order_seq_cst); /* the compiler leaves the loop be */
}

/* The order of write and sum is what makes the limit exact: both sequentially consistent. */
static void
write_through(struct ledger *ledger, unsigned listener)
{
    atomic_store(&own_column(ledger)->connections[listener], ledger->own[listener]);
}

bool
ledger_enter(struct ledger *ledger, unsigned listener, uint32_t limit)
{
    require(listener < ledger->shape.listeners);
    for (unsigned attempt = 0; attempt < LEDGER_TRIES; attempt++) {
        ledger->own[listener]++;
        write_through(ledger, listener);
        if (ledger_connections(ledger, listener) <= limit)
            return true;
        ledger->own[listener]--;
        write_through(ledger, listener);
        ledger_pause(ledger, attempt);
    }
    return false;
}

void
ledger_leave(struct ledger *ledger, unsigned listener)
{
    require(listener < ledger->shape.listeners && ledger->own[listener] > 0);
    ledger->own[listener]--;
    write_through(ledger, listener);
}

void
ledger_set_buffers(struct ledger *ledger, uint64_t bytes)
{
    atomic_store_explicit(&own_column(ledger)->buffers, bytes, memory_order_relaxed);
}
