/*
 * tests/unit/http/test_fields.c - every row of http/fields.def is found, and nothing else.
 */
#include "http_test.h"

#include <ctype.h>

#include "http/fields.h"

static void
each_name_is_found_in_any_case(void **state)
{
    (void)state;
    for (unsigned id = FIELD_OTHER + 1; id < FIELD_COUNT; id++) {
        const char *name = field_name((enum field_id)id);
        char upper[64], lower[64];

        for (size_t i = 0; i <= strlen(name); i++) {
            upper[i] = (char)toupper(name[i]);
            lower[i] = (char)tolower(name[i]);
        }
        assert_int_equal(field_find(bytes_of_string(name)), id);
        assert_int_equal(field_find(bytes_of_string(upper)), id);
        assert_int_equal(field_find(bytes_of_string(lower)), id);
    }
}

static void
near_misses_are_other(void **state)
{
    static const char *const names[] = { "", "H", "Hos", "Hosts", "Hpst",
        "Content-Lengt", "Content-Length ", "Content_Length", "X-Forwarded-Fox", "T",
        "TEE", "\r", "@ost" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(field_find(bytes_of_string(names[i])), FIELD_OTHER);
    /* '-' and CR differ in bit 5 alone, which the hash ignores. */
    assert_int_equal(field_find(BYTES("Content\rLength")), FIELD_OTHER);
    assert_int_equal(field_flags(FIELD_OTHER), 0);
}

/* Connection may not take away what others rely on (CVE-2022-31813). */
static void
what_we_say_ourselves_is_protected(void **state)
{
    (void)state;
    for (unsigned id = FIELD_OTHER + 1; id < FIELD_COUNT; id++) {
        unsigned flags = field_flags((enum field_id)id);

        if ((flags & FIELD_IDENTITY) != 0 && id != FIELD_PROXY)
            assert_true(flags & FIELD_PROTECTED);
    }
    assert_true(field_flags(FIELD_HOST) & FIELD_PROTECTED);
    assert_true(field_flags(FIELD_COOKIE) & FIELD_SECRET);
    assert_true(field_flags(FIELD_AUTHORIZATION) & FIELD_SECRET);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_is_found_in_any_case),
        cmocka_unit_test(near_misses_are_other),
        cmocka_unit_test(what_we_say_ourselves_is_protected),
    };

    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
