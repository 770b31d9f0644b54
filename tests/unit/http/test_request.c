/*
 * tests/unit/http/test_request.c - what a good request head means.
 *
 * What is refused, and with which fault, is in tests/conformance.
 */
#include "http_test.h"

#include "http/head.h"

#define HOST "Host: mail.example.com\r\n"

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
    assert_int_equal(chunk_pool_lent(), 0);
    return 0;
}

static enum fault
parse(const char *raw)
{
    return http_request_parse(bytes_of_string(raw), &test_limits, &arena, &head, &note);
}

static void
parts_are_told_as_received(void **state)
{
    (void)state;
    assert_fault(
        parse("RPC_IN_DATA /rpc/x?a=b HTTP/1.1\r\nhOSt:  Mail.Example.COM:8443 \r\n"
              "X-Case:\tKept Here\t\r\n\r\n"),
        FAULT_NONE);
    assert_bytes(head.method, "RPC_IN_DATA");
    assert_int_equal(head.method_id, HTTP_METHOD_OTHER);
    assert_bytes(head.target, "/rpc/x?a=b");
    assert_bytes(head.authority.host, "mail.example.com");
    assert_int_equal(head.authority.port, 8443);
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.field_count, 2);
    assert_bytes(head.fields[0].name, "hOSt");
    assert_bytes(head.fields[0].value, "Mail.Example.COM:8443");
    assert_int_equal(head.fields[0].id, FIELD_HOST);
    assert_bytes(head.fields[1].name, "X-Case");
    assert_bytes(head.fields[1].value, "Kept Here");
    assert_int_equal(head.fields[1].id, FIELD_OTHER);
    assert_string_equal(note.text, "");
}

static void
methods_are_known_by_their_exact_name(void **state)
{
    (void)state;
    assert_fault(parse("DELETE / HTTP/1.1\r\n" HOST "\r\n"), FAULT_NONE);
    assert_int_equal(head.method_id, HTTP_METHOD_DELETE);
    assert_fault(parse("delete / HTTP/1.1\r\n" HOST "\r\n"), FAULT_NONE);
    assert_int_equal(head.method_id, HTTP_METHOD_OTHER);
    assert_fault(parse("CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\n"), FAULT_NONE);
    assert_int_equal(head.method_id, HTTP_METHOD_CONNECT);
    assert_bytes(head.target, "a.example:443");
    assert_fault(parse("TRACE / HTTP/1.1\r\n" HOST "\r\n"), FAULT_NONE);
    assert_int_equal(head.method_id, HTTP_METHOD_TRACE);
}

