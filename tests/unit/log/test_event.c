/*
 * tests/unit/log/test_event.c - events arrive as written, or are counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc.h"
#include "log/event_read.h"

static struct event_log *event_log;
static int reader;
static struct ipc_message message;
static struct event_view view;
static uint64_t expected; /* the next event, when none is lost */

static void
connect_log(void)
{
    int pair[2];

    assert_true(ipc_pair(pair));
    event_log_set_channel(event_log, pair[0]);
    reader = pair[1];
}

static int
set_up(void **state)
{
    (void)state;
    event_log = event_log_new("test");
    expected = 0;
    connect_log();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    close(reader);
    event_log_free(&event_log);
    assert_null(event_log);
    return 0;
}

/* Flushes and reads the only event there is; `view` points into `message`. */
static void
read_one(void)
{
    event_flush(event_log);
    assert_int_equal(ipc_receive(reader, 0, &message), IPC_DONE);
    assert_int_equal(message.tag, IPC_EVENTS);
    (void)ipc_get_u64(&message);
    assert_true(event_read(ipc_get_bytes(&message), &view));
    assert_true(ipc_at_end(&message));
}

static uint64_t
number_of(enum event_field field)
{
    assert_true(event_set_has(&view.has, field));
    return view.values[field].number;
}

static struct bytes
text_of(enum event_field field)
{
    assert_true(event_set_has(&view.has, field));
    return view.values[field].text;
}

static const struct sockaddr *
address_of(const char *text, uint16_t port)
{
    static union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address;

    memset(&address, 0, sizeof(address));
    if (inet_pton(AF_INET, text, &address.four.sin_addr) == 1) {
        address.four.sin_family = AF_INET;
        address.four.sin_port = htons(port);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &address.six.sin6_addr), 1);
        address.six.sin6_family = AF_INET6;
        address.six.sin6_port = htons(port);
    }
    return &address.any;
}

/* --- there and back --- */

static void
put_field(enum event_field field, char *text)
{
    const struct event_field_row *row = &event_field_table[field];

    switch (row->type) {
    case EVENT_IS_TEXT:
    case EVENT_IS_URL:
    case EVENT_IS_KEYWORD:
        event_text(event_log, field, bytes_of(text, row->limit));
        break;
    case EVENT_IS_IP:
        event_address(event_log, field, EF_COUNT, address_of("2001:db8::7", 1));
        break;
    case EVENT_IS_NUMBER:
        event_number(event_log, field, UINT64_MAX - field);
        break;
    case EVENT_IS_FLAG:
        event_flag(event_log, field, field % 2);
        break;
    case EVENT_IS_FAULT:
        event_fault(event_log, FAULT_MEMORY);
        break;
    case EVENT_IS_IPS:
        break;
    }
}

static void
check_field(enum event_field field, const char *text)
{
    const struct event_field_row *row = &event_field_table[field];

    switch (row->type) {
    case EVENT_IS_TEXT:
    case EVENT_IS_URL:
    case EVENT_IS_KEYWORD:
        assert_true(bytes_equal(text_of(field), bytes_of(text, row->limit)));
        break;
    case EVENT_IS_IP:
        assert_true(bytes_equal(text_of(field),
            BYTES("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07")));
        break;
    case EVENT_IS_NUMBER:
        assert_true(number_of(field) == UINT64_MAX - field);
        break;
    case EVENT_IS_FLAG:
        assert_true(number_of(field) == field % 2);
        break;
    case EVENT_IS_FAULT:
        assert_int_equal(view.fault, FAULT_MEMORY);
        break;
    case EVENT_IS_IPS:
        assert_false(event_set_has(&view.has, field));
        break;
    }
}

static void
every_field_at_its_limit_arrives(void **state)
{
    char text[8192];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)i;
    event_begin(event_log, EVENT_REQUEST_FORWARDED);
    for (unsigned i = EF_COUNT; i-- > 0;)
        put_field((enum event_field)i, text);
    event_end(event_log);
    read_one();
    assert_int_equal(view.id, EVENT_REQUEST_FORWARDED);
    assert_false(view.cut);
    for (unsigned i = 0; i < EF_COUNT; i++)
        check_field((enum event_field)i, text);
    ipc_done(&message);
}

