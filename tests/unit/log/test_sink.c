/*
 * tests/unit/log/test_sink.c - lines reach their target whole, or are counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/sink.h"

static char folder[] = "/tmp/postern-sink-XXXXXX";
static char path[64];
static char text[65536];

static int
make_folder(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/log", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static struct backlog backlog;

/* As a logd that nobody was before. */
static int
begin(void **state)
{
    int memory = backlog_make(1);

    (void)state;
    assert_true(memory >= 0 && backlog_open(&backlog, memory, 1));
    assert_true(backlog_recover(&backlog));
    return close(memory);
}

static int
end(void **state)
{
    (void)state;
    backlog_close(&backlog);
    unlink(path);
    return 0;
}

static struct sink *
open_path(const char *where)
{
    struct log_target target = { LOG_TO_FILE, where };
    struct note note = { "" };
    struct sink *sink = sink_open(&target, &backlog, 0, &note);

    if (sink == NULL)
        fail_msg("%s", note.text);
    return sink;
}

/* As logd: room first, because a flush commits. */
static void
put(struct sink *sink, struct bytes line)
{
    if (!sink_has_room(sink, line.length))
        sink_flush(sink);
    sink_put(sink, line, 1);
}

static size_t
read_text(int fd)
{
    ssize_t length = read(fd, text, sizeof(text));

    return length > 0 ? (size_t)length : 0;
}

static void
a_file_is_appended_to(void **state)
{
    struct stat before;
    int fd;

    (void)state;
    umask(022);
    for (int i = 0; i < 2; i++) {
        struct sink *sink = open_path(path);

        put(sink, BYTES("one\n"));
        put(sink, BYTES("two\n"));
        sink_flush(sink);
        assert_false(sink_is_waiting(sink));
        sink_close(&sink);
        assert_null(sink);
    }
    fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0640);
    assert_int_equal(read_text(fd), 16);
    assert_memory_equal(text, "one\ntwo\none\ntwo\n", 16);
    close(fd);
}

static void
a_file_that_cannot_be_opened_is_named(void **state)
{
    struct log_target target = { LOG_TO_FILE, "/nonexistent/log" };
    struct note note = { "" };

    (void)state;
    assert_null(sink_open(&target, &backlog, 0, &note));
    assert_non_null(strstr(note.text, "/nonexistent/log: No such file"));
}

/* A sink whose file is the writing end of a pipe; *reader reads from it. */
static struct sink *
open_pipe(int *reader)
{
    struct sink *sink;
    char name[32];
    int pipe_ends[2];

    assert_int_equal(pipe2(pipe_ends, O_NONBLOCK), 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", pipe_ends[1]);
    sink = open_path(name);
    close(pipe_ends[1]);
    *reader = pipe_ends[0];
    return sink;
}

/* Numbered lines of uneven length: a torn line would not be the one of its number. */
static struct bytes
numbered_line(unsigned number)
{
    static char line[600];
    int length = snprintf(line, sizeof(line), "%u %0*d\n", number, 1 + number % 500, 0);

    return bytes_of(line, (size_t)length);
}

static void
a_pipe_that_nobody_empties_is_counted_and_not_waited_for(void **state)
{
    enum { LINES = 20000 };
    unsigned dropped = 0, lines = 0;
    char received[8192];
    size_t kept = 0;
    int reader;
    struct sink *sink = open_pipe(&reader);

    (void)state;
    for (unsigned i = 0; i < LINES; i++)
        put(sink, numbered_line(i));
    assert_true(sink_is_waiting(sink));
    assert_int_equal(sink_take_dropped(sink), 0); /* no room yet to tell it */

    for (;;) {
        ssize_t got = read(reader, received + kept, sizeof(received) - kept);

        if (got <= 0 && !sink_is_waiting(sink))
            break;
        kept += got > 0 ? (size_t)got : 0;
        for (char *feed; (feed = memchr(received, '\n', kept)) != NULL;) {
            struct bytes line = numbered_line((unsigned)strtoul(received, NULL, 10));

            lines++;
            assert_int_equal((size_t)(feed + 1 - received), line.length);
            assert_memory_equal(received, line.at, line.length);
            kept -= line.length;
            memmove(received, feed + 1, kept);
        }
        sink_flush(sink);
        dropped += (unsigned)sink_take_dropped(sink);
    }
    assert_true(dropped > 0);
    assert_int_equal(lines + dropped, LINES);
    close(reader);
    sink_close(&sink);
}

static void
a_reader_that_went_away_ends_nothing(void **state)
{
    int reader;
    struct sink *sink = open_pipe(&reader);

    (void)state;
    close(reader);
    put(sink, BYTES("one\n"));
    sink_flush(sink);
    assert_false(sink_is_waiting(sink));
    put(sink, BYTES("two\n"));
    assert_false(sink_is_waiting(sink));
    assert_int_equal(sink_descriptor(sink), -1);
    sink_close(&sink);
}

static void
a_full_disk_is_tried_again_later(void **state)
{
    struct sink *sink = open_path("/dev/full");

    (void)state;
    put(sink, BYTES("one\n"));
    sink_flush(sink);
    assert_true(sink_is_waiting(sink));
    assert_int_equal(sink_descriptor(sink), -1); /* poll would call it writable */
    sink_close(&sink);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_appended_to),
        TEST(a_file_that_cannot_be_opened_is_named),
        TEST(a_pipe_that_nobody_empties_is_counted_and_not_waited_for),
        TEST(a_reader_that_went_away_ends_nothing),
        TEST(a_full_disk_is_tried_again_later),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
