/*
 * base/chunk.c - the pool of chunks and the queues made of them.
 *
 * A queue holds no empty chunk: between two calls each of its chunks has data,
 * save for the one that chunk_queue_room lent out and commit settles. In the
 * steady state nothing here calls malloc: what a queue gives back the next one
 * takes. Knows nothing of what the bytes mean.
 *
 * No memory: growing is refused before anything is read (chunk_queue_ask, the arena);
 * what is under way may take the last chunks of the reserve; beyond that a queue is
 * starved, and its owner ends what it was for. The process lives on.
 */
#include "base/chunk.h"

#include <stdlib.h>

#include "base/require.h"
#include "base/sanitizer.h"

#if WITH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
/* A spare chunk is as good as freed: whoever still points into it gets a report. */
#define hide(chunk) ASAN_POISON_MEMORY_REGION((chunk)->bytes, CHUNK_BYTES)
#define unhide(chunk) ASAN_UNPOISON_MEMORY_REGION((chunk)->bytes, CHUNK_BYTES)
#else
#define hide(chunk) ((void)(chunk))
#define unhide(chunk) ((void)(chunk))
#endif

/* A run of up to this many bytes costs less to copy than one more TLS record to seal. */
#define COPY_BYTES ((size_t)4 * 1024)

static struct {
    struct chunk *spare, *reserve;
    size_t spares, reserves, lent, lent_max;
    size_t held; /* bytes from malloc: of chunks lent or kept, and of large pieces */
    struct chunk_watch watch;
} pool;

static void
count_held(size_t more, size_t less)
{
    pool.held += more;
    pool.held -= less;
    if (pool.watch.changed != NULL)
        pool.watch.changed(pool.watch.owner, pool.held);
}

void *
chunk_pool_alloc(size_t bytes)
{
    void *at = malloc(bytes);

    if (at != NULL)
        count_held(bytes, 0);
    return at;
}

void
chunk_pool_free(void *at, size_t bytes)
{
    free(at);
    count_held(0, bytes);
}

void
chunk_pool_watch(const struct chunk_watch *watch)
{
    pool.watch = *watch;
    count_held(0, 0);
    while (pool.reserves < CHUNK_RESERVE) {
        struct chunk *c = chunk_pool_alloc(sizeof *c);

        require(c != NULL); /* a process that begins, and has nothing to lose yet */
        hide(c);
        c->next = pool.reserve;
        pool.reserve = c;
        pool.reserves++;
    }
}

bool
chunk_pool_is_short(void)
{
    return pool.watch.changed != NULL && pool.reserves < CHUNK_RESERVE;
}

/* Whoever keeps the ceiling is always asked: he also has to hear that somebody was refused. */
bool
chunk_pool_may_grow(void)
{
    if (pool.watch.has_room == NULL)
        return true;
    return pool.watch.has_room(pool.watch.owner) && !chunk_pool_is_short();
}

bool
chunk_pool_has_room(void)
{
    return pool.spare != NULL || chunk_pool_may_grow();
}

static struct chunk *
take_from(struct chunk **list, size_t *count)
{
    struct chunk *c = *list;

    if (c == NULL)
        return NULL;
    *list = c->next;
    (*count)--;
    unhide(c);
    return c;
}

struct chunk *
chunk_take(void)
{
    struct chunk *c = take_from(&pool.spare, &pool.spares);

    if (c == NULL)
        c = chunk_pool_alloc(sizeof *c);
    if (c == NULL)
        c = take_from(&pool.reserve, &pool.reserves);
    if (c == NULL)
        return NULL;
    c->next = NULL;
    c->start = c->end = 0;
    if (++pool.lent > pool.lent_max)
        pool.lent_max = pool.lent;
    return c;
}

void
chunk_give(struct chunk *c)
{
    require(pool.lent > 0);
    pool.lent--;
    if (chunk_pool_is_short()) {
        hide(c);
        c->next = pool.reserve;
        pool.reserve = c;
        pool.reserves++;
        return;
    }
    if (pool.spares == CHUNK_SPARES) {
        chunk_pool_free(c, sizeof *c);
        return;
    }
    hide(c);
    c->next = pool.spare;
    pool.spare = c;
    pool.spares++;
}

size_t
chunk_pool_lent(void)
{
    return pool.lent;
}

size_t
chunk_pool_lent_max(void)
{
    return pool.lent_max;
}

static void
push_chunk(struct chunk_queue *q, struct chunk *c)
{
    if (q->tail == NULL)
        q->head = c;
    else
        q->tail->next = c;
    q->tail = c;
    c->next = NULL;
}

/* The oldest chunk, now the caller's. Leaves q->length to the caller. */
static struct chunk *
pop_chunk(struct chunk_queue *q)
{
    struct chunk *c = q->head;

    q->head = c->next;
    if (q->head == NULL)
        q->tail = NULL;
    return c;
}

