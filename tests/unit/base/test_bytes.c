/*
 * tests/unit/base/test_bytes.c - views of memory, with empty ones and NULs inside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

static void
assert_bytes(struct bytes got, const char *want)
{
    assert_int_equal(got.length, strlen(want));
    assert_memory_equal(got.at, want, got.length);
}

static void
equality_looks_at_length_and_content(void **state)
{
    (void)state;
    assert_true(bytes_equal(BYTES("a\0b"), BYTES("a\0b")));
    assert_false(bytes_equal(BYTES("a\0b"), BYTES("a\0c")));
    assert_false(bytes_equal(BYTES("a"), BYTES("ab")));
    assert_true(bytes_equal(bytes_of(NULL, 0), BYTES("")));
    assert_true(bytes_equal_secret(BYTES("abc"), BYTES("abc")));
    assert_false(bytes_equal_secret(BYTES("abc"), BYTES("xbc")));
    assert_false(bytes_equal_secret(BYTES("abc"), BYTES("abx")));
    assert_false(bytes_equal_secret(BYTES("abc"), BYTES("ab")));
    assert_false(bytes_equal_secret(BYTES("ab"), BYTES("abc")));
    assert_true(bytes_equal_secret(bytes_of(NULL, 0), BYTES("")));
}

static void
case_is_ignored_for_ascii_letters_alone(void **state)
{
    (void)state;
    assert_true(bytes_equal_nocase(BYTES("Content-Length"), BYTES("cONTENT-lENGTH")));
    assert_false(bytes_equal_nocase(BYTES("\xc4"), BYTES("\xe4"))); /* no Latin 1 */
    assert_false(bytes_equal_nocase(BYTES("[@`{"), BYTES("{`@[")));
    assert_false(bytes_equal_nocase(BYTES("a"), BYTES("ab")));
    for (int c = 0; c < 256; c++) {
        char lower = ascii_lower((char)c);

        assert_int_equal((unsigned char)lower, c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
}

static void
prefixes_are_never_longer_than_the_text(void **state)
{
    (void)state;
    assert_true(bytes_has_prefix(BYTES("/owa/x"), BYTES("/owa")));
    assert_true(bytes_has_prefix(BYTES("/owa"), BYTES("")));
    assert_true(bytes_has_prefix(bytes_of(NULL, 0), bytes_of(NULL, 0)));
    assert_false(bytes_has_prefix(BYTES("/ow"), BYTES("/owa")));
    assert_false(bytes_has_prefix(BYTES("/OWA"), BYTES("/owa")));
    assert_true(bytes_has_prefix_nocase(BYTES("/OWA/"), BYTES("/owa")));
    assert_false(bytes_has_prefix_nocase(BYTES("/OW"), BYTES("/owa")));
}

static void
a_needle_is_found_anywhere(void **state)
{
    (void)state;
    assert_true(bytes_contains_nocase(BYTES("Negotiate, NTLM"), BYTES("ntlm")));
    assert_true(bytes_contains_nocase(BYTES("ntlm"), BYTES("NTLM")));
    assert_true(bytes_contains_nocase(BYTES("nntlm"), BYTES("ntlm")));
    assert_true(bytes_contains_nocase(bytes_of(NULL, 0), BYTES("")));
    assert_false(bytes_contains_nocase(BYTES("ntl"), BYTES("ntlm")));
    assert_false(bytes_contains_nocase(bytes_of(NULL, 0), BYTES("n")));
    assert_false(bytes_contains_nocase(BYTES("n tlm"), BYTES("ntlm")));
}

static void
trim_takes_blanks_off_both_ends(void **state)
{
    (void)state;
    assert_bytes(bytes_trim(BYTES(" \t a b\t ")), "a b");
    assert_bytes(bytes_trim(BYTES("a\r")), "a\r"); /* OWS is space and tab, no more */
    assert_int_equal(bytes_trim(BYTES(" \t ")).length, 0);
    assert_int_equal(bytes_trim(bytes_of(NULL, 0)).length, 0);
}

static void
cut_gives_every_part_once(void **state)
{
    struct bytes rest = BYTES("a,,bc,");

    (void)state;
    assert_bytes(bytes_cut(&rest, ','), "a");
    assert_bytes(bytes_cut(&rest, ','), "");
    assert_bytes(bytes_cut(&rest, ','), "bc");
    assert_non_null(rest.at); /* an empty part follows the last comma */
    assert_bytes(bytes_cut(&rest, ','), "");
    assert_null(rest.at);

    rest = BYTES("");
    assert_bytes(bytes_cut(&rest, ','), "");
    assert_null(rest.at);
    assert_int_equal(bytes_cut(&rest, ',').length, 0);
}

static bool
reads(struct bytes text, uint64_t max, uint64_t want)
{
    uint64_t number = 4711;

    return bytes_to_u64(text, max, &number) && number == want;
}

static bool
refuses(struct bytes text, uint64_t max)
{
    uint64_t number = 4711;

    return !bytes_to_u64(text, max, &number) && number == 4711;
}

static void
a_number_is_digits_and_nothing_else(void **state)
{
    (void)state;
    assert_true(reads(BYTES("0"), 0, 0));
    assert_true(reads(BYTES("007"), 7, 7));
    assert_true(reads(BYTES("18446744073709551615"), UINT64_MAX, UINT64_MAX));
    assert_true(refuses(BYTES("18446744073709551616"), UINT64_MAX));
    assert_true(refuses(BYTES("99999999999999999999999999"), UINT64_MAX));
    assert_true(refuses(BYTES("8"), 7));
    assert_true(refuses(BYTES(""), 7));
    assert_true(refuses(bytes_of(NULL, 0), 7));
    assert_true(refuses(BYTES("+1"), 7));
    assert_true(refuses(BYTES("-1"), UINT64_MAX));
    assert_true(refuses(BYTES(" 1"), 7));
    assert_true(refuses(BYTES("1 "), 7));
    assert_true(refuses(BYTES("0x1"), 7));
    assert_true(refuses(BYTES("1\0"), 7));
    assert_true(refuses(BYTES("\xb1"), UINT64_MAX));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_looks_at_length_and_content),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_alone),
        cmocka_unit_test(prefixes_are_never_longer_than_the_text),
        cmocka_unit_test(a_needle_is_found_anywhere),
        cmocka_unit_test(trim_takes_blanks_off_both_ends),
        cmocka_unit_test(cut_gives_every_part_once),
        cmocka_unit_test(a_number_is_digits_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
