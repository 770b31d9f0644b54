/*
 * tests/unit/http/test_magic.c - what files are, by their first bytes.
 */
#include "http_test.h"

#include "http/magic.h"
#include "http/upload.h"

struct row {
    struct bytes bytes;
    size_t offset;
    const char *type;
    enum magic_family family;
};

#define MAGIC(from, literal, type, family)                                             \
    { { literal, sizeof(literal) - 1 }, from, type, MAGIC_##family },
#define MAGIC_TEXT(literal, type, family) MAGIC(0, literal, type, family)
static const struct row rows[] = {
#include "http/magic.def"
};
#undef MAGIC
#undef MAGIC_TEXT

/* No row stands behind one that takes its files away, and none is too far in. */
static void
each_row_finds_its_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char start[MAGIC_BYTES] = { 0 };
        const struct magic *found;

        assert_true(rows[i].offset + rows[i].bytes.length <= sizeof start);
        memcpy(start + rows[i].offset, rows[i].bytes.at, rows[i].bytes.length);
        found = magic_find(bytes_of(start, sizeof start));
        assert_non_null(found);
        assert_string_equal(found->type, rows[i].type);
        assert_int_equal(found->family, rows[i].family);
    }
}

/* "RIFF" may begin with something else: what runs must be seen first. */
static void
what_runs_stands_first(void **state)
{
    bool is_harmless = false;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool runs =
            rows[i].family == MAGIC_EXECUTABLE || rows[i].family == MAGIC_SCRIPT;

        assert_false(runs && is_harmless);
        is_harmless = is_harmless || !runs;
    }
}

static void
text_is_found_in_any_case_behind_blanks(void **state)
{
    (void)state;
    assert_string_equal(magic_find(BYTES("\xef\xbb\xbf \r\n\t<HtMl>"))->type,
        "text/html");
    assert_null(magic_find(BYTES("")));
    assert_null(magic_find(BYTES(" \r\n")));
    assert_null(magic_find(BYTES("\0<html")));
    assert_null(magic_find(BYTES("<htm")));
    assert_null(magic_find(BYTES("gif89a")));
}

static bool
is_program(const char *offset, size_t length)
{
    char start[64] = "MZ";

    memcpy(start + 0x3c, offset, 4);
    return upload_is_executable(bytes_of(start, length));
}

static void
windows_programs_have_a_plausible_header(void **state)
{
    char start[64] = "MZ";

    (void)state;
    assert_true(is_program("\x80\0\0\0", 64));
    assert_true(is_program("\x04\0\0\0", 64));
    assert_true(is_program("\xff\xff\xff\x08", 64));
    assert_false(is_program("\x80\0\0\0", 63));
    assert_false(is_program("\x03\0\0\0", 64));
    assert_false(is_program("\0\0\0\x09", 64));
    assert_false(is_program("text", 64));
    start[0x3c] = 0x40;
    assert_int_equal(magic_find(bytes_of(start, 64))->family, MAGIC_EXECUTABLE);
    start[1] = 'z';
    assert_false(upload_is_executable(bytes_of(start, 64)));
    assert_null(magic_find(bytes_of(start, 64)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_finds_its_files),
        cmocka_unit_test(what_runs_stands_first),
        cmocka_unit_test(text_is_found_in_any_case_behind_blanks),
        cmocka_unit_test(windows_programs_have_a_plausible_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
