/*
 * tests/unit/log/test_logd.c - the process itself, jailed, with real askers.
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
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc.h"
#include "log/backlog.h"
#include "log/event.h"
#include "log/logd.h"
#include "strict_json.h"

#define ANSWER_MS 30000

static char folder[] = "/tmp/postern-logd-XXXXXX";
static char path[64];
static char text[4 << 20];

static struct ipc_writer writer;
static struct ipc_message message;

static int memory; /* the backlog that one logd leaves to the next */

/* One logd and our end of its control channel. */
struct process {
    pid_t pid;
    int control;
};

static int
make_folder(void **state)
{
    (void)state;
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

static int
begin(void **state)
{
    (void)state;
    memory = backlog_make(1);
    return memory >= 0 ? 0 : -1;
}

static int
end(void **state)
{
    (void)state;
    unlink(path);
    return close(memory);
}

/* Forks a logd; `out`, unless -1, becomes its standard output. */
static struct process
fork_logd(const struct log_target *target, int out)
{
    struct log_policy policy = { LOG_ECS_JSON, target, 1 };
    struct process process;
    int pair[2];

    assert_true(ipc_pair(pair));
    process.pid = fork();
    assert_true(process.pid >= 0);
    if (process.pid == 0) {
        if (out >= 0)
            dup2(out, STDOUT_FILENO);
        close(pair[0]);
        _exit(logd_run(pair[1], &policy, geteuid() == 0 ? "nobody" : NULL));
    }
    close(pair[1]);
    process.control = pair[0];
    ipc_begin(&writer, IPC_BACKLOG);
    ipc_put_fd(&writer, memory);
    assert_int_equal(ipc_send(process.control, &writer), IPC_DONE);
    return process;
}

static void
tell(const struct process *process, enum ipc_tag tag)
{
    ipc_begin(&writer, tag);
    assert_int_equal(ipc_send(process->control, &writer), IPC_DONE);
}

static void
expect_answer(const struct process *process, enum ipc_tag tag)
{
    assert_int_equal(ipc_receive(process->control, ANSWER_MS, &message), IPC_DONE);
    if (message.tag == IPC_FAILED && tag != IPC_FAILED) {
        ipc_get_string(&message, text, sizeof(text));
        fail_msg("logd: %s", text);
    }
    assert_int_equal(message.tag, tag);
    ipc_done(&message);
}

/* Gives logd one more asker; returns the asker's end. */
static int
introduce_life(const struct process *process, const char *name, uint64_t life)
{
    int pair[2];

    assert_true(ipc_pair(pair));
    ipc_begin(&writer, IPC_CLIENT);
    ipc_put_string(&writer, name);
    ipc_put_u64(&writer, life);
    ipc_put_fd(&writer, pair[1]);
    assert_int_equal(ipc_send(process->control, &writer), IPC_DONE);
    close(pair[1]);
    return pair[0];
}

static int
introduce(const struct process *process, const char *name)
{
    return introduce_life(process, name, 1);
}

static void
expect_end(struct process *process, int status)
{
    int found;

    assert_int_equal(waitpid(process->pid, &found, 0), process->pid);
    if (!WIFEXITED(found))
        fail_msg("logd ended by signal %d", WTERMSIG(found));
    assert_int_equal(WEXITSTATUS(found), status);
    close(process->control);
}

static struct process
start_logd(const struct log_target *target, int out)
{
    struct process process = fork_logd(target, out);

    tell(&process, IPC_BEGIN);
    expect_answer(&process, IPC_READY);
    return process;
}

/* Reads the file into `text`; returns its lines, each of which must be good. */
static unsigned
count_good_lines(int fd)
{
    size_t length = 0;
    unsigned lines = 0;
    ssize_t got;

    while ((got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    for (struct bytes rest = bytes_of(text, length); rest.length > 0; lines++) {
        struct bytes line = bytes_cut(&rest, '\n');

        if (!json_is_strict(line))
            fail_msg("no JSON: %.*s", BYTES_ARG(line));
    }
    return lines;
}

static unsigned
lines_of_file(void)
{
    int fd = open(path, O_RDONLY);
    unsigned lines = count_good_lines(fd);

    close(fd);
    return lines;
}

static void
write_event(struct event_log *log, enum event_id id)
{
    event_begin(log, id);
    event_string(log, EF_URL_PATH, "/\r\n{\"forged\":true}");
    event_end(log);
}

/* --- */

static void
events_reach_the_file_and_a_drain_flushes_all(void **state)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct process logd = start_logd(&target, -1);
    struct event_log *one = event_log_new("worker-0"), *two = event_log_new("worker-1");

    (void)state;
    event_log_set_channel(one, introduce(&logd, "worker-0"));
    event_log_set_channel(two, introduce(&logd, "worker-1"));
    for (int i = 0; i < 100; i++) {
        write_event(one, EVENT_REQUEST_FORWARDED);
        write_event(two, EVENT_REQUEST_BLOCKED);
        event_flush(one);
    }
    event_flush_last(one, ANSWER_MS);
    event_flush_last(two, ANSWER_MS);
    tell(&logd, IPC_DRAIN);
    expect_end(&logd, 0);
    assert_int_equal(lines_of_file(), 200);
    assert_non_null(strstr(text, "\"process\":{\"name\":\"worker-0\"}"));
    assert_non_null(strstr(text, "\"process\":{\"name\":\"worker-1\"}"));
    event_log_free(&one);
    event_log_free(&two);
}

static void
events_sent_before_the_start_are_not_lost(void **state)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct process logd = fork_logd(&target, -1);
    struct event_log *parent = event_log_new("parent");

    (void)state;
    event_log_set_channel(parent, introduce(&logd, "parent"));
    write_event(parent, EVENT_STARTED);
    event_flush(parent);
    tell(&logd, IPC_BEGIN);
    expect_answer(&logd, IPC_READY);
    close(logd.control); /* a parent that died */
    logd.control = -1;
    expect_end(&logd, 0);
    assert_int_equal(lines_of_file(), 1);
    event_log_free(&parent);
}

static void
nobody_speaks_in_the_name_of_another(void **state)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct process logd = start_logd(&target, -1);
    struct event_log *log = event_log_new("keyd");

    (void)state;
    event_log_set_channel(log, introduce(&logd, "worker-0"));
    event_begin(log, EVENT_STOPPED);
    event_string(log, EF_PROCESS_NAME, "keyd");
    event_end(log);
    event_flush_last(log, ANSWER_MS);
    event_log_free(&log);
    tell(&logd, IPC_DRAIN);
    expect_end(&logd, 0);
    assert_int_equal(lines_of_file(), 1);
    assert_non_null(strstr(text, "\"process\":{\"name\":\"worker-0\"}"));
    assert_null(strstr(text, "keyd"));
}

