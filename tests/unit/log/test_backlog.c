/*
 * tests/unit/log/test_backlog.c - what a logd leaves behind, whenever it ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/sink.h"

static int memory;
static struct backlog backlog;

static int
begin(void **state)
{
    (void)state;
    memory = backlog_make(1);
    assert_true(memory >= 0 && backlog_open(&backlog, memory, 1));
    assert_true(backlog_recover(&backlog));
    return 0;
}

static int
end(void **state)
{
    (void)state;
    backlog_close(&backlog);
    return close(memory);
}

/* The process ends here, and another one takes over. */
static void
succeed(void)
{
    backlog_close(&backlog);
    assert_true(backlog_open(&backlog, memory, 1));
    assert_true(backlog_recover(&backlog));
}

static void
what_is_committed_is_found_and_what_is_not_is_not(void **state)
{
    (void)state;
    backlog_put(&backlog, 0, BYTES("one\n"));
    backlog_sender(&backlog, "worker-0")->next = 1;
    backlog_commit(&backlog);
    backlog_put(&backlog, 0, BYTES("two\n"));
    backlog_sender(&backlog, "worker-0")->next = 2;
    succeed();
    assert_true(bytes_equal(backlog_front(&backlog, 0), BYTES("one\n")));
    assert_int_equal(backlog_sender(&backlog, "worker-0")->next, 1);
    assert_int_equal(backlog_lines(&backlog, 0), 1);
}

static void
a_queue_goes_round(void **state)
{
    char line[1000];
    size_t taken = 0, put = 0;

    (void)state;
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    backlog_put(&backlog, 0, BYTES("first\n")); /* so that it is never empty */
    for (unsigned i = 0; i < 5000; i++) {
        if (backlog_room(&backlog, 0) < sizeof line)
            backlog_take(&backlog, 0, backlog_front(&backlog, 0).length);
        line[0] = (char)('a' + i % 26);
        backlog_put(&backlog, 0, bytes_of(line, sizeof line));
    }
    while (backlog_front(&backlog, 0).length > 0) {
        struct bytes front = backlog_front(&backlog, 0);

        for (size_t i = 0; i < front.length; i++)
            put += front.at[i] == '\n';
        backlog_take(&backlog, 0, front.length);
        taken++;
    }
    assert_true(taken <= 2 && put > 0);
}

static void
there_are_only_so_many_senders(void **state)
{
    char name[BACKLOG_NAME_BYTES];

    (void)state;
    for (unsigned i = 0; i < BACKLOG_SENDERS; i++) {
        snprintf(name, sizeof name, "worker-%u", i);
        assert_non_null(backlog_sender(&backlog, name));
    }
    assert_null(backlog_sender(&backlog, "one more"));
    assert_non_null(backlog_sender(&backlog, "worker-7"));
}

/* What a logd that has fallen may leave to its successor. */
static void
a_state_that_cannot_be_is_thrown_away(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct backlog_target *target = &backlog.now.targets[0];

        if (i == 0)
            target->start = 1;
        else if (i == 1)
            target->end = BACKLOG_QUEUE_BYTES + 1;
        else if (i == 2)
            target->writing = 1;
        else if (i == 3)
            target->start = target->end = UINT64_MAX;
        else
            memset(backlog.now.senders[3].name, 'x', BACKLOG_NAME_BYTES);
        backlog_commit(&backlog);
        backlog_close(&backlog);
        assert_true(backlog_open(&backlog, memory, 1));
        assert_false(backlog_recover(&backlog));
        assert_int_equal(backlog.now.targets[0].end, 0);
        succeed();
    }
}

static void
memory_of_another_size_is_refused(void **state)
{
    int other = memfd_create("other", MFD_CLOEXEC);
    struct backlog another = { 0 };

    (void)state;
    assert_false(backlog_open(&another, other, 1));
    assert_false(backlog_open(&another, memory, 2));
    assert_int_not_equal(ftruncate(memory, 0),
        0); /* sealed: nobody takes a page away */
    close(other);
}

/* A file under `path` with this in it, and a sink on it. */
static struct sink *
open_sink(char *path, const char *content)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct note note = { "" };
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    return sink_open(&target, &backlog, 0, &note);
}

/* Killed in write(2), when so much of "one\ntwo\n" was in the file. */
static void
expect_completed(const char *arrived)
{
    char path[] = "/tmp/postern-backlog-XXXXXX", text[64] = "";
    struct sink *sink;
    int fd;

    backlog_put(&backlog, 0, BYTES("one\ntwo\n"));
    backlog.now.targets[0].writing = 8;
    backlog.now.targets[0].file_bytes = 4;
    backlog_commit(&backlog);
    succeed();
    snprintf(text, sizeof text, "old\n%s", arrived);
    sink = open_sink(path, text);
    sink_recover(sink);
    sink_flush(sink);
    assert_false(sink_is_waiting(sink));
    sink_close(&sink);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    memset(text, 0, sizeof text);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_string_equal(text, "old\none\ntwo\n");
    close(fd);
    unlink(path);
}

static void
a_write_that_was_cut_is_completed(void **state)
{
    (void)state;
    expect_completed("");
    expect_completed("on");
    expect_completed("one\n");
    expect_completed("one\ntwo");
    expect_completed("one\ntwo\n");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_committed_is_found_and_what_is_not_is_not),
        TEST(a_queue_goes_round),
        TEST(there_are_only_so_many_senders),
        TEST(a_state_that_cannot_be_is_thrown_away),
        TEST(memory_of_another_size_is_refused),
        TEST(a_write_that_was_cut_is_completed),
    };

    return cmocka_run_group_tests_name("log/backlog", tests, NULL, NULL);
}
