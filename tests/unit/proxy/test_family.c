/*
 * tests/unit/proxy/test_family.c - what the parent and a child may expect of each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/require.h"
#include "proxy/parent_priv.h"

#define MANY 1000 /* more messages than a channel holds */

static struct child child;
static struct parent parent = { .children = &child,
    .child_count = 1,
    .announced = true,
    .tickets = { .count = 1 } };
static int theirs; /* the child's end of its control channel */

static int
open_channel(void **state)
{
    int pair[2];

    (void)state;
    child =
        (struct child){ .parent = &parent, .role = CHILD_WORKER, .name = "worker-0" };
    require(ipc_pair(pair) && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
    child.control = pair[0];
    theirs = pair[1];
    return 0;
}

static int
close_channel(void **state)
{
    (void)state;
    close(child.control);
    close(theirs);
    return 0;
}

static bool
is_full(int channel)
{
    struct pollfd room = { .fd = channel, .events = POLLOUT };

    return poll(&room, 1, 0) == 0;
}

/* As a child that begins to run when its channel is full. */
static void *
take_all(void *count)
{
    static struct ipc_message m;

    while (!is_full(child.control))
        sched_yield();
    while (ipc_receive(theirs, 2000, &m) == IPC_DONE) {
        ++*(unsigned *)count;
        ipc_done(&m);
        if (*(unsigned *)count == MANY)
            break;
    }
    return NULL;
}

static void
a_child_that_is_set_up_gets_all_it_is_told(void **state)
{
    pthread_t taker;
    unsigned count = 0;

    (void)state;
    require(pthread_create(&taker, NULL, take_all, &count) == 0);
    for (unsigned i = 0; i < MANY; i++)
        family_send_tickets(&parent);
    require(pthread_join(taker, NULL) == 0);
    assert_int_equal(count, MANY);
}

static void
a_child_at_work_is_not_waited_for(void **state)
{
    (void)state;
    child.ready = true;
    for (unsigned i = 0; i < MANY; i++)
        family_send_tickets(&parent); /* nobody reads: this test would not end */
    assert_true(is_full(child.control));
    assert_true(child.deaf); /* and what it missed makes it useless */
    assert_false(family_ask(&child, 1));
}

static void
a_child_that_takes_nothing_is_waited_for_once(void **state)
{
    (void)state;
    while (!child.deaf)
        family_send_tickets(&parent);
    for (unsigned i = 0; i < MANY; i++)
        family_send_tickets(
            &parent); /* again each time: this test would last an hour */
    assert_false(child.ready);
}

static void
an_answer_is_known_by_its_number(void **state)
{
    static struct ipc_message m;
    static struct ipc_writer w;

    (void)state;
    child.ready = true;
    assert_true(family_ask(&child, 1));
    watch_asked(&child.watch, true);
    assert_int_equal(ipc_receive(theirs, 0, &m), IPC_DONE);
    assert_int_equal(m.tag, IPC_PING);
    ipc_pong(theirs, &m, &w);
    ipc_done(&m);
    family_listen(&child);
    assert_int_equal(child.watch.answered, 1);
}

/* How many lists of addresses the worker, which reads at `control`, was told. */
static unsigned
addresses_told(int control)
{
    static struct ipc_message m;
    unsigned count = 0;

    while (ipc_receive(control, 0, &m) == IPC_DONE) {
        count += m.tag == IPC_ADDRESSES;
        ipc_done(&m);
    }
    return count;
}

static void
a_resolver_that_talks_without_end_fills_no_channel(void **state)
{
    static struct ipc_writer w;
    struct child two[2];
    struct address_list name = { .host = "inside.test" }, answer;
    uint8_t news = 0;
    int pair[2];
    struct parent family = { .children = two,
        .child_count = 2,
        .announced = true,
        .names = &name,
        .names_are_news = &news,
        .name_count = 1 };

    (void)state;
    require(ipc_pair(pair) && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
    uv_loop_init(&family.loop);
    uv_timer_init(&family.loop, &family.news);
    family.news.data = &family;
    two[0] = (struct child){ .parent = &family,
        .role = CHILD_RESOLVER,
        .control = child.control,
        .ready = true };
    two[1] = (struct child){ .parent = &family,
        .role = CHILD_WORKER,
        .control = pair[0],
        .ready = true };
    for (unsigned i = 0; i < MANY; i++) {
        require(address_list_literal(&answer, i % 2 == 0 ? "192.0.2.1" : "192.0.2.2"));
        strcpy(answer.host, name.host);
        address_list_write(&answer, &w);
        require(ipc_send(theirs, &w) == IPC_DONE);
        family_listen(&two[0]);
    }
    assert_int_equal(addresses_told(pair[1]), 0);
    uv_run(&family.loop, UV_RUN_ONCE); /* the timer is all there is */
    assert_int_equal(addresses_told(pair[1]), 1);
    uv_close((uv_handle_t *)&family.news, NULL);
    uv_run(&family.loop, UV_RUN_DEFAULT);
    require(uv_loop_close(&family.loop) == 0);
    close(pair[0]);
    close(pair[1]);
}

static void
a_child_that_talks_without_end_lets_others_speak(void **state)
{
    static struct ipc_writer w;
    static struct ipc_message m;

    (void)state;
    require(fcntl(theirs, F_SETFL, O_NONBLOCK) == 0);
    ipc_begin(&w, IPC_READY);
    while (ipc_send(theirs, &w) == IPC_DONE)
        continue;
    family_listen(&child);
    assert_true(child.ready);
    assert_int_equal(ipc_receive(child.control, 0, &m), IPC_DONE);
    ipc_done(&m);
}

/* --- a worker that has lost a channel --- */

/* logd, keyd and a worker, all at work and played by the test. */
static struct child trio[3];
static int trio_ends[3];
static struct parent trio_parent = { .children = trio,
    .child_count = 3,
    .announced = true };

static int
open_trio(void **state)
{
    static const enum child_role roles[] = { CHILD_LOGD, CHILD_KEYD, CHILD_WORKER };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        int pair[2];

        require(ipc_pair(pair) && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
        trio[i] = (struct child){ .parent = &trio_parent,
            .role = roles[i],
            .name = "worker-0",
            .control = pair[0],
            .ready = true };
        trio_ends[i] = pair[1];
    }
    return 0;
}

static int
close_trio(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        close(trio[i].control);
        close(trio_ends[i]);
    }
    return 0;
}

/* The descriptor that came with the message of this tag; -1: there is no message. */
static int
introduced(unsigned who, enum ipc_tag tag)
{
    static struct ipc_message m;
    int fd;

    if (ipc_receive(trio_ends[who], 0, &m) != IPC_DONE)
        return -1;
    assert_int_equal(m.tag, tag);
    fd = ipc_take_fd(&m);
    assert_true(fd >= 0);
    ipc_done(&m);
    return fd;
}

static void
say_lost(unsigned who, uint32_t channel)
{
    static struct ipc_writer w;

    ipc_begin(&w, IPC_LOST);
    ipc_put_u32(&w, channel);
    require(ipc_send(trio_ends[who], &w) == IPC_DONE);
    family_listen(&trio[who]);
}

static void
expect_silence(void)
{
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(introduced(i, IPC_CLIENT), -1);
}

static void
a_worker_that_lost_a_channel_is_introduced_again(void **state)
{
    static const enum ipc_tag tags[] = { IPC_LOGD, IPC_KEYD };
    char byte;

    (void)state;
    for (unsigned service = 0; service < 2; service++) {
        int near, far;

        say_lost(2, tags[service]);
        far = introduced(service, IPC_CLIENT);
        near = introduced(2, tags[service]);
        assert_true(far >= 0 && near >= 0);
        assert_int_equal(write(near, "x", 1), 1);
        assert_int_equal(read(far, &byte, 1), 1);
        close(near);
        close(far);
        expect_silence();
    }
}

static void
a_worker_that_asks_for_ever_gets_one_channel_a_second(void **state)
{
    static const enum ipc_tag tags[] = { IPC_KEYD, IPC_CLIENT };

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        uint64_t begun_ms = clock_ms(), most;

        for (unsigned i = 0; i < MANY; i++)
            say_lost(2, IPC_KEYD);
        most = 1 + (clock_ms() - begun_ms) / 1000;
        for (unsigned i = 0; i < 2; i++) {
            uint64_t count = 0;
            int fd;

            while ((fd = introduced(2 - i, tags[i])) >= 0) {
                close(fd);
                count++;
            }
            assert_in_range(count, 1, most);
        }
        trio[2].lost_ms[0] -= 1000; /* a second later */
    }
}

