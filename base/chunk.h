/*
 * base/chunk.h - bounded queues of bytes, made of fixed-size pooled chunks.
 *
 * A queue owns its chunks. Chunks come from one pool per process and go back
 * to it the moment they run empty, so an idle connection holds no buffer at
 * all, and the pool's high-water mark is the memory the traffic really needed.
 * The pool has no lock: one thread per process touches queues and arenas.
 */
#ifndef BASE_CHUNK_H
#define BASE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define CHUNK_BYTES ((size_t)16 * 1024)
/* So many stay warm; what a peak took beyond them goes back to malloc. */
#define CHUNK_SPARES 64
/* Kept for steps that are under way when malloc gives nothing more. */
#define CHUNK_RESERVE 16

struct chunk {
    struct chunk *next;
    size_t start, end; /* bytes[start..end) hold data */
    _Alignas(max_align_t) unsigned char bytes[CHUNK_BYTES];
};

struct chunk_queue {
    struct chunk *head, *tail;
    size_t length; /* bytes queued */
    size_t limit;  /* fullness mark; not a hard wall */
    bool starved;  /* there was no memory for what should have been added; see below */
};

/* An empty queue that calls itself full from `limit` bytes on. Holds no memory. */
void chunk_queue_init(struct chunk_queue *q, size_t limit);

/* Returns every chunk to the pool. */
void chunk_queue_clear(struct chunk_queue *q);

static inline bool
chunk_queue_is_empty(const struct chunk_queue *q)
{
    return q->length == 0;
}

static inline bool
chunk_queue_is_full(const struct chunk_queue *q)
{
    return q->length >= q->limit;
}

/*
 * Room for writing at the tail, valid until the next call on `q`; NULL, and 0 bytes, when
 * no memory is left. Every call is followed by a commit, if only of 0 bytes, before the
 * queue is read, so that an unused chunk finds its way back.
 */
unsigned char *chunk_queue_room(struct chunk_queue *q, size_t *bytes);

/* The same for what comes from outside: NULL, too, when the pool may not grow. */
unsigned char *chunk_queue_ask(struct chunk_queue *q, size_t *bytes);

/* Declares that `bytes` of that room now hold data. */
void chunk_queue_commit(struct chunk_queue *q, size_t bytes);

/* The oldest run of contiguous data, or the empty view when the queue is empty. */
struct bytes chunk_queue_front(const struct chunk_queue *q);

/* Forgets the oldest `bytes`, at most q->length of them. */
void chunk_queue_drop(struct chunk_queue *q, size_t bytes);

/*
 * Appends a copy of `data`; the limit does not stop it. Without memory the queue is
 * starved: from there on nothing is added, so that what it holds has an end that is
 * missing but never a hole. Whoever sends it must look, and end instead; a move hands the
 * state on with the last byte, chunk_queue_clear ends it.
 */
void chunk_queue_append(struct chunk_queue *q, struct bytes data);

/*
 * Moves the oldest `bytes` (at most from->length) to the end of `to`. Small
 * amounts are copied so that they share a chunk, and later a TLS record, with
 * what is there; whole large chunks change hands without a copy. `to` and `from`
 * are two queues; the limit of `to` does not stop it.
 */
void chunk_queue_move(struct chunk_queue *to, struct chunk_queue *from, size_t bytes);

/* The run of contiguous data from `offset` on; the empty view at the queue's end. */
struct bytes chunk_queue_at(const struct chunk_queue *q, size_t offset);

/* Copies the `bytes` bytes from `offset` on to `to`; the queue must hold them. */
void
chunk_queue_peek(const struct chunk_queue *q, size_t offset, void *to, size_t bytes);

/* One chunk for another owner's use (base/arena.h), NULL without memory, and its return. */
struct chunk *chunk_take(void);
void chunk_give(struct chunk *c);

/* A piece that is longer than a chunk, counted like one; NULL without memory. */
void *chunk_pool_alloc(size_t bytes);
void chunk_pool_free(void *at, size_t bytes);

/*
 * The ceiling of the process, and who keeps it. `changed` is told each time how many bytes
 * the pool now holds from malloc, whether lent or kept for later; `has_room` says whether
 * it may grow, which it does not while it is short either. Asked before bytes are read
 * from outside and before a request is given memory, never for what is under way: that may
 * go beyond the ceiling by as much as one step of a connection takes. A reserve is set
 * aside for the same purpose.
 */
struct chunk_watch {
    void (*changed)(void *owner, size_t held);
    bool (*has_room)(void *owner);
    void *owner;
};
void chunk_pool_watch(const struct chunk_watch *watch);

/* True when the pool may grow; and when it may, or has a chunk to spare. */
bool chunk_pool_may_grow(void);
bool chunk_pool_has_room(void);

/* True while the reserve is in use, because malloc gave nothing: until it is whole again. */
bool chunk_pool_is_short(void);

/* Chunks now lent out by the pool, for the memory ceiling and for tests. */
size_t chunk_pool_lent(void);
size_t chunk_pool_lent_max(void);

#endif
