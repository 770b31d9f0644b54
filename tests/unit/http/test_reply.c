/*
 * tests/unit/http/test_reply.c - what clients are told, and what they are not.
 */
#include "http_test.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "http/reply.h"

static struct chunk_queue queue;
static struct arena arena;

static int
setup(void **state)
{
    (void)state;
    chunk_queue_init(&queue, CHUNK_BYTES);
    arena_init(&arena, 8 * 1024 * 1024);
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

/* The answer as a NUL-terminated string. */
static const char *
answer(struct http_reply reply)
{
    struct bytes all;

    if (reply.request_id.length == 0)
        reply.request_id = BYTES("0196f1c2-7a");
    http_reply_write(&reply, &queue);
    all = test_take_all(&queue, &arena);
    all = arena_print(&arena, "%.*s", BYTES_ARG(all));
    return all.at;
}

static const char *
body_of(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

static void
assert_has(const char *text, const char *part)
{
    require(text != NULL);
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in: %s", part, text);
}

static void
assert_lacks(const char *text, const char *part)
{
    require(text != NULL);
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" in: %s", part, text);
}

static void
clients_learn_what_they_can_mend(void **state)
{
    const char *text = answer((struct http_reply){ .fault = FAULT_HTTP_BARE_LF });

    (void)state;
    assert_has(text, "HTTP/1.1 400 Bad Request\r\n");
    assert_has(text, "There is an LF without CR.");
    assert_has(text, "http-bare-lf");
    assert_has(text, "0196f1c2-7a");
    assert_has(text, "Cache-Control: no-store\r\n");
    assert_has(text, "X-Content-Type-Options: nosniff\r\n");
    assert_has(text, "<html lang=\"en\">");
    assert_lacks(text, "<script");
    assert_lacks(text, "Connection:");
}

/* Neither a gate's rule nor an inner server's trouble is a stranger's business. */
static void
nothing_else_is_told(void **state)
{
    (void)state;
    for (unsigned i = 1; i < FAULT_COUNT; i++) {
        enum fault fault = (enum fault)i;
        const char *html, *json;

        if (fault_status(fault) == 0 || fault_who(fault) == FAULT_BY_CLIENT)
            continue;
        html = answer((struct http_reply){ .fault = fault });
        json = answer((struct http_reply){ .fault = fault, .as_json = true });
        assert_lacks(html, fault_text(fault) + 1);
        assert_lacks(json, fault_text(fault) + 1);
        assert_lacks(html, fault_reason(fault));
        assert_lacks(json, fault_reason(fault));
    }
}

/* Texts go into HTML and JSON unescaped; this is what allows it. */
static void
texts_and_reasons_need_no_escape(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        assert_null(strpbrk(fault_text((enum fault)i), "<>&\"\\\n"));
        assert_null(strpbrk(fault_reason((enum fault)i), "<>&\"\\\n"));
    }
}

static void
every_answer_is_small_and_says_its_length(void **state)
{
    (void)state;
    for (unsigned i = 1; i < FAULT_COUNT; i++)
        for (unsigned as_json = 0; as_json < 2; as_json++) {
            const char *text, *body;
            char length[64];

            if (fault_status((enum fault)i) == 0)
                continue;
            text = answer(
                (struct http_reply){ .fault = (enum fault)i, .as_json = as_json });
            body = body_of(text);
            snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
            assert_has(text, length);
            assert_in_range(strlen(text), 1, 3 * 1024);
        }
}

static void
json_is_a_problem(void **state)
{
    const char *text =
        answer((struct http_reply){ .fault = FAULT_HTTP_TARGET_LONG, .as_json = true });

    (void)state;
    assert_has(text, "Content-Type: application/problem+json\r\n");
    assert_string_equal(body_of(text),
        "{\"type\":\"about:blank\",\"title\":\"URI Too Long\",\"status\":414,"
        "\"detail\":\"The request target is too "
        "long.\",\"reason\":\"http-target-long\","
        "\"request_id\":\"0196f1c2-7a\"}\n");
}

