/*
 * tests/unit/log/test_ecs.c - one event, one line: right, in order, and unbreakable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "log/ecs.h"
#include "log/json.h"
#include "strict_json.h"

static struct ecs *ecs;
static struct event_view view;
static char line[ECS_LINE_BYTES];
static size_t length;

static void
write_view(void)
{
    length = ecs_write(ecs, &view, line);
    assert_true(length > 0 && length <= ECS_LINE_BYTES);
    assert_int_equal(line[length - 1], '\n');
    line[length - 1] = '\0';
    if (!json_is_strict(bytes_of(line, length - 1)))
        fail_msg("no JSON: %s", line);
}

static void
begin_view(enum event_id id)
{
    event_view_init(&view, id);
    view.wall_ns = 1795335303412999999; /* 2026-11-22T08:15:03.412Z */
}

static void
set_text(enum event_field field, const char *text)
{
    event_view_set_text(&view, field, bytes_of_string(text));
}

static void
set_ip(enum event_field field, struct bytes raw)
{
    event_set_add(&view.has, field);
    view.values[field].text = raw;
}

static void
set_fault(enum fault fault)
{
    event_set_add(&view.has, EF_REASON);
    view.fault = fault;
}

/* Every field, each text as long as it may be and made of `byte`. */
static void
fill_view(char byte)
{
    static char text[8192];

    memset(text, byte, sizeof(text));
    set_fault(FAULT_UPSTREAM_CERT_EXPIRED);
    for (unsigned i = 0; i < EF_COUNT; i++) {
        enum event_field field = (enum event_field)i;

        if (event_type_is_text(event_field_table[i].type))
            event_view_set_text(&view, field,
                bytes_of(text, event_field_table[i].limit));
        else if (event_field_table[i].type == EVENT_IS_NUMBER ||
            event_field_table[i].type == EVENT_IS_FLAG)
            event_view_set_number(&view, field, UINT64_MAX);
        else if (event_field_table[i].type == EVENT_IS_IP)
            set_ip(field,
                BYTES("\xfe\xdc\xba\x98\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                      "\xff"));
    }
}

/* --- the table --- */

/* True when `a` and `b` agree in their first `depth` parts. */
static bool
share(const char *a, const char *b, unsigned depth)
{
    while (*a != '\0' && *a == *b) {
        depth -= *a == '.';
        if (depth == 0)
            return true;
        a++, b++;
    }
    return false;
}

static void
fields_of_one_object_stand_together(void **state)
{
    (void)state;
    for (unsigned depth = 1; depth < 5; depth++)
        for (unsigned i = 0; i < EF_COUNT; i++)
            for (unsigned k = i + 2; k < EF_COUNT; k++)
                if (share(event_field_table[i].name, event_field_table[k].name,
                        depth) &&
                    !share(event_field_table[i].name, event_field_table[k - 1].name,
                        depth))
                    fail_msg("%s is parted from %s", event_field_table[k].name,
                        event_field_table[i].name);
}

static void
the_line_follows_the_table(void **state)
{
    const char *at = line;

    (void)state;
    begin_view(EVENT_REQUEST_BLOCKED);
    fill_view('x');
    view.values[EF_URL_ORIGINAL].text.length = 100;
    view.values[EF_URL_PATH].text.length = 100;
    view.cut = true;
    write_view();
    for (unsigned i = 0; i < EF_COUNT; i++) {
        const char *name = strrchr(event_field_table[i].name, '.') + 1;
        char key[64];

        snprintf(key, sizeof(key), "\"%s\":", name);
        at = strstr(at, key);
        if (at == NULL)
            fail_msg("%s is not in its place", event_field_table[i].name);
        at++;
    }
}

static void
each_event_is_a_line(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EVENT_COUNT; i++) {
        char action[80];

        begin_view((enum event_id)i);
        write_view();
        snprintf(action, sizeof(action), "\"action\":\"%s\",\"outcome\":\"%s\"",
            event_table[i].action, event_table[i].outcome);
        assert_non_null(strstr(line, action));
    }
}

/* --- the words --- */

static void
a_request_looks_like_this(void **state)
{
    (void)state;
    begin_view(EVENT_REQUEST_BLOCKED);
    set_fault(FAULT_URL_DOUBLE_ENCODED);
    set_text(EF_REQUEST_ID, "01JD9Z6Q3R8F2");
    event_view_set_number(&view, EF_DURATION, 210000);
    set_ip(EF_SOURCE_IP, BYTES("\xc6\x33\x64\x07"));
    event_view_set_number(&view, EF_SOURCE_PORT, 40112);
    set_text(EF_URL_DOMAIN, "mail.example.com");
    set_text(EF_URL_ORIGINAL, "/owa/%2570?token=abc");
    set_text(EF_HTTP_VERSION, "1.1");
    set_text(EF_HTTP_METHOD, "GET");
    event_view_set_number(&view, EF_HTTP_REQUEST_BODY, 0);
    event_view_set_number(&view, EF_HTTP_STATUS, 400);
    event_view_set_number(&view, EF_TLS_RESUMED, 1);
    set_text(EF_TLS_SERVER_NAME, "mail.example.com");
    set_ip(EF_DESTINATION_IP,
        BYTES("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"));
    set_text(EF_LISTENER, "public");
    event_view_set_number(&view, EF_UPSTREAM_TLS_RESUMED, 0);
    event_view_set_number(&view, EF_UPSTREAM_STATUS, 200);
    write_view();
    assert_string_equal(line,
        "{\"@timestamp\":\"2026-11-22T08:15:03.412Z\",\"ecs\":{\"version\":\"8.11.0\"},"
        "\"event\":{\"kind\":\"alert\",\"category\":[\"web\",\"intrusion_detection\"],"
        "\"type\":[\"access\",\"denied\"],\"action\":\"request-blocked\","
        "\"outcome\":\"failure\",\"reason\":\"url-double-encoded\","
        "\"id\":\"01JD9Z6Q3R8F2\",\"duration\":210000,\"severity\":6},"
        "\"source\":{\"ip\":\"198.51.100.7\",\"port\":40112},"
        "\"url\":{\"domain\":\"mail.example.com\",\"original\":\"/owa/"
        "%2570?token=***\"},"
        "\"http\":{\"version\":\"1.1\",\"request\":{\"method\":\"GET\","
        "\"body\":{\"bytes\":0}},\"response\":{\"status_code\":400}},"
        "\"tls\":{\"resumed\":true,\"client\":{\"server_name\":\"mail.example.com\"}},"
        "\"destination\":{\"ip\":\"2001:db8::1\"},\"log\":{\"level\":\"warning\"},"
        "\"related\":{\"ip\":[\"198.51.100.7\",\"2001:db8::1\"]},"
        "\"observer\":{\"type\":\"proxy\",\"product\":\"postern\",\"vendor\":"
        "\"postern\","
        "\"version\":\"" POSTERN_VERSION "\"},"
        "\"postern\":{\"listener\":\"public\",\"upstream\":{\"tls\":{\"resumed\":false}"
        ","
        "\"status\":200}}}");
}

static void
expect_outcome(enum event_id id, enum fault fault, const char *outcome,
    const char *level)
{
    char expected[64];

    begin_view(id);
    if (fault != FAULT_NONE)
        set_fault(fault);
    write_view();
    snprintf(expected, sizeof(expected), "\"outcome\":\"%s\"", outcome);
    assert_non_null(strstr(line, expected));
    snprintf(expected, sizeof(expected), "\"level\":\"%s\"", level);
    assert_non_null(strstr(line, expected));
    assert_int_equal(strstr(line, "\"reason\":") != NULL, fault != FAULT_NONE);
}

static void
the_fault_decides_outcome_and_level(void **state)
{
    (void)state;
    expect_outcome(EVENT_REQUEST_FORWARDED, FAULT_NONE, "success", "info");
    expect_outcome(EVENT_REQUEST_FORWARDED, FAULT_UPSTREAM_RESET, "failure", "error");
    expect_outcome(EVENT_CONNECTION_ENDED, FAULT_CLIENT_CLOSED, "success", "info");
    expect_outcome(EVENT_CONNECTION_ENDED, FAULT_CLIENT_SLOW_READ, "failure", "notice");
    expect_outcome(EVENT_REQUEST_BLOCKED, FAULT_NONE, "failure", "warning");
    expect_outcome(EVENT_CERTIFICATE_EXPIRING, FAULT_NONE, "success", "warning");
}

static void
expect_time(uint64_t seconds, const char *expected)
{
    begin_view(EVENT_STARTED);
    view.wall_ns = seconds * 1000000000 + 7000000;
    write_view();
    assert_memory_equal(line + sizeof("{\"@timestamp\":\"") - 1, expected,
        strlen(expected));
}

static void
the_calendar_is_right(void **state)
{
    (void)state;
    expect_time(0, "1970-01-01T00:00:00.007Z");
    expect_time(951782399, "2000-02-28T23:59:59.007Z");
    expect_time(951782400, "2000-02-29T00:00:00.007Z");
    expect_time(951868800, "2000-03-01T00:00:00.007Z");
    expect_time(1798761599, "2026-12-31T23:59:59.007Z");
    expect_time(4107542400, "2100-03-01T00:00:00.007Z");
    for (uint64_t seconds = 43200; seconds < 6000000000; seconds += 86400) {
        time_t at = (time_t)seconds;
        struct tm tm;
        char expected[32];

        gmtime_r(&at, &tm);
        strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.007Z", &tm);
        if (seconds % (86400 * 37) == 43200 || tm.tm_mday >= 28 || tm.tm_mday == 1)
            expect_time(seconds, expected);
    }
}

static void
a_number_fits_a_signed_long(void **state)
{
    (void)state;
    begin_view(EVENT_REQUEST_FORWARDED);
    event_view_set_number(&view, EF_DURATION, UINT64_MAX);
    write_view();
    assert_non_null(strstr(line, "\"duration\":9223372036854775807,"));
}

/* --- what an attacker writes --- */

static void
expect_escaped(struct bytes text, const char *expected)
{
    char inside[256];

    begin_view(EVENT_REQUEST_BLOCKED);
    event_view_set_text(&view, EF_USER_AGENT, text);
    write_view();
    snprintf(inside, sizeof(inside), "\"user_agent\":{\"original\":\"%s\"}", expected);
    if (strstr(line, inside) == NULL)
        fail_msg("%s is not in %s", inside, line);
}

static void
nothing_breaks_out_of_its_string(void **state)
{
    (void)state;
    expect_escaped(BYTES("a\"},\"event\":{\"action\":\"login\""),
        "a\\\"},\\\"event\\\":{\\\"action\\\":\\\"login\\\"");
    expect_escaped(BYTES("a\\"), "a\\\\");
    expect_escaped(BYTES("a\\\""), "a\\\\\\\"");
    expect_escaped(BYTES("a\r\n{\"@timestamp\""), "a\\u000d\\u000a{\\\"@timestamp\\\"");
    expect_escaped(BYTES("a\0b\x1b[2J\x7f"), "a\\u0000b\\u001b[2J\\u007f");
    expect_escaped(BYTES("long enough for eight at once\"x"),
        "long enough for eight at once\\\"x");
}

static void
what_is_no_utf8_stays_readable(void **state)
{
    (void)state;
    expect_escaped(BYTES("a\xff"
                         "b"),
        "a\\\\xffb");
    expect_escaped(BYTES("\xc0\xaf"), "\\\\xc0\\\\xaf");            /* overlong */
    expect_escaped(BYTES("\xe0\x80\xaf"), "\\\\xe0\\\\x80\\\\xaf"); /* overlong */
    expect_escaped(BYTES("\xf0\x80\x80\xaf"), "\\\\xf0\\\\x80\\\\x80\\\\xaf");
    expect_escaped(BYTES("\xed\xa0\x80"), "\\\\xed\\\\xa0\\\\x80"); /* surrogate */
    expect_escaped(BYTES("\xf4\x90\x80\x80"), "\\\\xf4\\\\x90\\\\x80\\\\x80");
    expect_escaped(BYTES("\xe2\x82"), "\\\\xe2\\\\x82"); /* cut off */
    expect_escaped(BYTES("\xe2\x82\""), "\\\\xe2\\\\x82\\\"");
    expect_escaped(BYTES("z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x93\xa7"),
        "z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x93\xa7");
}

static void
what_a_terminal_obeys_is_escaped(void **state)
{
    (void)state;
    expect_escaped(BYTES("\xe2\x80\xa8|\xe2\x80\xa9"), "\\u2028|\\u2029");
    expect_escaped(BYTES("\xc2\x9b"
                         "2J\xc2\x85"),
        "\\u009b2J\\u0085");
    expect_escaped(BYTES("\xe2\x80\xaetxt.exe\xef\xbb\xbf"), "\\u202etxt.exe\\ufeff");
}

static void
every_pair_of_bytes_makes_one_good_line(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 0x10000; i++) {
        char text[] = { 'a', (char)(i >> 8), (char)i, (char)0xbf, 'z' };

        begin_view(EVENT_REQUEST_BLOCKED);
        event_view_set_text(&view, EF_URL_DOMAIN, bytes_of(text, 1 + i % 5));
        event_view_set_text(&view, EF_URL_PATH, bytes_of(text, 5));
        write_view();
        assert_null(memchr(line, '\n', length - 1));
    }
}

