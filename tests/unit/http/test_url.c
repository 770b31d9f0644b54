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
        { "/[1]|^", "/[1]|^", "/[1]|^" },
        { "/%5b1%5d%7c", "/%5B1%5D%7C", "/[1]|" },
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
        { "/a?{b}|<c>", "/a?{b}|%3Cc%3E", "/a" },
        { "/a?|^`{}\\[]'", "/a?|^`{}\\[]'", "/a" },
        { "/{`}", "/%7B%60%7D", "/{`}" },
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

static const struct {
    const char *target;
    uint32_t path, query;
} odd_rows[] = {
    { "/a/b?c=d", 0, 0 },
    { "/%2541", 0, 0 },
    { "/%252541", 0, 0 },
    { "/100%25%20done.pdf", 0, 0 },
    { "/a%252fb", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/a%25%32%66b", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/a%25252fb", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/a%252525252525252fb", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/a%255cb", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/a%2500", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/a%250ab", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/a%2509b", 0, 0 },
    { "/a%25c0%25afb", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/a%25c3%25a4b", 0, 0 },
    { "/a%252eb", 0, 0 },
    { "/%252e", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/.%252e", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/..%253bx", URL_HAS_DOUBLE_ENCODING, 0 },
    { "/%25ef%25bc%258e.", URL_HAS_BEST_FIT, 0 },
    { "/a%25/b", 0, 0 },
    { "/%00", URL_HAS_NUL, 0 },
    { "/%0d%0a", URL_HAS_LINE_END, 0 },
    { "/%1f%7f", URL_HAS_CONTROL, 0 },
    { "/a%09b", URL_HAS_TAB, 0 },
    { "/a|^", URL_HAS_UNESCAPED, 0 },
    { "/?|", 0, URL_HAS_UNESCAPED },
    { "/?\\", 0, URL_HAS_UNESCAPED | URL_HAS_BACKSLASH },
    { "/?%7c%5c", 0, URL_HAS_BACKSLASH },
    { "/.config%20notes.txt", 0, 0 },
    { "/...draft/.../....", 0, 0 },
    { "/..a/a../.a", 0, 0 },
    { "/a%5cb", URL_HAS_BACKSLASH, 0 },
    { "/a\\b", URL_HAS_BACKSLASH | URL_HAS_UNESCAPED, 0 },
    { "/a%2Fb", URL_HAS_ENCODED_SLASH, 0 },
    { "/%c3%a4", URL_HAS_HIGH_BIT, 0 },
    { "/%e4", URL_HAS_HIGH_BIT | URL_HAS_BAD_UTF8, 0 },
    { "/%f0%9f%98%80", URL_HAS_HIGH_BIT, 0 },
    { "/a/../b", URL_HAS_DOT_SEGMENTS, 0 },
    { "/../b", URL_HAS_DOT_SEGMENTS | URL_CLIMBS, 0 },
    { "/a/%2e/b", URL_HAS_DOT_SEGMENTS | URL_HAS_DISGUISED_DOTS, 0 },
    { "/a/..;x/b", URL_HAS_PARAMETERS | URL_HAS_DISGUISED_DOTS, 0 },
    { "/a/..%3b/b", URL_HAS_DISGUISED_DOTS, 0 },
    { "/a/.%3Bx/b", URL_HAS_DISGUISED_DOTS, 0 },
    { "/a/...%3b/b", 0, 0 },
    { "/a%2f..%2fb", URL_HAS_ENCODED_SLASH | URL_HAS_DISGUISED_DOTS, 0 },
    { "/a%2f..", URL_HAS_ENCODED_SLASH | URL_HAS_DISGUISED_DOTS, 0 },
    { "/..%2fb", URL_HAS_ENCODED_SLASH | URL_HAS_DISGUISED_DOTS, 0 },
    { "/a%2f..%3bx%2fb", URL_HAS_ENCODED_SLASH | URL_HAS_DISGUISED_DOTS, 0 },
    { "/a%2f..b", URL_HAS_ENCODED_SLASH, 0 },
    { "/%ef%bc%8e%ef%bc%8e/b", URL_HAS_HIGH_BIT | URL_HAS_BEST_FIT, 0 },
    { "/.%ef%bc%8e/b", URL_HAS_HIGH_BIT | URL_HAS_BEST_FIT, 0 },
    { "/.%ef%b9%92/b", URL_HAS_HIGH_BIT | URL_HAS_BEST_FIT, 0 },
    { "/%ef%bc%8e%ef%bc%8e%ef%bc%8e", URL_HAS_HIGH_BIT, 0 },
    { "/a%ef%bc%8eb", URL_HAS_HIGH_BIT, 0 },
    { "/a%ef%bc%8fb", URL_HAS_HIGH_BIT | URL_HAS_BEST_FIT, 0 },
    { "/a%e2%88%95b", URL_HAS_HIGH_BIT | URL_HAS_BEST_FIT, 0 },
    { "/a%e2%81%84b", URL_HAS_HIGH_BIT | URL_HAS_BEST_FIT, 0 },
    { "/a%ef%bc%bcb", URL_HAS_HIGH_BIT | URL_HAS_BEST_FIT, 0 },
    { "/a%c2%a5b", URL_HAS_HIGH_BIT | URL_HAS_BEST_FIT, 0 },
    { "/%ef%bc%a1%ef%bc%a2.pdf", URL_HAS_HIGH_BIT, 0 }, /* fullwidth letters */
    { "/%e4%bc%9a%e8%ad%b0%e3%80%82.pdf", URL_HAS_HIGH_BIT, 0 },
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
    { "/?%2541", 0, 0 },
    { "/?%00", 0, URL_HAS_NUL },
    { "/?%0A", 0, URL_HAS_LINE_END },
    { "/?%", 0, URL_HAS_BAD_ESCAPE },
    { "/?%e4", 0, URL_HAS_HIGH_BIT | URL_HAS_BAD_UTF8 },
};

static void
oddities_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof odd_rows / sizeof *odd_rows; i++) {
        canonicalise(odd_rows[i].target);
        assert_int_equal(url.oddities, odd_rows[i].path);
        assert_int_equal(url.query_oddities, odd_rows[i].query);
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
    assert_fault(url_judge(&url), FAULT_NONE);
    canonicalise("/mail/%253A%252F");
    assert_fault(url_judge(&url), FAULT_URL_DOUBLE_ENCODED);
}

static void
a_path_is_read_further(void **state)
{
    static const struct {
        const char *target, *further, *folded;
    } rows[] = {
        { "/a%20b", "/a b", "/a b" },
        { "/%2569nstaller", "/installer", "/installer" },
        { "/%252569nstaller", "/installer", "/installer" },
        { "/100%2525", "/100%", "/100%" },
        { "/%ef%bc%a5cp",
            "/\xef\xbc\xa5"
            "cp",
            "/Ecp" },
        { "/x%ef%bc%8easpx%ef%bc%9a",
            "/x\xef\xbc\x8e"
            "aspx\xef\xbc\x9a",
            "/x.aspx:" },
        { "/%e4%bd%a0", "/\xe4\xbd\xa0", "/\xe4\xbd\xa0" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        canonicalise(rows[i].target);
        assert_bytes(url.further, rows[i].further);
        assert_bytes(url_fold_best_fit(url.further, &arena), rows[i].folded);
    }
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
        TEST(a_path_is_read_further),
        TEST(a_normal_target_is_not_copied),
        TEST(memory_has_a_ceiling),
    };

    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