static void
every_event_arrives_with_its_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EVENT_COUNT; i++) {
        event_begin(event_log, (enum event_id)i);
        event_end(event_log);
        read_one();
        assert_int_equal(view.id, i);
        assert_true(view.wall_ns > 1700000000ULL * 1000000000);
        assert_int_equal(view.fault, FAULT_NONE);
        ipc_done(&message);
    }
}

static void
a_long_text_is_cut_and_the_event_says_so(void **state)
{
    char text[300];

    (void)state;
    memset(text, 'x', sizeof(text));
    event_begin(event_log, EVENT_TLS_REJECTED);
    event_text(event_log, EF_TLS_SERVER_NAME, bytes_of(text, sizeof(text)));
    event_end(event_log);
    read_one();
    assert_int_equal(text_of(EF_TLS_SERVER_NAME).length, 255);
    assert_true(view.cut);
    ipc_done(&message);
}

static void
what_is_empty_is_left_out(void **state)
{
    (void)state;
    event_begin(event_log, EVENT_REQUEST_FORWARDED);
    event_string(event_log, EF_URL_DOMAIN, NULL);
    event_string(event_log, EF_URL_PATH, "");
    event_text(event_log, EF_URL_QUERY, bytes_of(NULL, 0));
    event_fault(event_log, FAULT_NONE);
    event_end(event_log);
    read_one();
    for (unsigned i = 0; i < EF_COUNT; i++)
        assert_false(event_set_has(&view.has, (enum event_field)i));
    ipc_done(&message);
}

static void
an_address_is_two_fields(void **state)
{
    (void)state;
    event_begin(event_log, EVENT_CONNECTION_ENDED);
    event_address(event_log, EF_SOURCE_IP, EF_SOURCE_PORT,
        address_of("192.0.2.1", 52113));
    event_address(event_log, EF_SERVER_IP, EF_SERVER_PORT,
        address_of("::ffff:198.51.100.2", 443));
    event_address(event_log, EF_DESTINATION_IP, EF_DESTINATION_PORT,
        &(struct sockaddr){ .sa_family = AF_UNIX });
    event_end(event_log);
    read_one();
    assert_true(bytes_equal(text_of(EF_SOURCE_IP), BYTES("\xc0\0\x02\x01")));
    assert_int_equal(number_of(EF_SOURCE_PORT), 52113);
    assert_true(bytes_equal(text_of(EF_SERVER_IP), BYTES("\xc6\x33\x64\x02")));
    assert_int_equal(number_of(EF_SERVER_PORT), 443);
    assert_false(event_set_has(&view.has, EF_DESTINATION_IP));
    assert_false(event_set_has(&view.has, EF_DESTINATION_PORT));
    ipc_done(&message);
}

/* --- a pipe that nobody empties --- */

static void
write_events(unsigned count)
{
    char text[1024];

    memset(text, 'x', sizeof(text));
    while (count-- > 0) {
        event_begin(event_log, EVENT_REQUEST_FORWARDED);
        event_text(event_log, EF_URL_PATH, bytes_of(text, sizeof(text)));
        event_end(event_log);
    }
}

/* Adds up events, and what is missing before them. */
static void
count_message(unsigned *events, unsigned *dropped)
{
    uint64_t first = ipc_get_u64(&message);

    assert_true(first >= expected);
    *dropped += (unsigned)(first - expected);
    for (expected = first; !ipc_at_end(&message); expected++) {
        assert_true(event_read(ipc_get_bytes(&message), &view));
        *events += 1;
    }
    ipc_done(&message);
}

/* Reads all that is there. */
static void
count_events(unsigned *events, unsigned *dropped)
{
    while (ipc_receive(reader, 0, &message) == IPC_DONE)
        count_message(events, dropped);
}

static void
a_new_channel_learns_where_the_sender_stands(void **state)
{
    unsigned events = 0, dropped = 0;

    (void)state;
    write_events(3);
    event_flush(event_log);
    close(reader); /* unread */
    connect_log();
    event_flush(event_log);
    assert_false(event_log_is_pending(event_log));
    count_events(&events, &dropped);
    assert_int_equal(events, 0);
    assert_int_equal(dropped, 3);
}