/* Gives back a tail that was taken for writing and stayed empty. */
static void
trim_tail(struct chunk_queue *q)
{
    struct chunk *before = NULL;

    if (q->tail->end > q->tail->start)
        return;
    for (struct chunk *c = q->head; c != q->tail; c = c->next)
        before = c;
    chunk_give(q->tail);
    q->tail = before;
    if (before == NULL)
        q->head = NULL;
    else
        before->next = NULL;
}

void
chunk_queue_init(struct chunk_queue *q, size_t limit)
{
    *q = (struct chunk_queue){ .limit = limit };
}

void
chunk_queue_clear(struct chunk_queue *q)
{
    while (q->head != NULL)
        chunk_give(pop_chunk(q));
    q->length = 0;
    q->starved = false;
}

static bool
needs_chunk(const struct chunk_queue *q)
{
    return q->tail == NULL || q->tail->end == CHUNK_BYTES;
}

unsigned char *
chunk_queue_room(struct chunk_queue *q, size_t *bytes)
{
    struct chunk *c;

    *bytes = 0;
    if (q->starved)
        return NULL;
    if (needs_chunk(q)) {
        c = chunk_take();
        if (c == NULL)
            return NULL;
        push_chunk(q, c);
    }
    *bytes = CHUNK_BYTES - q->tail->end;
    return q->tail->bytes + q->tail->end;
}

unsigned char *
chunk_queue_ask(struct chunk_queue *q, size_t *bytes)
{
    *bytes = 0;
    return needs_chunk(q) && !chunk_pool_has_room() ? NULL : chunk_queue_room(q, bytes);
}

void
chunk_queue_commit(struct chunk_queue *q, size_t bytes)
{
    if (bytes == 0 && q->tail == NULL)
        return; /* there was no room */
    require(q->tail != NULL && bytes <= CHUNK_BYTES - q->tail->end);
    q->tail->end += bytes;
    q->length += bytes;
    if (bytes == 0)
        trim_tail(q);
}

struct bytes
chunk_queue_front(const struct chunk_queue *q)
{
    const struct chunk *c = q->head;

    if (c == NULL)
        return bytes_of(NULL, 0);
    return bytes_of(c->bytes + c->start, c->end - c->start);
}

void
chunk_queue_drop(struct chunk_queue *q, size_t bytes)
{
    require(bytes <= q->length);
    q->length -= bytes;
    while (bytes > 0) {
        struct chunk *c = q->head;
        size_t run = c->end - c->start;

        if (bytes < run) {
            c->start += bytes;
            return;
        }
        bytes -= run;
        chunk_give(pop_chunk(q));
    }
}

void
chunk_queue_append(struct chunk_queue *q, struct bytes data)
{
    while (data.length > 0) {
        size_t room;
        unsigned char *to = chunk_queue_room(q, &room);
        size_t part = data.length < room ? data.length : room;

        if (to == NULL) {
            q->starved = true;
            return;
        }
        memcpy(to, data.at, part);
        chunk_queue_commit(q, part);
        data.at += part;
        data.length -= part;
    }
}

void
chunk_queue_move(struct chunk_queue *to, struct chunk_queue *from, size_t bytes)
{
    require(to != from && bytes <= from->length);
    while (bytes > 0) {
        struct bytes run = chunk_queue_front(from);
        bool is_whole = run.length <= bytes;

        /*
         * Small runs never keep a chunk of their own behind other data, so the
         * memory of a queue stays within a few times its length.
         */
        if (is_whole && !to->starved && (run.length > COPY_BYTES || to->length == 0)) {
            push_chunk(to, pop_chunk(from));
            to->length += run.length;
            from->length -= run.length;
        } else {
            run.length = is_whole ? run.length : bytes;
            chunk_queue_append(to, run);
            chunk_queue_drop(from, run.length);
        }
        bytes -= run.length;
    }
    if (from->starved && from->length == 0)
        to->starved = true; /* what comes next is missing */
}

struct bytes
chunk_queue_at(const struct chunk_queue *q, size_t offset)
{
    const struct chunk *c = q->head;

    while (c != NULL && offset >= c->end - c->start) {
        offset -= c->end - c->start;
        c = c->next;
    }
    if (c == NULL)
        return bytes_of(NULL, 0);
    return bytes_of(c->bytes + c->start + offset, c->end - c->start - offset);
}

void
chunk_queue_peek(const struct chunk_queue *q, size_t offset, void *to, size_t bytes)
{
    unsigned char *next = to;

    require(offset <= q->length && bytes <= q->length - offset);
    for (const struct chunk *c = q->head; bytes > 0; c = c->next) {
        size_t run = c->end - c->start;
        size_t part;

        if (offset >= run) {
            offset -= run;
            continue;
        }
        part = run - offset < bytes ? run - offset : bytes;
        memcpy(next, c->bytes + c->start + offset, part);
        next += part;
        bytes -= part;
        offset = 0;
    }
}
