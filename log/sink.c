/*
 * log/sink.c - one target of the log, and the lines that wait for it.
 *
 * Standard output may be a pipe that nobody empties, or a terminal that somebody
 * stopped. O_NONBLOCK belongs to the open file, which the shell and our parent
 * share, so it is not set on descriptor 1: the pipe is opened anew through /proc.
 * Where that is not possible (a socket, another user's pipe) a poll stands before
 * each write, of no more than a pipe with any room at all takes (PIPE_BUF).
 *
 * Owns its descriptor and its queue. Does not know what a line says.
 */
#include "log/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/require.h"

/* A report of what was dropped must find room beside a few lines that come with it. */
#define ROOM_AGAIN_BYTES (SINK_QUEUE_BYTES / 4)

struct sink {
    int fd;         /* -1: the reader is gone for good */
    bool shared;    /* the open file is not ours alone: poll before each write */
    bool stuck;     /* the disk is full, or worse; poll would call it writable */
    int last_error; /* told on standard error once until it changes */
    uint64_t dropped;
    size_t start,
        end; /* queue[start..end) waits; begins inside a line after a short write */
    char *name;
    char queue[SINK_QUEUE_BYTES];
};

static int
open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        0640);
}

static int
open_stdout(bool *shared)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat file;
    int fd = -1;

    /* A plain file never blocks, and its offset must stay the one our parent writes at. */
    bool plain = fstat(STDOUT_FILENO, &file) == 0 && S_ISREG(file.st_mode);

    if (!plain)
        fd = open("/proc/self/fd/1", flags);
    *shared = fd < 0 && !plain;
    return fd >= 0 ? fd : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
}

struct sink *
sink_open(const struct log_target *target, struct note *note)
{
    const char *name = target->kind == LOG_TO_FILE ? target->path : "standard output";
    bool shared = false;
    int fd =
        target->kind == LOG_TO_FILE ? open_file(target->path) : open_stdout(&shared);

    if (fd < 0) {
        note_set(note, "cannot open %s: %s", name, strerror(errno));
        return NULL;
    }

    struct sink *sink = require_alloc(sizeof(*sink));

    /* The queue's pages are touched when traffic needs them, not now. */
    sink->fd = fd;
    sink->shared = shared;
    sink->stuck = false;
    sink->last_error = 0;
    sink->dropped = 0;
    sink->start = sink->end = 0;
    sink->name = require_copy(name);
    return sink;
}

static uint64_t
waiting_lines(const struct sink *sink)
{
    uint64_t lines = 0;

    for (size_t at = sink->start; at < sink->end; at++)
        lines += sink->queue[at] == '\n';
    return lines;
}

void
sink_close(struct sink **sink)
{
    struct sink *gone = *sink;

    *sink = NULL;
    if (gone == NULL)
        return;

    uint64_t lost = gone->dropped + waiting_lines(gone);

    if (lost > 0)
        fprintf(stderr, "postern: logd: %s: %llu lines were lost\n", gone->name,
            (unsigned long long)lost);
    if (gone->fd >= 0)
        close(gone->fd);
    free(gone->name);
    free(gone);
}

/* Moves what waits to the front, once that wins enough room to be worth the copy. */
static void
compact(struct sink *sink)
{
    if (sink->start < SINK_QUEUE_BYTES / 2)
        return;
    memmove(sink->queue, sink->queue + sink->start, sink->end - sink->start);
    sink->end -= sink->start;
    sink->start = 0;
}

void
sink_put(struct sink *sink, struct bytes line)
{
    if (SINK_QUEUE_BYTES - sink->end < line.length)
        sink_flush(sink);
    if (sink->fd < 0 || SINK_QUEUE_BYTES - sink->end < line.length) {
        sink->dropped++;
        return;
    }
    memcpy(sink->queue + sink->end, line.at, line.length);
    sink->end += line.length;
}

/* Like write, but never waits. */
static ssize_t
write_now(const struct sink *sink, size_t bytes)
{
    struct pollfd room = { .fd = sink->fd, .events = POLLOUT };

    if (sink->shared) {
        if (poll(&room, 1, 0) <= 0) {
            errno = EAGAIN;
            return -1;
        }
        if (bytes > PIPE_BUF)
            bytes = PIPE_BUF;
    }
    return write(sink->fd, sink->queue + sink->start, bytes);
}

/* Says once what is wrong, and goes on trying unless the reader is gone. */
static void
note_error(struct sink *sink, int error)
{
    sink->stuck = error != EAGAIN;
    if (error == EAGAIN || error == sink->last_error)
        return;
    sink->last_error = error;
    fprintf(stderr, "postern: logd: %s: %s\n", sink->name, strerror(error));
    if (error == EPIPE) {
        close(sink->fd);
        sink->fd = -1;
        sink->dropped += waiting_lines(sink);
        sink->start = sink->end = 0;
    }
}

void
sink_flush(struct sink *sink)
{
    while (sink->fd >= 0 && sink->start < sink->end) {
        ssize_t written = write_now(sink, sink->end - sink->start);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            note_error(sink, errno);
            compact(sink);
            return;
        }
        sink->start += (size_t)written;
        sink->stuck = false;
        sink->last_error = 0;
    }
    sink->start = sink->end = 0;
}

uint64_t
sink_take_dropped(struct sink *sink)
{
    uint64_t dropped = sink->dropped;

    if (sink->fd < 0 || SINK_QUEUE_BYTES - sink->end < ROOM_AGAIN_BYTES)
        return 0;
    sink->dropped = 0;
    return dropped;
}

bool
sink_is_waiting(const struct sink *sink)
{
    return sink->start < sink->end;
}

int
sink_descriptor(const struct sink *sink)
{
    return sink->stuck ? -1 : sink->fd;
}