static void
who_comes_again_has_one_channel_and_loses_no_event(void **state)
{
    enum { WRITTEN = 20 }; /* more than are read in a turn */
    struct log_target target = { LOG_TO_FILE, path };
    struct process logd = fork_logd(&target, -1);
    struct event_log *log = event_log_new("worker-0");
    int earlier = introduce(&logd, "worker-0"), other = introduce(&logd, "worker-1");

    (void)state;
    event_log_set_channel(log, dup(earlier));
    for (int i = 0; i < WRITTEN; i++) {
        write_event(log, EVENT_REQUEST_FORWARDED);
        event_flush(log);
    }
    event_log_set_channel(log, introduce(&logd, "worker-0"));
    tell(&logd, IPC_BEGIN);
    expect_answer(&logd, IPC_READY);
    assert_int_equal(ipc_receive(earlier, ANSWER_MS, &message), IPC_CLOSED);
    ipc_begin(&writer, IPC_EVENTS);
    ipc_put_u64(&writer, 0);
    assert_int_equal(ipc_send(earlier, &writer), IPC_CLOSED);
    assert_int_equal(ipc_send(other, &writer), IPC_DONE);
    write_event(log, EVENT_REQUEST_FORWARDED);
    event_flush_last(log, ANSWER_MS);
    tell(&logd, IPC_DRAIN);
    expect_end(&logd, 0);
    assert_int_equal(lines_of_file(), WRITTEN + 1);
    assert_null(strstr(text, "\"log-"));
    close(earlier);
    close(other);
    event_log_free(&log);
}

static void
who_sends_rubbish_loses_its_channel_and_no_other(void **state)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct process logd = start_logd(&target, -1);
    struct event_log *good = event_log_new("worker-0");
    int liar = introduce(&logd, "worker-1"), stranger = introduce(&logd, "worker-2");

    (void)state;
    event_log_set_channel(good, introduce(&logd, "worker-0"));
    ipc_begin(&writer, IPC_EVENTS);
    ipc_put_u64(&writer, 0);
    ipc_put_string(&writer, "no event at all");
    assert_int_equal(ipc_send(liar, &writer), IPC_DONE);
    assert_int_equal(send(stranger, "x", 1, 0), 1);

    /* Our ends report the close, so both were read before the good event. */
    assert_int_equal(ipc_receive(liar, ANSWER_MS, &message), IPC_CLOSED);
    assert_int_equal(ipc_receive(stranger, ANSWER_MS, &message), IPC_CLOSED);
    write_event(good, EVENT_REQUEST_FORWARDED);
    event_flush_last(good, ANSWER_MS);
    tell(&logd, IPC_DRAIN);
    expect_end(&logd, 0);
    assert_int_equal(lines_of_file(), 3);
    assert_non_null(strstr(text, "\"log-refused\""));
    assert_non_null(strstr(text, "\"process\":{\"name\":\"worker-1\"}"));
    assert_non_null(strstr(text, "\"process\":{\"name\":\"worker-2\"}"));
    assert_non_null(strstr(text, "\"request-forwarded\""));
    close(liar);
    close(stranger);
    event_log_free(&good);
}

