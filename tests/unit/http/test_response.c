/*
 * tests/unit/http/test_response.c - what a good response head means.
 *
 * What is refused is in tests/conformance.
 */
#include "http_test.h"

#include "http/head.h"

static struct arena arena;
static struct http_head head;
static struct note note;

static int
setup(void **state)
{
    (void)state;
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

static enum fault
parse(const char *raw, enum http_method to)
{
    return http_response_parse(bytes_of_string(raw), to, &test_limits, &arena, &head,
        &note);
}

static enum http_framing_kind
framing_of(const char *raw, enum http_method to)
{
    assert_fault(parse(raw, to), FAULT_NONE);
    return head.framing.kind;
}

static void
status_line_is_told(void **state)
{
    (void)state;
    assert_fault(parse("HTTP/1.1 440 Login Timeout\r\nContent-Length: 0\r\n\r\n",
                     HTTP_METHOD_GET),
        FAULT_NONE);
    assert_int_equal(head.status, 440);
    assert_bytes(head.reason, "Login Timeout");
    assert_int_equal(head.minor, 1);
}

static void
framing_follows_rfc_9112(void **state)
{
#define CL "Content-Length: 7\r\n\r\n"
#define TE "Transfer-Encoding: chunked\r\n\r\n"
    (void)state;
    assert_int_equal(framing_of("HTTP/1.1 200 OK\r\n" CL, HTTP_METHOD_GET),
        HTTP_LENGTH);
    assert_int_equal(head.framing.length, 7);
    assert_int_equal(framing_of("HTTP/1.1 200 OK\r\n" TE, HTTP_METHOD_GET),
        HTTP_CHUNKED);
    assert_int_equal(framing_of("HTTP/1.1 200 OK\r\n\r\n", HTTP_METHOD_GET),
        HTTP_UNTIL_CLOSE);
    assert_int_equal(framing_of("HTTP/1.1 200 OK\r\n" CL, HTTP_METHOD_HEAD),
        HTTP_NO_BODY);
    assert_int_equal(framing_of("HTTP/1.1 200 OK\r\n" TE, HTTP_METHOD_HEAD),
        HTTP_NO_BODY);
    assert_int_equal(framing_of("HTTP/1.1 304 Not Modified\r\n" CL, HTTP_METHOD_GET),
        HTTP_NO_BODY);
    assert_int_equal(framing_of("HTTP/1.1 204 No Content\r\n\r\n", HTTP_METHOD_GET),
        HTTP_NO_BODY);
    assert_int_equal(framing_of("HTTP/1.1 100 Continue\r\n\r\n", HTTP_METHOD_GET),
        HTTP_NO_BODY);
    assert_int_equal(
        framing_of("HTTP/1.1 101 Switching Protocols\r\n\r\n", HTTP_METHOD_GET),
        HTTP_TUNNEL);
}

static void
what_ends_by_close_is_not_kept_alive(void **state)
{
    (void)state;
    assert_fault(parse("HTTP/1.1 200 OK\r\n\r\n", HTTP_METHOD_GET), FAULT_NONE);
    assert_false(head.keep_alive);
    assert_fault(parse("HTTP/1.1 101 X\r\n\r\n", HTTP_METHOD_GET), FAULT_NONE);
    assert_false(head.keep_alive);
    assert_fault(parse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_METHOD_GET),
        FAULT_NONE);
    assert_true(head.keep_alive);
    assert_fault(parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_METHOD_GET),
        FAULT_NONE);
    assert_false(head.keep_alive);
}

static void
challenges_that_bind_the_connection_are_seen(void **state)
{
    (void)state;
    assert_fault(
        parse("HTTP/1.1 401 X\r\nContent-Length: 0\r\n"
              "WWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: NTLM\r\n\r\n",
            HTTP_METHOD_GET),
        FAULT_NONE);
    assert_true(head.carries_connection_auth);
    assert_fault(parse("HTTP/1.1 401 X\r\nContent-Length: 0\r\n"
                       "WWW-Authenticate: Basic realm=\"NTLM\"\r\n\r\n",
                     HTTP_METHOD_GET),
        FAULT_NONE);
    assert_false(head.carries_connection_auth);
}

static void
the_note_tells_which_fault_it_was(void **state)
{
    (void)state;
    assert_fault(
        parse("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", HTTP_METHOD_GET),
        FAULT_UPSTREAM_MALFORMED);
    assert_string_equal(note.text, "http-length: Content-Length: a text of 2 bytes");
    assert_fault(parse("HTTP/2.0 200 OK\r\n\r\n", HTTP_METHOD_GET),
        FAULT_UPSTREAM_MALFORMED);
    assert_string_equal(note.text, "http-version");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(status_line_is_told),
        TEST(framing_follows_rfc_9112),
        TEST(what_ends_by_close_is_not_kept_alive),
        TEST(challenges_that_bind_the_connection_are_seen),
        TEST(the_note_tells_which_fault_it_was),
    };

    return cmocka_run_group_tests_name("response", tests, NULL, NULL);
}