static void
only_those_who_are_ready_are_introduced_again(void **state)
{
    (void)state;
    trio[2].ready = false;
    say_lost(2, IPC_KEYD);
    trio[2].ready = true;
    trio[1].ready = false;
    say_lost(2, IPC_KEYD);
    trio[1].ready = true;
    say_lost(2, IPC_CONFIG);
    say_lost(2, UINT32_MAX);
    say_lost(1, IPC_LOGD);
    say_lost(0, IPC_KEYD);
    expect_silence();
}

/* What family_listen writes to standard error when the child says `why`. */
static char *
complaint(const char *why)
{
    static struct ipc_writer w;
    FILE *real = stderr;
    char *text = NULL;
    size_t length;

    ipc_begin(&w, IPC_FAILED);
    ipc_put_string(&w, why);
    require(ipc_send(theirs, &w) == IPC_DONE);
    stderr = open_memstream(&text, &length);
    family_listen(&child);
    fclose(stderr);
    stderr = real;
    return text;
}

static void
a_complaint_is_one_line_of_text(void **state)
{
    char *text = complaint("no\x1b[2J key\nreally\x7f");

    (void)state;
    assert_string_equal(text, "postern: worker-0: no?[2J key?really?\n");
    free(text);
}

static void
a_complaint_that_nobody_reads_stops_nothing(void **state)
{
    int ends[2], before = dup(STDERR_FILENO);
    char byte = '.';

    (void)state;
    require(before >= 0 && pipe(ends) == 0);
    require(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    while (write(ends[1], &byte, 1) == 1)
        continue;
    require(fcntl(ends[1], F_SETFL, 0) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    parent_complain(&child, "nobody hears this"); /* else this test would not end */
    require(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    close(ends[0]);
    close(ends[1]);
}

static void
a_child_at_work_has_no_complaints(void **state)
{
    char *text;

    (void)state;
    child.ready = true;
    text = complaint("look here");
    assert_string_equal(text, "");
    free(text);
}

#define with_trio(test) cmocka_unit_test_setup_teardown(test, open_trio, close_trio)

#define with_channel(test)                                                             \
    cmocka_unit_test_setup_teardown(test, open_channel, close_channel)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_channel(a_child_that_is_set_up_gets_all_it_is_told),
        with_channel(a_child_at_work_is_not_waited_for),
        with_channel(a_child_that_takes_nothing_is_waited_for_once),
        with_channel(an_answer_is_known_by_its_number),
        with_channel(a_resolver_that_talks_without_end_fills_no_channel),
        with_channel(a_child_that_talks_without_end_lets_others_speak),
        with_trio(a_worker_that_lost_a_channel_is_introduced_again),
        with_trio(a_worker_that_asks_for_ever_gets_one_channel_a_second),
        with_trio(only_those_who_are_ready_are_introduced_again),
        with_channel(a_complaint_is_one_line_of_text),
        with_channel(a_complaint_that_nobody_reads_stops_nothing),
        with_channel(a_child_at_work_has_no_complaints),
    };

    return cmocka_run_group_tests_name("proxy/family", tests, NULL, NULL);
}