static void
a_full_pipe_is_counted_and_reported_not_waited_for(void **state)
{
    enum { WRITTEN = 4000 };
    unsigned events = 0, dropped = 0;

    (void)state;
    write_events(WRITTEN);
    event_flush(event_log);
    count_events(&events, &dropped);
    assert_true(events > 0 && events < WRITTEN);
    event_flush(event_log);
    count_events(&events, &dropped);
    assert_true(dropped > 0);
    assert_int_equal(events + dropped, WRITTEN);
}

static void
a_loss_is_seen_once(void **state)
{
    unsigned events = 0, dropped = 0;

    (void)state;
    write_events(4000);
    for (int i = 0; i < 3; i++) {
        count_events(&events, &dropped);
        event_flush(event_log);
    }
    count_events(&events, &dropped);
    assert_int_equal(events + dropped, 4000);

    dropped = 0;
    write_events(1);
    event_flush(event_log);
    count_events(&events, &dropped);
    assert_int_equal(dropped, 0);
}

static void
what_waits_leaves_through_the_next_channel(void **state)
{
    unsigned events = 0, dropped = 0;

    (void)state;
    close(reader);
    write_events(3);
    event_flush(event_log);
    write_events(4);
    event_flush(event_log);
    connect_log();
    event_flush(event_log);
    count_events(&events, &dropped);
    assert_int_equal(events, 7);
    assert_int_equal(dropped, 0);
}

static void
without_a_channel_events_are_kept_then_counted(void **state)
{
    enum { WRITTEN = 1000 };
    unsigned events = 0, dropped = 0;

    (void)state;
    close(reader);
    event_flush(event_log);
    write_events(WRITTEN);
    connect_log();
    for (int i = 0; i < 3; i++) {
        event_flush(event_log);
        count_events(&events, &dropped);
    }
    assert_true(events > 50);
    assert_int_equal(events + dropped, WRITTEN);
}

static void
the_last_flush_waits_for_a_reader(void **state)
{
    unsigned events = 0, dropped = 0;
    pid_t child;

    (void)state;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_events(1000);
        event_flush_last(event_log, 60000);
        _exit(0);
    }
    event_log_free(&event_log);
    event_log = event_log_new("test");
    while (ipc_receive(reader, -1, &message) == IPC_DONE)
        count_message(&events, &dropped);
    assert_int_equal(events + dropped, 1000);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
the_last_flush_does_not_wait_for_ever(void **state)
{
    unsigned events = 0, dropped = 0;

    (void)state;
    write_events(4000);
    event_flush_last(event_log, 1);
    for (int i = 0; i < 3; i++) {
        count_events(&events, &dropped);
        event_flush(event_log);
    }
    assert_int_equal(events + dropped, 4000);
}

/* --- mistakes of a programmer --- */

static void
a_field_of_another_type(void)
{
    event_begin(event_log, EVENT_STARTED);
    event_number(event_log, EF_URL_PATH, 1);
}

static void
a_field_twice(void)
{
    event_begin(event_log, EVENT_STARTED);
    event_number(event_log, EF_HTTP_STATUS, 200);
    event_number(event_log, EF_HTTP_STATUS, 200);
}

static void
a_field_outside_an_event(void)
{
    event_number(event_log, EF_HTTP_STATUS, 200);
}

static void
an_event_inside_an_event(void)
{
    event_begin(event_log, EVENT_STARTED);
    event_begin(event_log, EVENT_STARTED);
}

static void
an_end_without_a_beginning(void)
{
    event_end(event_log);
}

static void
a_list_that_logd_writes(void)
{
    event_begin(event_log, EVENT_STARTED);
    event_address(event_log, EF_RELATED_IP, EF_COUNT, address_of("192.0.2.1", 1));
}

