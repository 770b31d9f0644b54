/*
 * log/sink.c - one target of the log, and the lines that wait for it.
 *
 * Standard output may be a pipe that nobody empties, or a terminal that somebody
 * stopped. O_NONBLOCK belongs to the open file, which the shell and our parent
 * share, so it is not set on descriptor 1: the pipe is opened anew through /proc.
 * Where that is not possible it may be a socket or another user's pipe, so that in any
 * case a poll stands before each write, of no more than a pipe with any room at all
 * takes at once (PIPE_BUF).
 *
 * Before each write the backlog says what is about to be written, and afterwards what was.
 * Whoever finds only the former asks a file how it has grown. A pipe cannot be asked: but
 * what was polled for takes PIPE_BUF bytes whole, so that the write has been done unless
 * the process was killed in the few instructions before it.
 *
 * Owns its descriptor. Does not know what a line says.
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
#define ROOM_AGAIN_BYTES (BACKLOG_QUEUE_BYTES / 4)

struct sink {
    int fd;         /* -1: the reader is gone for good */
    bool is_file;   /* grows, and never keeps a writer waiting */
    bool stuck;     /* the disk is full, or worse; poll would call it writable */
    int last_error; /* told on standard error once until it changes */
    struct backlog *backlog;
    struct backlog_target *queue; /* ours, in the backlog */
    unsigned index;               /* the same, as a number */
    char *name;
};

static int
open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        0640);
}

static bool
is_file(int fd)
{
    struct stat file;

    return fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

static int
open_stdout(void)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = -1;

    /* A plain file never blocks, and its offset must stay the one our parent writes at. */
    if (!is_file(STDOUT_FILENO))
        fd = open("/proc/self/fd/1", flags);
    return fd >= 0 ? fd : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
}

struct sink *
sink_open(const struct log_target *target, struct backlog *backlog, unsigned index,
    struct note *note)
{
    const char *name = target->kind == LOG_TO_FILE ? target->path : "standard output";
    int fd = target->kind == LOG_TO_FILE ? open_file(target->path) : open_stdout();
    struct sink *sink;

    require(index < backlog->targets);
    if (fd < 0) {
        note_set(note, "cannot open %s: %s", name, strerror(errno));
        return NULL;
    }
    sink = require_zeroed(1, sizeof(*sink));
    sink->fd = fd;
    sink->is_file = is_file(fd);
    sink->backlog = backlog;
    sink->queue = &backlog->now.targets[index];
    sink->index = index;
    sink->name = require_copy(name);
    return sink;
}

void
sink_recover(struct sink *sink)
{
    struct backlog_target *queue = sink->queue;
    uint64_t done = queue->writing;
    struct stat file;

    if (sink->is_file && done > 0) {
        if (fstat(sink->fd, &file) != 0 || (uint64_t)file.st_size < queue->file_bytes)
            done = 0;
        else if ((uint64_t)file.st_size - queue->file_bytes < done)
            done = (uint64_t)file.st_size - queue->file_bytes;
    }
    queue->writing = 0;
    backlog_take(sink->backlog, sink->index, done);
    backlog_commit(sink->backlog);
}

void
sink_tell_lost(const struct sink *sink)
{
    uint64_t lost = sink->queue->dropped + backlog_lines(sink->backlog, sink->index);

    if (lost > 0)
        fprintf(stderr, "postern: logd: %s: %llu lines were lost\n", sink->name,
            (unsigned long long)lost);
}

void
sink_close(struct sink **sink)
{
    struct sink *gone = *sink;

    *sink = NULL;
    if (gone == NULL)
        return;
    if (gone->fd >= 0)
        close(gone->fd);
    free(gone->name);
    free(gone);
}

bool
sink_has_room(const struct sink *sink, size_t bytes)
{
    return sink->fd >= 0 && backlog_room(sink->backlog, sink->index) >= bytes;
}

void
sink_put(struct sink *sink, struct bytes line, uint64_t events)
{
    if (sink_has_room(sink, line.length))
        backlog_put(sink->backlog, sink->index, line);
    else
        sink->queue->dropped += events;
}

/* How much of `bytes` may be tried now without waiting; 0: nothing, errno is EAGAIN. */
static size_t
writable_now(const struct sink *sink, size_t bytes)
{
    struct pollfd room = { .fd = sink->fd, .events = POLLOUT };

    if (sink->is_file)
        return bytes;
    if (poll(&room, 1, 0) <= 0) {
        errno = EAGAIN;
        return 0;
    }
    return bytes < PIPE_BUF ? bytes : PIPE_BUF;
}

/* Like write, but never waits, and leaves word of what it does. */
static ssize_t
write_now(struct sink *sink)
{
    struct bytes front = backlog_front(sink->backlog, sink->index);
    size_t length = writable_now(sink, front.length);
    struct stat file = { .st_size = 0 };
    ssize_t written;

    if (length == 0)
        return -1;
    if (sink->is_file)
        (void)fstat(sink->fd, &file);
    sink->queue->writing = length;
    sink->queue->file_bytes = (uint64_t)file.st_size;
    backlog_commit(sink->backlog);
    written = write(sink->fd, front.at, length);
    sink->queue->writing = 0;
    if (written > 0)
        backlog_take(sink->backlog, sink->index, (uint64_t)written);
    backlog_commit(sink->backlog);
    return written;
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
        sink->queue->dropped += backlog_lines(sink->backlog, sink->index);
        backlog_take(sink->backlog, sink->index, sink->queue->end - sink->queue->start);
    }
}

void
sink_flush(struct sink *sink)
{
    while (sink->fd >= 0 && sink_is_waiting(sink)) {
        ssize_t written = write_now(sink);
        int error = errno;

        if (written < 0 && error == EINTR)
            continue;
        if (written <= 0) {
            note_error(sink, written == 0 ? EIO : error);
            return;
        }
        sink->stuck = false;
        sink->last_error = 0;
    }
}

uint64_t
sink_take_dropped(struct sink *sink)
{
    uint64_t dropped = sink->queue->dropped;

    if (!sink_has_room(sink, ROOM_AGAIN_BYTES))
        return 0;
    sink->queue->dropped = 0;
    return dropped;
}

bool
sink_is_waiting(const struct sink *sink)
{
    return sink->queue->start < sink->queue->end;
}

int
sink_descriptor(const struct sink *sink)
{
    return sink->stuck ? -1 : sink->fd;
}
