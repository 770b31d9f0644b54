/*
 * tests/unit/config/test_diagnostic.c - messages look as promised, in order, without secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "config/report.h"

static struct diagnostics d;
static const struct source source = {
    .name = "/etc/postern.yaml",
    .text = { "one: 1\n\tz\xc3\xbc: b\npassword: hunter2\nkey: |\n  abc\n", 45 },
};
static char *text;

static struct mark
at(unsigned line, unsigned column, unsigned length)
{
    return (struct mark){ &source, line, column, length };
}

static int
begin(void **state)
{
    (void)state;
    diagnostics_init(&d);
    d.file = require_copy("/etc/postern.yaml");
    return 0;
}

static int
end(void **state)
{
    (void)state;
    diagnostics_fini(&d);
    free(text);
    text = NULL;
    return 0;
}

static const char *
print(void (*how)(FILE *))
{
    size_t length;
    FILE *to = open_memstream(&text, &length);

    report_finish(&d);
    how(to);
    fclose(to);
    return text;
}

static void
plain(FILE *to)
{
    diagnostics_print(&d, to, false);
}

static void
coloured(FILE *to)
{
    diagnostics_print(&d, to, true);
}

static void
as_json(FILE *to)
{
    diagnostics_print_json(&d, to);
}

static void
looks_like_a_compiler(void **state)
{
    (void)state;
    report(&d, CODE_UNKNOWN, at(1, 1, 3), "did you mean 'two'?", "unknown setting '%s'",
        "one");
    assert_string_equal(print(plain),
        "/etc/postern.yaml:1:1: error: unknown setting 'one' [C001]\n"
        "    1 | one: 1\n"
        "      | ^~~\n"
        "      = hint: did you mean 'two'?\n"
        "\n"
        "/etc/postern.yaml: not usable: 1 error, 0 warnings\n");
}

static void
underlines_characters_not_bytes(void **state)
{
    (void)state;
    report(&d, CODE_EXPIRES, at(2, 2, 3), NULL, "x");
    report(&d, CODE_EXPIRES, at(2, 7, 1), NULL, "y");
    assert_string_equal(print(plain),
        "/etc/postern.yaml:2:2: warning: x [T002]\n"
        "    2 | \tz\xc3\xbc: b\n"
        "      | \t^~\n"
        "/etc/postern.yaml:2:7: warning: y [T002]\n"
        "    2 | \tz\xc3\xbc: b\n"
        "      | \t    ^\n"
        "/etc/postern.yaml: ok, 2 warnings\n");
}

static void
sorts_by_place_and_keeps_notes_with_their_message(void **state)
{
    (void)state;
    report(&d, CODE_DUPLICATE, at(2, 2, 1), NULL, "second");
    report_second_place(&d, at(1, 1, 1), "first given here");
    report(&d, CODE_TYPE, at(1, 6, 1), NULL, "first");
    report(&d, CODE_FILE, (struct mark){ 0 }, NULL, "the file as a whole");
    report_finish(&d);
    assert_int_equal(d.errors, 3);
    assert_string_equal(d.rows[0].text, "the file as a whole");
    assert_string_equal(d.rows[1].text, "first");
    assert_string_equal(d.rows[2].text, "second");
    assert_string_equal(d.rows[3].text, "first given here");
}

static void
masks_what_looks_like_a_secret(void **state)
{
    (void)state;
    report(&d, CODE_UNKNOWN, at(3, 1, 8), NULL, "x");
    assert_null(strstr(print(plain), "hunter2"));
    assert_non_null(strstr(text, "    3 | password: ********\n"));
}

static void
masks_every_line_of_a_secret(void **state)
{
    (void)state;
    report(&d, CODE_UNKNOWN, at(5, 3, 3), NULL, "x");
    report_mask(&d, at(4, 6, 1), 5);
    report(&d, CODE_SECRET_INLINE, at(4, 6, 1), NULL, "y");
    assert_null(strstr(print(plain), "abc"));
    assert_non_null(strstr(text, "    4 | key: ********\n      |      ^~~~~~~~\n"));
}

static void
shows_no_line_when_there_are_too_many_secrets(void **state)
{
    (void)state;
    report(&d, CODE_UNKNOWN, at(1, 1, 3), NULL, "x");
    for (int i = 0; i <= DIAGNOSTIC_MASKS_MAX; i++)
        report_mask(&d, at(2, 1, 1), 2);
    assert_null(strstr(print(plain), " | "));
}

static void
lets_nothing_reach_the_terminal(void **state)
{
    (void)state;
    report(&d, CODE_TYPE, at(1, 1, 1), "\x1b]0;x\x07",
        "found '\x1b[31m\xc2\x9b"
        "1m\xff\n'");
    assert_string_equal((report_finish(&d), d.rows[0].text),
        "found '\\u{1B}[31m\\u{9B}"
        "1m\\xFF\\u{A}'");
    assert_string_equal(d.rows[0].hint, "\\u{1B}]0;x\\u{7}");
    assert_non_null(strstr(print(coloured), "\x1b[1;31merror:"));
}

static void
shows_a_window_of_a_long_line(void **state)
{
    char *line = require_zeroed(1, 1000001), *value = require_zeroed(1, 1000001);
    struct source lengthy = { .name = "a\u202e.yaml" };

    (void)state;
    memset(line, 'a', 1000000);
    memset(value, 'v', 1000000);
    memcpy(line + 499990, "\u202e", 3);
    memcpy(line + 500000, "\xf3\xa0\x81\x81z", 5);
    lengthy.text = bytes_of(line, 1000000);
    report(&d, CODE_TYPE, (struct mark){ &lengthy, 1, 500001, 5 }, NULL, "'%s' ends",
        value);
    print(plain);
    assert_true(strlen(text) < 2000);
    assert_null(strstr(text, "\u202e"));
    assert_non_null(strstr(text, "a\\u{202E}.yaml:1:500001: error: 'vvv"));
    assert_non_null(strstr(text, "vvv...vvv"));
    assert_non_null(strstr(text, "v' ends [C011]\n"));
    assert_non_null(strstr(text, "    1 | ...aaa"));
    assert_non_null(strstr(text, "\\u{202E}aaaaaaa\\u{E0041}zaaa"));
    assert_non_null(strstr(text, "aaa...\n      |    "));
    /* The caret and its tail are as wide as what is shown of the five bytes. */
    assert_int_equal(strcspn(strchr(text, '^'), "\n"), strlen("\\u{E0041}z"));
    {
        const char *shown = strstr(text, "    1 | "), *below = strchr(shown, '\n') + 1;

        assert_int_equal(strchr(below, '^') - below,
            strstr(shown, "\\u{E0041}") - shown);
    }
    free(line);
    free(value);
}