static void
absolute_form_becomes_origin_form(void **state)
{
    static const struct {
        const char *line, *target;
    } rows[] = {
        { "GET https://mail.example.com/a?b", "/a?b" },
        { "GET HTTP://MAIL.example.com", "/" },
        { "GET http://mail.example.com?a=b", "/?a=b" },
        { "OPTIONS http://mail.example.com", "*" },
        { "OPTIONS http://mail.example.com/", "/" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char raw[256];

        snprintf(raw, sizeof raw, "%s HTTP/1.1\r\n" HOST "\r\n", rows[i].line);
        assert_fault(parse(raw), FAULT_NONE);
        assert_bytes(head.target, rows[i].target);
    }
}

/* RFC 9110, 4.2.3: a port that is the scheme's own may be written or not. */
static void
absolute_form_may_write_the_port_out(void **state)
{
    static const struct {
        const char *origin, *host;
        enum fault fault;
    } rows[] = {
        { "https://mail.example.com:443", "mail.example.com", FAULT_NONE },
        { "https://mail.example.com", "mail.example.com:443", FAULT_NONE },
        { "http://mail.example.com:80", "mail.example.com", FAULT_NONE },
        { "http://Mail.example.com.:80", "mail.example.COM", FAULT_NONE },
        { "https://mail.example.com:8443", "mail.example.com:8443", FAULT_NONE },
        { "https://[2001:db8::1]:443", "[2001:DB8::1]", FAULT_NONE },
        { "https://mail.example.com:80", "mail.example.com",
            FAULT_HTTP_AUTHORITY_FOREIGN },
        { "http://mail.example.com:443", "mail.example.com",
            FAULT_HTTP_AUTHORITY_FOREIGN },
        { "https://mail.example.com:8443", "mail.example.com",
            FAULT_HTTP_AUTHORITY_FOREIGN },
        { "https://mail.example.com:443", "mail.example.com:80",
            FAULT_HTTP_AUTHORITY_FOREIGN },
        { "https://mail.example.com:", "mail.example.com",
            FAULT_HTTP_AUTHORITY_FOREIGN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char raw[256];

        snprintf(raw, sizeof raw, "GET %s/ HTTP/1.1\r\nHost: %s\r\n\r\n",
            rows[i].origin, rows[i].host);
        if (parse(raw) != rows[i].fault)
            fail_msg("%s of %s", rows[i].origin, rows[i].host);
    }
}

static void
an_authority_is_read_in_parts(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port;
    } rows[] = {
        { "mail.example.com", "mail.example.com", 0 },
        { "mail.example.com.", "mail.example.com", 0 },
        { "Mail.example.com.:443", "Mail.example.com", 443 },
        { "mail:08443", "mail", 8443 },
        { "192.0.2.1:80", "192.0.2.1", 80 },
        { "[2001:db8::1]", "[2001:db8::1]", 0 },
        { "[2001:db8::1]:65535", "[2001:db8::1]", 65535 },
    };
    static const char *const wrong[] = { "", ".", "..", "mail..", ".mail", "192.0.2.1.",
        "mail:", "mail:0", "mail:65536", "mail:443:80", "[::1", "[::1]443", "::1",
        "u@mail", "mail/" };
    struct http_authority authority;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(http_authority_read(bytes_of_string(rows[i].text), &authority));
        assert_bytes(authority.host, rows[i].host);
        assert_int_equal(authority.port, rows[i].port);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (http_authority_read(bytes_of_string(wrong[i]), &authority))
            fail_msg("%s was read", wrong[i]);
}

static void
framing_follows_the_fields(void **state)
{
    (void)state;
    assert_fault(parse("GET / HTTP/1.1\r\n" HOST "\r\n"), FAULT_NONE);
    assert_int_equal(head.framing.kind, HTTP_NO_BODY);
    assert_fault(
        parse("POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n"),
        FAULT_NONE);
    assert_int_equal(head.framing.kind, HTTP_LENGTH);
    assert_true(head.framing.length == INT64_MAX);
    assert_fault(parse("POST / HTTP/1.1\r\n" HOST "transfer-encoding: Chunked\r\n\r\n"),
        FAULT_NONE);
    assert_int_equal(head.framing.kind, HTTP_CHUNKED);
}

static bool
keeps_alive(const char *version, const char *fields)
{
    char raw[256];

    snprintf(raw, sizeof raw, "GET / %s\r\n" HOST "%s\r\n", version, fields);
    assert_fault(parse(raw), FAULT_NONE);
    return head.keep_alive;
}

static void
connections_persist_as_rfc_9112_says(void **state)
{
    (void)state;
    assert_true(keeps_alive("HTTP/1.1", ""));
    assert_false(keeps_alive("HTTP/1.1", "Connection: close\r\n"));
    assert_false(keeps_alive("HTTP/1.1", "Connection: TE, Close\r\n"));
    assert_false(keeps_alive("HTTP/1.1", "Connection: TE\r\nConnection: close\r\n"));
    assert_true(keeps_alive("HTTP/1.1", "Connection: closed\r\n"));
    assert_false(keeps_alive("HTTP/1.0", ""));
    assert_true(keeps_alive("HTTP/1.0", "Connection: Keep-Alive\r\n"));
    assert_false(keeps_alive("HTTP/1.0", "Connection: keep-alive, close\r\n"));
}

static bool
upgrades(const char *line, const char *fields)
{
    char raw[512];

    snprintf(raw, sizeof raw, "%s\r\n" HOST "%s\r\n", line, fields);
    assert_fault(parse(raw), FAULT_NONE);
    return head.wants_websocket;
}

static void
only_a_whole_websocket_upgrade_counts(void **state)
{
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define GOOD "Connection: x, Upgrade\r\nUpgrade: WebSocket\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
    (void)state;
    assert_true(upgrades("GET / HTTP/1.1", GOOD KEY V13));
    assert_false(upgrades("GET / HTTP/1.0", GOOD KEY V13));
    assert_false(upgrades("POST / HTTP/1.1", GOOD KEY V13));
    assert_false(upgrades("GET / HTTP/1.1", GOOD KEY V13 "Content-Length: 1\r\n"));
    assert_false(upgrades("GET / HTTP/1.1", "Upgrade: websocket\r\n" KEY V13));
    assert_false(upgrades("GET / HTTP/1.1", "Connection: upgrade\r\n" KEY V13));
    assert_false(upgrades("GET / HTTP/1.1", GOOD V13));
    assert_false(upgrades("GET / HTTP/1.1", GOOD "Sec-WebSocket-Key:\r\n" V13));
    assert_false(upgrades("GET / HTTP/1.1", GOOD KEY));
    assert_false(upgrades("GET / HTTP/1.1", GOOD KEY "Sec-WebSocket-Version: 8\r\n"));
    assert_false(upgrades("GET / HTTP/1.1", GOOD "Upgrade: websocket\r\n" KEY V13));
    assert_false(upgrades("GET / HTTP/1.1", GOOD "Upgrade: h2c\r\n" KEY V13));
    assert_false(
        upgrades("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n" KEY V13));
    assert_false(upgrades("GET / HTTP/1.1",
        "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n" KEY V13));
}

static bool
authenticates_connection(const char *field)
{
    char raw[512];

    snprintf(raw, sizeof raw, "GET / HTTP/1.1\r\n" HOST "%s\r\n\r\n", field);
    assert_fault(parse(raw), FAULT_NONE);
    return head.carries_connection_auth;
}

/* Missing one of these would hand one user's mailbox to another. */
static void
connection_bound_authentication_is_seen(void **state)
{
    (void)state;
    assert_true(authenticates_connection("Authorization: NTLM TlRMTVNTUAAB"));
    assert_true(authenticates_connection("Authorization: ntlm TlRMTVNTUAAB"));
    assert_true(authenticates_connection("authorization: Negotiate YII="));
    assert_true(authenticates_connection("Authorization: NEGOTIATE YII="));
    assert_true(authenticates_connection("Authorization: Nego2 YII="));
    assert_true(authenticates_connection("Authorization: NegoExtender YII="));
    assert_true(authenticates_connection("Authorization: Kerberos YII="));
    assert_true(authenticates_connection("Authorization: NTLM"));
    assert_true(authenticates_connection("Proxy-Authorization: NTLM TlRM"));
    assert_true(
        authenticates_connection("WWW-Authenticate: Basic realm=\"x\", Negotiate"));
    assert_true(authenticates_connection("Proxy-Authenticate: NTLM"));
    assert_false(authenticates_connection("Authorization: Basic TlRMTTpOVExN"));
    assert_false(authenticates_connection("Authorization: Bearer NTLM"));
    assert_false(authenticates_connection("X-Authorization: NTLM x"));
    assert_false(authenticates_connection("Authorization:"));
}

static void
expectation_needs_http_1_1(void **state)
{
    (void)state;
    assert_fault(parse("POST / HTTP/1.1\r\n" HOST
                       "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n"),
        FAULT_NONE);
    assert_true(head.expects_continue);
    assert_fault(parse("GET / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\n\r\n"),
        FAULT_NONE);
    assert_false(head.expects_continue);
}

/* RFC 9110, 10.1.1: there is nothing to go on with. */
static void
expectation_needs_a_body(void **state)
{
    static const char *const framings[] = { "", "Content-Length: 0\r\n" };

    (void)state;
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        char raw[256];

        snprintf(raw, sizeof raw,
            "POST / HTTP/1.1\r\n" HOST "%sExpect: 100-continue\r\n\r\n", framings[i]);
        assert_fault(parse(raw), FAULT_NONE);
        assert_false(head.expects_continue);
    }
    assert_fault(parse("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
                       "Expect: 100-continue\r\n\r\n"),
        FAULT_NONE);
    assert_true(head.expects_continue);
}

