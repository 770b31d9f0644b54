/*
 * tests/unit/http/test_write.c - what is written, what is passed on, what is never.
 */
#include "http_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/write.h"

static struct chunk_queue queue;
static struct arena arena;

static int
setup(void **state)
{
    (void)state;
    chunk_queue_init(&queue, CHUNK_BYTES);
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    chunk_queue_clear(&queue);
    arena_clear(&arena);
    return 0;
}

static void
heads_are_written_canonically(void **state)
{
    (void)state;
    http_write_request_line(&queue, BYTES("GET"), BYTES("/a?b"));
    http_write_field(&queue, BYTES("hOst"), BYTES("x"));
    http_write_field(&queue, BYTES("Empty"), BYTES(""));
    http_write_framing(&queue, (struct http_framing){ .kind = HTTP_CHUNKED });
    http_write_end(&queue);
    assert_bytes(test_take_all(&queue, &arena),
        "GET /a?b HTTP/1.1\r\nhOst: x\r\nEmpty: \r\nTransfer-Encoding: "
        "chunked\r\n\r\n");

    http_write_status_line(&queue, 204, BYTES(""));
    http_write_framing(&queue, (struct http_framing){ .kind = HTTP_NO_BODY });
    http_write_framing(&queue, (struct http_framing){ .kind = HTTP_UNTIL_CLOSE });
    http_write_framing(&queue, (struct http_framing){ .kind = HTTP_LENGTH });
    http_write_framing(&queue,
        (struct http_framing){ .kind = HTTP_LENGTH, .length = UINT64_MAX });
    assert_bytes(test_take_all(&queue, &arena),
        "HTTP/1.1 204 \r\nContent-Length: 0\r\nContent-Length: "
        "18446744073709551615\r\n");
}

static void
a_field_may_span_chunks(void **state)
{
    static char value[CHUNK_BYTES + 100];
    struct bytes all;

    (void)state;
    memset(value, 'v', sizeof value);
    http_write_field(&queue, BYTES("A"), bytes_of(value, sizeof value));
    all = test_take_all(&queue, &arena);
    assert_int_equal(all.length, sizeof value + 5);
    assert_memory_equal(all.at, "A: v", 4);
    assert_memory_equal(all.at + all.length - 3, "v\r\n", 3);
}

static bool
dies(void (*act)(void))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        close(STDERR_FILENO); /* the line it dies with is not this test's */
        signal(SIGABRT, SIG_DFL);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
split_value(void)
{
    http_write_field(&queue, BYTES("A"), BYTES("b\r\nSet-Cookie: evil"));
}

static void
split_value_by_nul(void)
{
    http_write_field(&queue, BYTES("A"), BYTES("b\0c"));
}

static void
split_name(void)
{
    http_write_field(&queue, BYTES("A\r\nB"), BYTES("c"));
}

static void
split_target(void)
{
    http_write_request_line(&queue, BYTES("GET"), BYTES("/ HTTP/1.1\r\nX:"));
}

static void
split_reason(void)
{
    http_write_status_line(&queue, 200, BYTES("OK\nX: y"));
}

static void
nobody_can_split_a_head(void **state)
{
    (void)state;
    assert_true(dies(split_value));
    assert_true(dies(split_value_by_nul));
    assert_true(dies(split_name));
    assert_true(dies(split_target));
    assert_true(dies(split_reason));
}

/* The names that pass, one behind the other. */
static const char *
forwarded(const char *fields, bool is_request)
{
    static char names[512];
    struct http_head head;
    char raw[1024];

    names[0] = '\0';
    snprintf(raw, sizeof raw, "GET / HTTP/1.1\r\nHost: a.example\r\n%s\r\n", fields);
    assert_fault(
        http_request_parse(bytes_of_string(raw), &test_limits, &arena, &head, NULL),
        FAULT_NONE);
    for (unsigned i = 1; i < head.field_count; i++)
        if (http_field_is_forwarded(&head, &head.fields[i], is_request)) {
            strncat(names, head.fields[i].name.at, head.fields[i].name.length);
            strcat(names, " ");
        }
    return names;
}

static void
hop_by_hop_fields_end_here(void **state)
{
    (void)state;
    assert_string_equal(
        forwarded("Connection: close\r\nKeep-Alive: 5\r\nTE: x\r\nTrailer: x\r\n"
                  "Upgrade: x\r\nProxy-Authorization: x\r\n"
                  "Proxy-Connection: x\r\nContent-Length: 0\r\nA: b\r\n",
            true),
        "A ");
}

static void
connection_names_fields_away_but_not_ours(void **state)
{
    (void)state;
    assert_string_equal(
        forwarded(
            "Connection: a, X-B ,Cookie,authorization, Content-Type\r\nA: 1\r\n"
            "x-b: 2\r\nCookie: c\r\nAuthorization: d\r\nContent-Type: e\r\nF: g\r\n",
            true),
        "Cookie Authorization Content-Type F ");
}

static void
identity_is_ours_to_tell(void **state)
{
    const char *fields = "X-Forwarded-For: ::1\r\nx-real-ip: ::1\r\nForwarded: x\r\n"
                         "X-Original-URL: /a\r\nProxy: x\r\nX-Request-ID: 1\r\n";

    (void)state;
    assert_string_equal(forwarded(fields, true), "");
    assert_string_equal(forwarded(fields, false),
        "X-Forwarded-For x-real-ip Forwarded X-Original-URL Proxy X-Request-ID ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(heads_are_written_canonically),
        TEST(a_field_may_span_chunks),
        TEST(nobody_can_split_a_head),
        TEST(hop_by_hop_fields_end_here),
        TEST(connection_names_fields_away_but_not_ours),
        TEST(identity_is_ours_to_tell),
    };

    return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
