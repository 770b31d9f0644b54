/*
 * tests/unit/http/test_url.c - the normal form, and what is odd about the original.
 *
 * What is refused, and with which fault, is in tests/conformance/paths_refused.c.
 */
#include "http_test.h"

#include "http/url.h"

static struct arena arena;
static struct url url;

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

static void
canonicalise(const char *target)
{
    assert_fault(url_canonicalise(bytes_of_string(target), &arena, &url), FAULT_NONE);
}

static void
targets_have_one_normal_form(void **state)
{
    static const struct {
        const char *target, *canonical, *decoded;
    } rows[] = {
        { "/", "/", "/" },
        { "*", "*", "*" },
        { "/a/b.c", "/a/b.c", "/a/b.c" },
        { "/%61%2D%5f%7e", "/a-_~", "/a-_~" },
        { "/%e4%bd%a0", "/%E4%BD%A0", "/\xe4\xbd\xa0" },
        { "/a%20b", "/a%20b", "/a b" },
        { "/a%3bb;c", "/a%3Bb;c", "/a;b;c" },
        { "/a%2fb", "/a%2Fb", "/a/b" },
        { "/100%25", "/100%25", "/100%" },
        { "/[1]", "/%5B1%5D", "/[1]" },
        { "/a/./b", "/a/b", "/a/b" },
        { "/a/.", "/a/", "/a/" },
        { "/a/../b", "/b", "/b" },
        { "/a/b/..", "/a/", "/a/" },
        { "/a/b/../..", "/", "/" },
        { "/a/%2e%2E/b", "/b", "/b" },
        { "/../../a", "/a", "/a" },
        { "/..", "/", "/" },
        { "/a//../b", "/a/b", "/a/b" },
        { "//a//", "//a//", "//a//" },
        { "/...", "/...", "/..." },
        { "/..a/.b", "/..a/.b", "/..a/.b" },
        { "/a?b=%2f%c3%a4+c", "/a?b=%2F%C3%A4+c", "/a" },
        { "/a?b=/../c", "/a?b=/../c", "/a" },
        { "/a?b=%41", "/a?b=%41", "/a" },
        { "/a?", "/a?", "/a" },
        { "/a?b[]=c?d", "/a?b[]=c?d", "/a" },
        { "/a%2", "/a%252", "/a%2" },
        { "/a b", "/a%20b", "/a b" },
        { "/a?b c", "/a?b%20c", "/a" },
        { "/a?{b}|<c>", "/a?%7Bb%7D%7C%3Cc%3E", "/a" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        canonicalise(rows[i].target);
        assert_bytes(url.canonical, rows[i].canonical);
        assert_bytes(url.decoded, rows[i].decoded);
        canonicalise(rows[i].canonical);
        assert_bytes(url.canonical, rows[i].canonical); /* of a normal form, itself */
    }
}

static void
path_and_query_are_parts_of_the_whole(void **state)
{
    (void)state;
    canonicalise("/%61?b=%c3%a4");
    assert_bytes(url.path, "/a");
    assert_bytes(url.query, "b=%C3%A4");
    canonicalise("/a?");
    assert_non_null(url.query.at);
    assert_int_equal(url.query.length, 0);
    canonicalise("/a");
    assert_null(url.query.at);
}

static void
oddities_are_told(void **state)
{
    static const struct {
        const char *target;
        uint32_t path, query;
    } rows[] = {
        { "/a/b?c=d", 0, 0 },
        { "/%2541", URL_HAS_DOUBLE_ENCODING, 0 },
        { "/a%25/b", 0, 0 },
        { "/%00", URL_HAS_NUL, 0 },
        { "/%0d%0a", URL_HAS_LINE_END, 0 },
        { "/%1f%7f", URL_HAS_CONTROL, 0 },
        { "/a%5cb", URL_HAS_BACKSLASH, 0 },
        { "/a\\b", URL_HAS_BACKSLASH, 0 },
        { "/a%2Fb", URL_HAS_ENCODED_SLASH, 0 },
        { "/%c3%a4", URL_HAS_HIGH_BIT, 0 },
        { "/%e4", URL_HAS_HIGH_BIT | URL_HAS_BAD_UTF8, 0 },
        { "/%f0%9f%98%80", URL_HAS_HIGH_BIT, 0 },
        { "/a/../b", URL_HAS_DOT_SEGMENTS, 0 },
        { "/../b", URL_HAS_DOT_SEGMENTS | URL_CLIMBS, 0 },
        { "/a/%2e/b", URL_HAS_DOT_SEGMENTS | URL_HAS_DISGUISED_DOTS, 0 },
        { "/a/..;x/b", URL_HAS_PARAMETERS | URL_HAS_DISGUISED_DOTS, 0 },
        { "/a;x/b", URL_HAS_PARAMETERS, 0 },
        { "/a%3bx", 0, 0 },
        { "/a//b", URL_HAS_EMPTY_SEGMENTS, 0 },
        { "/a/", 0, 0 },
        { "/%u0041", URL_HAS_UNICODE_ESCAPE | URL_HAS_DOUBLE_ENCODING, 0 },
        { "/%x", URL_HAS_BAD_ESCAPE, 0 },
        { "/%u004", URL_HAS_BAD_ESCAPE, 0 },
        { "/%u004x", URL_HAS_BAD_ESCAPE, 0 },
        { "/100%25use", 0, 0 },
        { "/%25u0041", URL_HAS_DOUBLE_ENCODING, 0 },
        { "/?a;b", 0, 0 },
        { "/?%2541", 0, URL_HAS_DOUBLE_ENCODING },
        { "/?%00", 0, URL_HAS_NUL },
        { "/?%0A", 0, URL_HAS_LINE_END },
        { "/?%", 0, URL_HAS_BAD_ESCAPE },
        { "/?%e4", 0, URL_HAS_HIGH_BIT | URL_HAS_BAD_UTF8 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        canonicalise(rows[i].target);
        assert_int_equal(url.oddities, rows[i].path);
        assert_int_equal(url.query_oddities, rows[i].query);
    }
}

/* Subjects and addresses inside parameters are encoded twice by right. */
static void
a_query_may_hold_what_a_path_may_not(void **state)
{
    (void)state;
    canonicalise("/mail/?_url=http%253A%252F%252Fx&s=%5c%2f%c4&c=%09");
    assert_fault(url_judge(&url), FAULT_NONE);
    canonicalise("/mail/%253A");
    assert_fault(url_judge(&url), FAULT_URL_DOUBLE_ENCODED);
}

static void
a_normal_target_is_not_copied(void **state)
{
    struct bytes target = BYTES("/mail/?_task=mail&_action=list");

    (void)state;
    assert_fault(url_canonicalise(target, &arena, &url), FAULT_NONE);
    assert_ptr_equal(url.canonical.at, target.at);
    assert_int_equal(arena.used, 0);
}

static void
memory_has_a_ceiling(void **state)
{
    (void)state;
    arena_init(&arena, 16);
    assert_fault(url_canonicalise(BYTES("/%61%61%61%61%61%61%61%61"), &arena, &url),
        FAULT_MEMORY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(targets_have_one_normal_form),
        TEST(path_and_query_are_parts_of_the_whole),
        TEST(oddities_are_told),
        TEST(a_query_may_hold_what_a_path_may_not),
        TEST(a_normal_target_is_not_copied),
        TEST(memory_has_a_ceiling),
    };

    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
