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
    { "/**/x", "/x", true },
    { "/**/x", "/a/x", true },
    { "/**/x", "/a/b/x", true },
    { "/**/x", "/a/b/x/", false },
    { "/**/x", "/ax", false },
    { "/a/**/b", "/a/b", true },
    { "/a/**/b", "/a/b/c/b", true },
    { "/a/**/b", "/ab", false },
    { "/a/**/b", "/a//b", true },
    { "/a/**/*.php", "/a/x.php", true },
    { "/a/**/*.php", "/a/b/c/x.php", true },
    { "/a/**/*.php", "/a/x.php/y.css", false },
    { "/a/**/*.php", "/a/x.php.d/y.php", true },
    { "/a/**/*.php/**", "/a/b/x.php/y.css", true },
    { "/a/**/*.php/**", "/a/b/x.php", false },
    { "/a/**/b/**/c", "/a/c/b/x/b/c", true },
    { "/a/**/b/**/c", "/a/c/b/x", false },
    { "/a/**/b/c/**", "/a/b/b/c/", true },
    { "/**/.*", "/a/.b", true },
    { "/**/.*", "/.b/a", false },
    { "/a/**/", "/a/", true },
    { "/a/**/*", "/a/", true },
    { "/a/**/", "/a/b", false },
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

static bool is_slowly(const char *glob, const char *text, bool at_segment);

/* Behind each of the slashes in `text`, and here. */
static bool
is_slowly_below(const char *glob, const char *text)
{
    while (!is_slowly(glob, text, true)) {
        text = strchr(text, '/');
        if (text++ == NULL)
            return false;
    }
    return true;
}

/* The same by trying every way, which no length of time bounds. */
static bool
is_slowly(const char *glob, const char *text, bool at_segment)
{
    if (*glob == '\0')
        return *text == '\0';
    if (at_segment && strcmp(glob, "**") == 0)
        return true;
    if (at_segment && strncmp(glob, "**/", 3) == 0)
        return is_slowly_below(glob + 3, text);
    if (*glob == '*')
        return is_slowly(glob + 1, text, false) ||
            (*text != '\0' && *text != '/' && is_slowly(glob, text + 1, false));
    return *glob == *text && is_slowly(glob + 1, text + 1, *glob == '/');
}

static void
every_short_glob_is_as_by_trying_every_way(void **state)
{
    enum { LENGTH = 6, GLOBS = 1 << 2 * LENGTH, PATHS = 729 /* 3 to the LENGTH */ };
    char glob[LENGTH + 2] = "/", path[LENGTH + 2] = "/";

    (void)state;
    for (unsigned g = 0; g < GLOBS; g++) {
        for (unsigned i = 0; i < LENGTH; i++)
            glob[i + 1] = "/ab*"[g >> 2 * i & 3];
        for (unsigned p = 0; p < PATHS; p++) {
            for (unsigned i = 0, rest = p; i < LENGTH; i++, rest /= 3)
                path[i + 1] = "/ab"[rest % 3];
            if (filter_path_matches(bytes_of_string(glob), bytes_of_string(path),
                    false) != is_slowly(glob, path, false))
                fail_msg("%s %s", glob, path);
        }
    }
}

/* Steps are not counted, so this only ends in time when they are few. */
static void
many_asterisks_cost_no_more_than_both_lengths(void **state)
{
    char glob[4096] = "", path[16384] = "/";
    size_t length = 1;

    (void)state;
    for (unsigned i = 0; i < 400; i++)
        strcat(glob, i % 2 == 0 ? "/**" : "/a*a*a");
    strcat(glob, "/b");
    while (length < sizeof path - 4) {
        memcpy(path + length, "aaa/", 4);
        length += 4;
    }
    for (unsigned i = 0; i < 100; i++)
        assert_false(
            filter_path_matches(bytes_of_string(glob), bytes_of(path, length), false));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_match_segment_by_segment),
        cmocka_unit_test(case_counts_unless_told_otherwise),
        cmocka_unit_test(elsewhere_an_asterisk_stands_for_anything),
        cmocka_unit_test(every_short_glob_is_as_by_trying_every_way),
        cmocka_unit_test(many_asterisks_cost_no_more_than_both_lengths),
    };

    return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