/* The sum of all losses that `text` tells of. */
static unsigned
sum_of_dropped(void)
{
    unsigned dropped = 0;

    for (const char *at = text; (at = strstr(at, "\"dropped\":")) != NULL; at++)
        dropped += (unsigned)strtoul(at + sizeof("\"dropped\":") - 1, NULL, 10);
    return dropped;
}

/* How many lines of `text` are events of their own, and not about lost ones. */
static unsigned
lines_about(unsigned lines)
{
    for (const char *at = text; (at = strstr(at, "\"log-dropped\"")) != NULL; at++)
        lines--;
    return lines;
}

static void
tell_end(const struct process *process, const char *name, uint64_t life, uint64_t made)
{
    ipc_begin(&writer, IPC_ENDED);
    ipc_put_string(&writer, name);
    ipc_put_u64(&writer, life);
    ipc_put_u64(&writer, made);
    assert_int_equal(ipc_send(process->control, &writer), IPC_DONE);
}

static void
what_a_dead_worker_never_sent_is_told_of_once(void **state)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct process logd = start_logd(&target, -1);
    struct event_log *log = event_log_new("worker-0");
    _Atomic uint64_t tally;

    (void)state;
    event_log_count_in(log, &tally);
    event_log_set_channel(log, introduce(&logd, "worker-0"));
    for (unsigned i = 0; i < 5; i++)
        write_event(log, EVENT_REQUEST_FORWARDED);
    event_flush_last(log, ANSWER_MS);
    for (unsigned i = 0; i < 7; i++)
        write_event(log, EVENT_REQUEST_FORWARDED);
    event_log_free(&log); /* as a worker that is killed */
    for (unsigned i = 0; i < 3; i++)
        tell_end(&logd, "worker-0", 1, tally);
    tell(&logd, IPC_DRAIN);
    expect_end(&logd, 0);

    logd = start_logd(&target, -1); /* which is told of it, too */
    tell_end(&logd, "worker-0", 1, tally);
    tell_end(&logd, "worker-0", 2, 4); /* no logd was there in all its life */
    close(introduce_life(&logd, "worker-0", 3));
    tell_end(&logd, "worker-0", 2, 4);
    tell_end(&logd, "worker-0", 3, 0);
    tell(&logd, IPC_DRAIN);
    expect_end(&logd, 0);
    assert_int_equal(lines_of_file(), 5 + 2);
    assert_int_equal(sum_of_dropped(), 7 + 4);
}

/* Ends an asker that speaks in the numbers of the past: it would hide what is lost. */
static void
who_counts_backwards_loses_its_channel(void **state)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct process logd = start_logd(&target, -1);
    int liar = introduce(&logd, "worker-0");

    (void)state;
    for (uint64_t first = 8; first > 6; first--) {
        ipc_begin(&writer, IPC_EVENTS);
        ipc_put_u64(&writer, first);
        assert_int_equal(ipc_send(liar, &writer), IPC_DONE);
    }
    assert_int_equal(ipc_receive(liar, ANSWER_MS, &message), IPC_CLOSED);
    close(liar);
    tell(&logd, IPC_DRAIN);
    expect_end(&logd, 0);
    assert_int_equal(lines_of_file(), 2);
    assert_int_equal(sum_of_dropped(), 8);
    assert_non_null(strstr(text, "\"log-refused\""));
}

#define KILLS 50

/* Until it was killed so often: events without a pause, each logd ended at another moment. */
static unsigned
write_under_fire(const struct log_target *target, struct event_log *log)
{
    unsigned written = 0;

    for (unsigned kills = 0; kills <= KILLS; kills++) {
        struct process logd = fork_logd(target, -1);

        event_log_set_channel(log, introduce(&logd, "worker-0"));
        tell(&logd, IPC_BEGIN);
        expect_answer(&logd, IPC_READY);
        for (unsigned i = 0; i < 40 + 7 * kills; i++, written++) {
            write_event(log, EVENT_REQUEST_FORWARDED);
            if (i % 8 == 0)
                event_flush(log);
        }
        if (kills == KILLS) {
            event_flush_last(log, ANSWER_MS);
            tell(&logd, IPC_DRAIN);
            expect_end(&logd, 0);
            break;
        }
        assert_int_equal(kill(logd.pid, SIGKILL), 0);
        assert_int_equal(waitpid(logd.pid, NULL, 0), logd.pid);
        close(logd.control);
    }
    return written;
}

