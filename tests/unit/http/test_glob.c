/*
 * tests/unit/http/test_glob.c - what an asterisk stands for, in paths and elsewhere.
 */
#include "http_test.h"

#include "http/filter.h"
#include "http/glob.h"

static const struct {
    const char *glob, *path;
    bool matches;
} paths[] = {
    { "/", "/", true },
    { "/", "/a", false },
    { "/a", "/a", true },
    { "/a", "/a/", false },
    { "/a", "/A", false },
    { "/*", "/", true },
    { "/*", "/abc", true },
    { "/*", "/a/b", false },
    { "/*/b", "/a/b", true },
    { "/*/b", "/b", false },
    { "/*/b", "/a/c/b", false },
    { "/a*b*c/d", "/aXbYbZc/d", true },
    { "/a*b*c/d", "/aXbY/Zc/d", false },
    { "/a*/b*c", "/ax/by/c", false },
    { "/a*/b*c", "/ax/bybc", true },
    { "/*.js", "/a.js.js", true },
    { "/*.js", "/a.jsx", false },
    { "/**", "/", true },
    { "/**", "/a/b/c", true },
    { "/a/**", "/a/", true },
    { "/a/**", "/a/b/c", true },
    { "/a/**", "/a", false },
    { "/a/**", "/ab/c", false },
    { "/*/x/**", "/a/x/y/z", true },
    { "/*/x/**", "/a/b/x/y", false },
    { "/**/x", "/a/x", true },
    { "/**/x", "/a/b/x", false },
    { "", "/", false },
    { "*", "*", true },
};

static void
paths_match_segment_by_segment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (filter_path_matches(bytes_of_string(paths[i].glob),
                bytes_of_string(paths[i].path), false) != paths[i].matches)
            fail_msg("%s %s", paths[i].glob, paths[i].path);
}

static void
case_counts_unless_told_otherwise(void **state)
{
    (void)state;
    assert_false(filter_path_matches(BYTES("/OWA/**"), BYTES("/owa/x"), false));
    assert_true(filter_path_matches(BYTES("/OWA/**"), BYTES("/owa/x"), true));
    assert_true(filter_path_matches(BYTES("/owa/*.JS"), BYTES("/OWA/a.js"), true));
    assert_false(filter_path_matches(BYTES("/[*"), BYTES("/{a"), true));
}

static void
elsewhere_an_asterisk_stands_for_anything(void **state)
{
    (void)state;
    assert_true(glob_matches(BYTES("*"), BYTES("")));
    assert_true(glob_matches(BYTES("A*/*C"), BYTES("a/b/c")));
    assert_true(glob_matches(BYTES("*~*/"), BYTES("x]@y:444/z?~1/")));
    assert_false(glob_matches(BYTES("a*c"), BYTES("abcd")));
    assert_false(glob_matches(BYTES(""), BYTES("a")));
}

/* The same by trying every way, which no length of time bounds. */
static bool
matches_slowly(const char *glob, const char *text)
{
    if (*glob == '\0')
        return *text == '\0';
    if (*glob == '*')
        return matches_slowly(glob + 1, text) ||
            (*text != '\0' && *text != '/' && matches_slowly(glob, text + 1));
    return *glob == *text && matches_slowly(glob + 1, text + 1);
}

static void
every_short_glob_is_as_by_trying_every_way(void **state)
{
    static const char alphabet[] = "/ab*";
    char glob[7] = "/", path[7] = "/";

    (void)state;
    for (unsigned g = 0; g < 1u << 10; g++)
        for (unsigned p = 0; p < 1u << 10; p++) {
            for (unsigned i = 0; i < 5; i++) {
                glob[i + 1] = alphabet[g >> 2 * i & 3];
                path[i + 1] = alphabet[(p >> 2 * i & 3) % 3];
            }
            if (strcmp(glob + 3, "/**") != 0)
                assert_int_equal(filter_path_matches(bytes_of_string(glob),
                                     bytes_of_string(path), false),
                    matches_slowly(glob, path));
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_match_segment_by_segment),
        cmocka_unit_test(case_counts_unless_told_otherwise),
        cmocka_unit_test(elsewhere_an_asterisk_stands_for_anything),
        cmocka_unit_test(every_short_glob_is_as_by_trying_every_way),
    };

    return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