static void
masks_a_secret_before_and_behind_the_window(void **state)
{
    static char line[600];
    struct source lengthy = { .name = "a.yaml", .text = { line, sizeof line - 1 } };

    (void)state;
    memset(line, 's', sizeof line - 1);
    memcpy(line, "password: ", 10);
    report(&d, CODE_TYPE, (struct mark){ &lengthy, 1, 500, 5 }, NULL, "x");
    report(&d, CODE_TYPE, (struct mark){ &lengthy, 1, 1, 8 }, NULL, "x");
    assert_null(strstr(print(plain), "ss\n"));
    assert_non_null(strstr(text, "    1 | password: ********\n"));
    assert_non_null(strstr(text, "    1 | ...********\n"));
}

static void
keeps_a_bounded_number_and_counts_all(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        report(&d, CODE_TYPE, at(1, 1, 1), NULL, "x");
    report_second_place(&d, at(1, 1, 1), "y");
    report_finish(&d);
    assert_int_equal(d.errors, 1000);
    assert_int_equal(d.count, REPORT_ROWS_MAX + 1);
    assert_string_equal(d.rows[REPORT_ROWS_MAX].code, "N002");
}

static void
strict_makes_errors_of_warnings(void **state)
{
    (void)state;
    report(&d, CODE_EXPIRES, at(1, 1, 1), NULL, "x");
    assert_int_equal(d.errors, 0);
    diagnostics_make_strict(&d);
    assert_int_equal(d.errors, 1);
    assert_int_equal(d.warnings, 0);
    assert_int_equal(d.rows[0].severity, SEVERITY_ERROR);
}

static void
json_is_escaped(void **state)
{
    (void)state;
    report(&d, CODE_TYPE, at(2, 2, 1), NULL, "a \"quoted\" \\ text");
    assert_string_equal(print(as_json),
        "{\"file\":\"/etc/postern.yaml\",\"usable\":false,\"errors\":1,\"warnings\":0,"
        "\"diagnostics\":[\n"
        "{\"severity\":\"error\",\"code\":\"C011\",\"line\":2,\"column\":2,\"length\":"
        "1,"
        "\"file\":\"/etc/postern.yaml\",\"text\":\"a \\\"quoted\\\" \\\\ "
        "text\",\"hint\":null,"
        "\"excerpt\":\"\\u0009z\xc3\xbc: b\"}]}\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(looks_like_a_compiler),
        TEST(underlines_characters_not_bytes),
        TEST(sorts_by_place_and_keeps_notes_with_their_message),
        TEST(masks_what_looks_like_a_secret),
        TEST(masks_every_line_of_a_secret),
        TEST(shows_no_line_when_there_are_too_many_secrets),
        TEST(lets_nothing_reach_the_terminal),
        TEST(shows_a_window_of_a_long_line),
        TEST(masks_a_secret_before_and_behind_the_window),
        TEST(keeps_a_bounded_number_and_counts_all),
        TEST(strict_makes_errors_of_warnings),
        TEST(json_is_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