static void
a_refusal_tells_what_was_understood(void **state)
{
    (void)state;
    assert_fault(parse("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5x\r\n\r\n"),
        FAULT_HTTP_LENGTH);
    assert_bytes(head.method, "POST");
    assert_bytes(head.target, "/x");
    assert_bytes(head.authority.host, "mail.example.com");
    assert_string_equal(note.text, "Content-Length: a text of 2 bytes");
}

/* A note goes into the log: a secret that stands in a broken field must not. */
static void
notes_tell_names_and_no_secrets(void **state)
{
    (void)state;
    assert_fault(parse("GET / HTTP/1.1\r\n" HOST "Cookie: secret=\x01\r\n\r\n"),
        FAULT_HTTP_FIELD_VALUE);
    assert_string_equal(note.text, "field Cookie");
    assert_fault(parse("GET http://u:secret@b.example/ HTTP/1.1\r\n" HOST "\r\n"),
        FAULT_HTTP_AUTHORITY_FOREIGN);
    assert_string_equal(note.text, "target for: a text of 18 bytes");
    assert_fault(parse("GET / HTTP/1.1\r\nHost: u:secret@b.example\r\n\r\n"),
        FAULT_HTTP_HOST);
    assert_string_equal(note.text, "Host: a text of 18 bytes");
}