static void
head_gets_the_length_and_no_body(void **state)
{
    const char *whole = answer((struct http_reply){ .fault = FAULT_HTTP_HOST });
    const char *text =
        answer((struct http_reply){ .fault = FAULT_HTTP_HOST, .head_only = true });
    char length[64];

    (void)state;
    assert_string_equal(body_of(text), "");
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body_of(whole)));
    assert_has(text, length);
}

static void
redirects_say_where_and_nothing_else(void **state)
{
    const char *text = answer((struct http_reply){ .status = 302,
        .location = BYTES("https://mail.example.com/a?b"),
        .close = true });

    (void)state;
    assert_has(text, "HTTP/1.1 302 Found\r\n");
    assert_has(text, "Location: https://mail.example.com/a?b\r\n");
    assert_has(text, "Connection: close\r\n");
    assert_has(text, "Content-Length: 0\r\n\r\n");
    assert_string_equal(body_of(text), "");
}

static void
a_refused_method_names_the_allowed(void **state)
{
    (void)state;
    assert_has(answer((struct http_reply){ .fault = FAULT_HTTP_METHOD_REFUSED,
                   .allow = BYTES("GET, POST") }),
        "Allow: GET, POST\r\n");
}

static void
an_odd_request_id_cannot_break_out(void **state)
{
    (void)state;
    assert_has(answer((struct http_reply){ .fault = FAULT_HTTP_HOST,
                   .request_id = BYTES("a<b>\"&\r\n\\c") }),
        "<dd>abc</dd>");
}

/* A browser computes this hash and drops the style if it differs. */
static void
the_policy_allows_the_style_and_only_it(void **state)
{
    const char *text = answer((struct http_reply){ .fault = FAULT_HTTP_HOST });
    const char *from = strstr(text, "<style>");
    const char *to = strstr(text, "</style>");
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char coded[64], source[128];

    (void)state;
    assert_non_null(from);
    assert_non_null(to);
    from += sizeof "<style>" - 1;
    SHA256((const unsigned char *)from, (size_t)(to - from), hash);
    EVP_EncodeBlock((unsigned char *)coded, hash, sizeof hash);
    snprintf(source, sizeof source, "default-src 'none'; style-src 'sha256-%s';",
        coded);
    assert_has(text, source);
}

static bool
wants_json(const char *fields)
{
    struct http_head head;
    struct bytes raw =
        arena_print(&arena, "GET / HTTP/1.1\r\nHost: a.example\r\n%s\r\n", fields);

    assert_fault(http_request_parse(raw, &test_limits, &arena, &head, NULL),
        FAULT_NONE);
    return http_wants_json(&head);
}

static void
scripts_get_json_and_people_a_page(void **state)
{
    (void)state;
    assert_false(wants_json(""));
    assert_false(wants_json("Accept: */*\r\n"));
    assert_false(wants_json("Accept: text/html,application/xml;q=0.9,*/*;q=0.8\r\n"));
    assert_true(wants_json("Accept: application/json\r\n"));
    assert_true(wants_json("Accept: application/problem+json, text/html;q=0.9\r\n"));
    assert_true(
        wants_json("Accept: text/html;q=0.1\r\nAccept: application/json;q=0.25\r\n"));
    assert_false(wants_json("Accept: application/json;q=0.5, text/html\r\n"));
    assert_false(wants_json("Accept: application/json;q=0\r\n"));
    assert_true(wants_json("X-Requested-With: XMLHttpRequest\r\n"));
    assert_true(wants_json("Accept: */*\r\nSec-Fetch-Dest: empty\r\n"));
    assert_false(wants_json("Sec-Fetch-Dest: document\r\n"));
    assert_false(
        wants_json("Accept: text/html\r\nX-Requested-With: XMLHttpRequest\r\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients_learn_what_they_can_mend),
        TEST(nothing_else_is_told),
        TEST(texts_and_reasons_need_no_escape),
        TEST(every_answer_is_small_and_says_its_length),
        TEST(json_is_a_problem),
        TEST(head_gets_the_length_and_no_body),
        TEST(redirects_say_where_and_nothing_else),
        TEST(a_refused_method_names_the_allowed),
        TEST(an_odd_request_id_cannot_break_out),
        TEST(the_policy_allows_the_style_and_only_it),
        TEST(scripts_get_json_and_people_a_page),
    };

    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