static void
what_is_not_in_the_log_is_counted_there_whenever_logd_dies(void **state)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct event_log *log = event_log_new("worker-0");
    unsigned written = write_under_fire(&target, log), lines = lines_of_file();

    (void)state;
    assert_int_equal(lines_about(lines) + sum_of_dropped(), written);
    event_log_free(&log);
}

static void
a_logd_that_was_killed_is_replaced(void **state)
{
    struct log_target target = { LOG_TO_FILE, path };
    struct process first = start_logd(&target, -1), second;
    struct event_log *log = event_log_new("worker-0");

    (void)state;
    event_log_set_channel(log, introduce(&first, "worker-0"));
    assert_int_equal(kill(first.pid, SIGKILL), 0);
    assert_int_equal(waitpid(first.pid, NULL, 0), first.pid);
    close(first.control);
    for (int i = 0; i < 10; i++) {
        write_event(log, EVENT_REQUEST_FORWARDED);
        event_flush(log);
    }
    second = start_logd(&target, -1);
    event_log_set_channel(log, introduce(&second, "worker-0"));
    event_flush_last(log, ANSWER_MS);
    tell(&second, IPC_DRAIN);
    expect_end(&second, 0);
    assert_int_equal(lines_of_file(), 10);
    event_log_free(&log);
}

static void
a_pipe_that_nobody_empties_stops_no_worker(void **state)
{
    enum { WRITTEN = 3000 };
    struct log_target target = { LOG_TO_STDOUT, NULL };
    struct event_log *log = event_log_new("worker-0");
    struct process logd;
    int ends[2];
    unsigned lines, reports = 0;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    logd = start_logd(&target, ends[1]);
    event_log_set_channel(log, introduce(&logd, "worker-0"));
    for (int i = 0; i < WRITTEN; i++) {
        write_event(log, EVENT_REQUEST_FORWARDED);
        event_flush_last(log, ANSWER_MS); /* logd goes on reading: this returns */
    }
    tell(&logd, IPC_DRAIN);
    close(ends[1]);
    lines = count_good_lines(ends[0]);
    expect_end(&logd, 0);
    for (const char *at = text; (at = strstr(at, "\"log-dropped\"")) != NULL; at++)
        reports++;
    assert_int_equal(lines - reports + sum_of_dropped(), WRITTEN);
    close(ends[0]);
    event_log_free(&log);
}

static void
a_file_as_standard_output_is_shared_with_the_parent(void **state)
{
    struct log_target target = { LOG_TO_STDOUT, NULL };
    struct event_log *log = event_log_new("worker-0");
    int out =
        open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* as in: postern > file */
    struct process logd = start_logd(&target, out);

    (void)state;
    event_log_set_channel(log, introduce(&logd, "worker-0"));
    write_event(log, EVENT_STARTED);
    event_flush_last(log, ANSWER_MS);
    tell(&logd, IPC_DRAIN);
    expect_end(&logd, 0);
    assert_int_equal(write(out, "{\"ready\":true}\n", 15), 15);
    close(out);
    assert_int_equal(lines_of_file(), 2);
    event_log_free(&log);
}

static void
a_target_that_cannot_be_opened_is_told_to_the_parent(void **state)
{
    struct log_target target = { LOG_TO_FILE, "/nonexistent/log" };
    struct process logd = fork_logd(&target, -1);

    (void)state;
    expect_answer(&logd, IPC_FAILED);
    expect_end(&logd, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(events_reach_the_file_and_a_drain_flushes_all),
        TEST(events_sent_before_the_start_are_not_lost),
        TEST(nobody_speaks_in_the_name_of_another),
        TEST(who_comes_again_has_one_channel_and_loses_no_event),
        TEST(who_sends_rubbish_loses_its_channel_and_no_other),
        TEST(a_logd_that_was_killed_is_replaced),
        TEST(what_a_dead_worker_never_sent_is_told_of_once),
        TEST(who_counts_backwards_loses_its_channel),
        TEST(what_is_not_in_the_log_is_counted_there_whenever_logd_dies),
        TEST(a_pipe_that_nobody_empties_stops_no_worker),
        TEST(a_file_as_standard_output_is_shared_with_the_parent),
        TEST(a_target_that_cannot_be_opened_is_told_to_the_parent),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