static void
mistakes_end_the_process(void **state)
{
    static void (*const mistakes[])(void) = { a_field_of_another_type, a_field_twice,
        a_field_outside_an_event, an_event_inside_an_event, an_end_without_a_beginning,
        a_list_that_logd_writes };

    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            close(STDERR_FILENO);
            signal(SIGABRT, SIG_DFL);
            mistakes[i]();
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

/* --- mistakes of an enemy --- */

/* The bytes of one good event with one field of each kind. */
static struct bytes
good_event(char *to, size_t room)
{
    struct bytes raw;

    event_begin(event_log, EVENT_REQUEST_BLOCKED);
    event_fault(event_log, FAULT_HTTP_TWO_LENGTHS);
    event_number(event_log, EF_HTTP_STATUS, 400);
    event_flag(event_log, EF_TLS_RESUMED, true);
    event_address(event_log, EF_SOURCE_IP, EF_COUNT, address_of("192.0.2.1", 1));
    event_string(event_log, EF_URL_DOMAIN, "mail.example");
    event_end(event_log);
    event_flush(event_log);
    assert_int_equal(ipc_receive(reader, 0, &message), IPC_DONE);
    (void)ipc_get_u64(&message);
    raw = ipc_get_bytes(&message);
    assert_true(raw.length <= room);
    memcpy(to, raw.at, raw.length);
    raw.at = to;
    ipc_done(&message);
    return raw;
}

static void
half_an_event_is_refused(void **state)
{
    char room[256];
    struct bytes raw = good_event(room, sizeof(room));
    unsigned whole = 0;

    (void)state;
    assert_true(event_read(raw, &view));
    for (size_t length = 0; length < raw.length; length++) {
        /* a copy of its own, so that a sanitizer sees one byte too many */
        char *piece = malloc(length + 1);

        memcpy(piece, raw.at, length);
        whole += event_read(bytes_of(piece, length), &view);
        free(piece);
    }
    assert_int_equal(whole, 5); /* where it ends between two fields */
}

static void
expect_refused(const char *what, const void *at, size_t length)
{
    if (event_read(bytes_of(at, length), &view))
        fail_msg("%s was taken", what);
}

static void
what_event_c_never_writes_is_refused(void **state)
{
    char room[256], twice[512];
    struct bytes raw = good_event(room, sizeof(room));
    uint8_t bad[32] = { 0 };
    size_t head = EVENT_WIRE_HEAD;

    (void)state;
    memcpy(twice, raw.at, raw.length);
    memcpy(twice + raw.length, raw.at + head, raw.length - head);
    expect_refused("a field twice", twice, 2 * raw.length - head);

    bad[0] = EVENT_COUNT;
    expect_refused("an unknown event", bad, head);
    bad[0] = 0, bad[2] = 2;
    expect_refused("an unknown flag", bad, head);
    bad[2] = 0, bad[head] = EF_COUNT;
    expect_refused("an unknown field", bad, head + 9);
    bad[head] = EF_REASON;
    expect_refused("no fault", bad, head + 3);
    bad[head + 1] = 0xff, bad[head + 2] = 0xff;
    expect_refused("an unknown fault", bad, head + 3);
    bad[head] = EF_TLS_RESUMED, bad[head + 1] = 2;
    expect_refused("a flag that is no flag", bad, head + 2);
    bad[head] = EF_SOURCE_IP, bad[head + 1] = 5;
    expect_refused("an address of five bytes", bad, head + 7);
    bad[head] = EF_RELATED_IP, bad[head + 1] = 4;
    expect_refused("a list of addresses", bad, head + 6);
    bad[head] = EF_HTTP_VERSION, bad[head + 1] = 9, bad[head + 2] = 0;
    expect_refused("a text over its limit", bad, head + 12);
    bad[head + 1] = 0;
    expect_refused("an empty text", bad, head + 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_at_its_limit_arrives),
        TEST(every_event_arrives_with_its_time),
        TEST(a_long_text_is_cut_and_the_event_says_so),
        TEST(what_is_empty_is_left_out),
        TEST(an_address_is_two_fields),
        TEST(a_full_pipe_is_counted_and_reported_not_waited_for),
        TEST(a_new_channel_learns_where_the_sender_stands),
        TEST(a_loss_is_seen_once),
        TEST(what_waits_leaves_through_the_next_channel),
        TEST(without_a_channel_events_are_kept_then_counted),
        TEST(the_last_flush_waits_for_a_reader),
        TEST(the_last_flush_does_not_wait_for_ever),
        TEST(mistakes_end_the_process),
        TEST(half_an_event_is_refused),
        TEST(what_event_c_never_writes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
