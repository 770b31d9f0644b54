/*
 * tests/unit/proxy/test_affinity.c - what the cookie is worth, and how it is taken out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proxy/affinity.h"

static const struct affinity_key key = { { 1, 2, 3 } };

static void
a_tag_depends_on_key_upstream_and_server(void **state)
{
    const struct affinity_key other = { { 1, 2, 4 } };
    char tags[5][AFFINITY_TAG_BYTES];

    (void)state;
    affinity_tag(&key, "webmail", "https://one", tags[0]);
    affinity_tag(&key, "webmail", "https://two", tags[1]);
    affinity_tag(&key, "other", "https://one", tags[2]);
    affinity_tag(&other, "webmail", "https://one", tags[3]);
    affinity_tag(&key, "webmail", "https://one", tags[4]);
    assert_int_equal(strlen(tags[0]), AFFINITY_TAG_BYTES - 1);
    assert_int_equal(strspn(tags[0], "0123456789abcdef"), AFFINITY_TAG_BYTES - 1);
    for (int i = 1; i < 4; i++)
        assert_string_not_equal(tags[i], tags[0]);
    assert_string_equal(tags[4], tags[0]);
}

static void
names_do_not_run_into_each_other(void **state)
{
    char first[AFFINITY_TAG_BYTES], second[AFFINITY_TAG_BYTES];

    (void)state;
    affinity_tag(&key, "ab", "c", first);
    affinity_tag(&key, "a", "bc", second);
    assert_string_not_equal(first, second);
}

static const struct {
    const char *cookies, *tag, *rest;
} table[] = {
    { "__Host-postern-server=abc", "abc", "" },
    { "__Host-postern-server=abc; a=1", "abc", "a=1" },
    { "a=1; __Host-postern-server=abc", "abc", "a=1" },
    { "a=1;__Host-postern-server=abc;b=2", "abc", "a=1; b=2" },
    { "a=1; __Host-postern-server=x; __Host-postern-server=y", "x", "a=1" },
    { "__Host-postern-server=; a=1", "", "a=1" },
    { "__Host-postern-server=a=b", "a=b", "" },
    { "a=__Host-postern-server=abc", "", "a=__Host-postern-server=abc" },
    { "x__Host-postern-server=abc", "", "x__Host-postern-server=abc" },
    { "__host-postern-server=abc", "", "__host-postern-server=abc" },
    { "__Host-postern-server", "", "__Host-postern-server" },
    { "a=1;; b=2", "", "a=1;; b=2" },
    { "", "", "" },
};

static void
the_cookie_is_found_among_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct bytes tag = affinity_read(bytes_of_string(table[i].cookies));

        assert_true(bytes_equal(tag, bytes_of_string(table[i].tag)));
    }
}

static void
the_others_stay_when_it_is_taken_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct bytes cookies = bytes_of_string(table[i].cookies), rest;
        struct arena arena;

        arena_init(&arena, 65536);
        assert_true(affinity_strip(cookies, &arena, &rest));
        assert_true(bytes_equal(rest, bytes_of_string(table[i].rest)));
        if (strcmp(table[i].cookies, table[i].rest) == 0)
            assert_ptr_equal(rest.at, cookies.at);
        arena_clear(&arena);
    }
}

/* Many short cookies grow by the blanks between them: ASan sees where that ends. */
static void
many_short_ones_stay_within_their_memory(void **state)
{
    static char cookies[24 * 1024];
    const size_t ours = sizeof AFFINITY_COOKIE "=;" - 1;
    struct arena arena;
    struct bytes rest;

    (void)state;
    memcpy(cookies, AFFINITY_COOKIE "=;", ours);
    for (size_t i = ours; i < sizeof cookies; i++)
        cookies[i] = (i - ours) % 2 == 0 ? 'a' : ';';
    arena_init(&arena, 65536);
    assert_true(affinity_strip(bytes_of(cookies, sizeof cookies), &arena, &rest));
    assert_int_equal(rest.length, (sizeof cookies - ours + 1) / 2 * 3 - 2);
    arena_clear(&arena);
}

static void
a_full_arena_is_told(void **state)
{
    struct arena arena;
    struct bytes rest;

    (void)state;
    arena_init(&arena, 0);
    assert_false(affinity_strip(BYTES("a=1; " AFFINITY_COOKIE "=x"), &arena, &rest));
    arena_clear(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_depends_on_key_upstream_and_server),
        cmocka_unit_test(names_do_not_run_into_each_other),
        cmocka_unit_test(the_cookie_is_found_among_others),
        cmocka_unit_test(the_others_stay_when_it_is_taken_out),
        cmocka_unit_test(many_short_ones_stay_within_their_memory),
        cmocka_unit_test(a_full_arena_is_told),
    };

    return cmocka_run_group_tests_name("proxy/affinity", tests, NULL, NULL);
}