static void
lists_are_searched_in_all_fields(void **state)
{
    (void)state;
    assert_fault(parse("GET / HTTP/1.1\r\n" HOST "TE: a ,b\r\nTE:\tTrailers\r\n\r\n"),
        FAULT_NONE);
    assert_true(http_head_lists(&head, FIELD_TE, BYTES("trailers")));
    assert_true(http_head_lists(&head, FIELD_TE, BYTES("A")));
    assert_false(http_head_lists(&head, FIELD_TE, BYTES("trail")));
    assert_false(http_head_lists(&head, FIELD_CONNECTION, BYTES("a")));
    assert_bytes(http_head_field(&head, FIELD_TE)->value, "a ,b");
    assert_null(http_head_field(&head, FIELD_COOKIE));
}

static void
memory_has_a_ceiling(void **state)
{
    (void)state;
    arena_init(&arena, 64);
    assert_fault(parse("GET / HTTP/1.1\r\n" HOST "\r\n"), FAULT_MEMORY);
}

static void
bytes_that_are_no_head_are_refused(void **state)
{
    (void)state;
    assert_fault(parse(""), FAULT_HTTP_REQUEST_LINE);
    assert_fault(parse("\r\n\r\n"), FAULT_HTTP_REQUEST_LINE);
    assert_fault(parse("GET / HTTP/1.1\r\n" HOST), FAULT_HTTP_REQUEST_LINE);
    assert_fault(parse("GET / HTTP/1.1\r\n" HOST "\r\nX: y\r\n\r\n"),
        FAULT_HTTP_PARSERS_DISAGREE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parts_are_told_as_received),
        TEST(methods_are_known_by_their_exact_name),
        TEST(absolute_form_becomes_origin_form),
        TEST(absolute_form_may_write_the_port_out),
        TEST(an_authority_is_read_in_parts),
        TEST(framing_follows_the_fields),
        TEST(connections_persist_as_rfc_9112_says),
        TEST(only_a_whole_websocket_upgrade_counts),
        TEST(connection_bound_authentication_is_seen),
        TEST(expectation_needs_http_1_1),
        TEST(expectation_needs_a_body),
        TEST(a_refusal_tells_what_was_understood),
        TEST(notes_tell_names_and_no_secrets),
        TEST(lists_are_searched_in_all_fields),
        TEST(memory_has_a_ceiling),
        TEST(bytes_that_are_no_head_are_refused),
    };

    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