static void
every_byte_is_escaped_amid_plain_text(void **state)
{
    char text[] = "0123456789012345678";

    (void)state;
    for (unsigned byte = 1; byte < 256; byte++)
        for (size_t at = 0; at < 8; at++) {
            memset(text, 'x', sizeof(text) - 1);
            text[8 + at] = (char)byte;
            begin_view(EVENT_REQUEST_BLOCKED);
            set_text(EF_USER_AGENT, text);
            write_view();
            assert_int_equal(strstr(line, text) != NULL,
                byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\');
        }
}

static void
lines_around_the_limit_are_whole(void **state)
{
    static char text[ECS_LINE_BYTES];
    size_t longest = 0;

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t bytes = 7000; bytes < sizeof(text); bytes++) {
        begin_view(EVENT_REQUEST_BLOCKED);
        event_view_set_text(&view, EF_URL_ORIGINAL, bytes_of(text, bytes));
        event_view_set_number(&view, EF_UPSTREAM_TLS_RESUMED, 1);
        write_view();
        if (strstr(line, "truncated") == NULL)
            longest = length;
    }
    assert_true(longest > ECS_LINE_BYTES - 100);
}

static void
the_largest_event_fits_whatever_it_holds(void **state)
{
    static const char worst[] = { '\0', '\xff', '"', 'x', '=', '%', '\xe2' };

    (void)state;
    for (size_t i = 0; i < sizeof(worst); i++) {
        begin_view(EVENT_REQUEST_BLOCKED);
        fill_view(worst[i]);
        view.cut = false;
        write_view();
        assert_non_null(strstr(line, "\"truncated\":true"));
    }
}

