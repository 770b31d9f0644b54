/*
 * log/backlog.c - queues of lines and positions of senders that outlive a logd.
 */
#include "log/backlog.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/seal.h"

struct backlog_memory {
    _Atomic uint32_t holds; /* the index of the state that holds */
    struct backlog_state states[2];
    char queues[][BACKLOG_QUEUE_BYTES];
};

static size_t
memory_bytes(unsigned targets)
{
    return sizeof(struct backlog_memory) + targets * BACKLOG_QUEUE_BYTES;
}

int
backlog_make(unsigned targets)
{
    int fd = seal_open("postern-backlog"), error;

    require(targets <= BACKLOG_TARGETS);
    if (fd < 0 || seal_size(fd, memory_bytes(targets)))
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

bool
backlog_open(struct backlog *backlog, int fd, unsigned targets)
{
    struct stat file;
    void *at;

    if (fstat(fd, &file) != 0)
        return false;
    if (targets > BACKLOG_TARGETS || file.st_size != (off_t)memory_bytes(targets)) {
        errno = EINVAL;
        return false;
    }
    at = mmap(NULL, memory_bytes(targets), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return false;
    backlog->memory = at;
    backlog->targets = targets;
    return true;
}

void
backlog_close(struct backlog *backlog)
{
    if (backlog->memory != NULL)
        munmap(backlog->memory, memory_bytes(backlog->targets));
    backlog->memory = NULL;
}

static bool
is_possible(const struct backlog_state *state)
{
    for (unsigned i = 0; i < BACKLOG_TARGETS; i++) {
        const struct backlog_target *t = &state->targets[i];

        if (t->start > t->end || t->end - t->start > BACKLOG_QUEUE_BYTES ||
            t->writing > t->end - t->start || t->end > UINT64_MAX / 2)
            return false;
    }
    for (unsigned i = 0; i < BACKLOG_SENDERS; i++) {
        if (memchr(state->senders[i].name, '\0', BACKLOG_NAME_BYTES) == NULL)
            return false;
    }
    return true;
}

bool
backlog_recover(struct backlog *backlog)
{
    uint32_t holds = atomic_load(&backlog->memory->holds);

    if (holds < 2) {
        backlog->now = backlog->memory->states[holds];
        if (is_possible(&backlog->now))
            return true;
    }
    backlog->now = (struct backlog_state){ 0 };
    atomic_store(&backlog->memory->holds, 0);
    backlog_commit(backlog);
    return false;
}

void
backlog_commit(struct backlog *backlog)
{
    uint32_t other = 1 - atomic_load(&backlog->memory->holds);

    backlog->memory->states[other & 1] = backlog->now;
    atomic_store(&backlog->memory->holds, other & 1); /* and not before: release */
}

struct backlog_sender *
backlog_sender(struct backlog *backlog, const char *name)
{
    for (unsigned i = 0; i < BACKLOG_SENDERS; i++) {
        struct backlog_sender *sender = &backlog->now.senders[i];

        if (strcmp(sender->name, name) == 0)
            return sender;
        if (sender->name[0] != '\0')
            continue;
        require(strlen(name) < BACKLOG_NAME_BYTES);
        memcpy(sender->name, name, strlen(name) + 1);
        sender->is_settled = true;
        return sender;
    }
    return NULL;
}

size_t
backlog_room(const struct backlog *backlog, unsigned target)
{
    const struct backlog_target *t = &backlog->now.targets[target];

    return BACKLOG_QUEUE_BYTES - (size_t)(t->end - t->start);
}

void
backlog_put(struct backlog *backlog, unsigned target, struct bytes line)
{
    struct backlog_target *t = &backlog->now.targets[target];
    char *queue = backlog->memory->queues[target];
    size_t at = (size_t)(t->end % BACKLOG_QUEUE_BYTES);
    size_t first = BACKLOG_QUEUE_BYTES - at;

    require(line.length <= backlog_room(backlog, target));
    if (first > line.length)
        first = line.length;
    memcpy(queue + at, line.at, first);
    memcpy(queue, line.at + first, line.length - first);
    t->end += line.length;
}

struct bytes
backlog_front(const struct backlog *backlog, unsigned target)
{
    const struct backlog_target *t = &backlog->now.targets[target];
    size_t at = (size_t)(t->start % BACKLOG_QUEUE_BYTES);
    size_t length = (size_t)(t->end - t->start);

    if (length > BACKLOG_QUEUE_BYTES - at)
        length = BACKLOG_QUEUE_BYTES - at;
    return bytes_of(backlog->memory->queues[target] + at, length);
}

void
backlog_take(struct backlog *backlog, unsigned target, uint64_t bytes)
{
    struct backlog_target *t = &backlog->now.targets[target];

    require(bytes <= t->end - t->start);
    t->start += bytes;
    if (t->start < t->end)
        return;
    /* Empty: on from the first page, so that a quiet log does not touch them all. */
    t->start = (t->start + BACKLOG_QUEUE_BYTES - 1) / BACKLOG_QUEUE_BYTES *
        BACKLOG_QUEUE_BYTES;
    t->end = t->start;
}

uint64_t
backlog_lines(const struct backlog *backlog, unsigned target)
{
    const struct backlog_target *t = &backlog->now.targets[target];
    const char *queue = backlog->memory->queues[target];
    uint64_t lines = 0;

    for (uint64_t n = t->start; n < t->end; n++)
        lines += queue[n % BACKLOG_QUEUE_BYTES] == '\n';
    return lines;
}