static void
a_url_full_of_secrets_fits(void **state)
{
    char query[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(query); i++)
        query[i] = "&pin=x"[i % 6];
    begin_view(EVENT_REQUEST_BLOCKED);
    fill_view('\0');
    event_view_set_text(&view, EF_URL_QUERY, bytes_of(query, 2048));
    event_view_set_text(&view, EF_URL_ORIGINAL, bytes_of(query, 4096));
    event_view_set_text(&view, EF_HTTP_REFERRER, bytes_of(query, 1024));
    write_view();
    assert_null(strstr(line, "pin=x"));
    assert_non_null(strstr(line, "\"truncated\":true"));
}

static void
the_mark_of_a_cut_is_there_only_after_a_cut(void **state)
{
    (void)state;
    begin_view(EVENT_STARTED);
    write_view();
    assert_null(strstr(line, "truncated"));
    begin_view(EVENT_STARTED);
    event_view_set_number(&view, EF_TRUNCATED, 1); /* a worker's word does not count */
    write_view();
    assert_null(strstr(line, "truncated"));
    begin_view(EVENT_STARTED);
    view.cut = true;
    write_view();
    assert_non_null(strstr(line, "\"postern\":{\"truncated\":true}"));
}

static int
make_ecs(void **state)
{
    (void)state;
    ecs = ecs_new();
    return 0;
}

static int
free_ecs(void **state)
{
    (void)state;
    ecs_free(&ecs);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_one_object_stand_together),
        cmocka_unit_test(the_line_follows_the_table),
        cmocka_unit_test(each_event_is_a_line),
        cmocka_unit_test(a_request_looks_like_this),
        cmocka_unit_test(the_fault_decides_outcome_and_level),
        cmocka_unit_test(the_calendar_is_right),
        cmocka_unit_test(a_number_fits_a_signed_long),
        cmocka_unit_test(nothing_breaks_out_of_its_string),
        cmocka_unit_test(what_is_no_utf8_stays_readable),
        cmocka_unit_test(what_a_terminal_obeys_is_escaped),
        cmocka_unit_test(every_pair_of_bytes_makes_one_good_line),
        cmocka_unit_test(every_byte_is_escaped_amid_plain_text),
        cmocka_unit_test(lines_around_the_limit_are_whole),
        cmocka_unit_test(the_largest_event_fits_whatever_it_holds),
        cmocka_unit_test(a_url_full_of_secrets_fits),
        cmocka_unit_test(the_mark_of_a_cut_is_there_only_after_a_cut),
    };

    return cmocka_run_group_tests(tests, make_ecs, free_ecs);
}
