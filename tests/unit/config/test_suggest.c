/*
 * tests/unit/config/test_suggest.c - did you mean: near enough, and not too near.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "config/suggest.h"

static bool
is_near(const char *wanted, const char *candidate)
{
    struct suggestion s;

    suggest_begin(&s, wanted);
    suggest_consider(&s, candidate);
    return suggest_is_near(&s);
}

static void
forgives_one_slip(void **state)
{
    (void)state;
    assert_true(is_near("certficate", "certificate"));   /* left out */
    assert_true(is_near("certifficate", "certificate")); /* doubled */
    assert_true(is_near("vresion", "version"));          /* swapped */
    assert_true(is_near("UPSTREAM", "upstream"));
    assert_true(is_near("kye", "key"));
}

static void
does_not_guess_wildly(void **state)
{
    (void)state;
    assert_false(is_near("port", "user"));
    assert_false(is_near("geoip", "drain"));
    assert_false(is_near("x", "key"));
}

static void
takes_the_nearest_and_the_first(void **state)
{
    struct suggestion s;

    (void)state;
    suggest_begin(&s, "exchage");
    assert_false(suggest_is_near(&s));
    suggest_consider(&s, "exchanges");
    suggest_consider(&s, "exchange");
    suggest_consider(&s, "xchange");
    assert_string_equal(s.best, "exchange");
}

static void
leaves_long_words_alone(void **state)
{
    char word[400];

    (void)state;
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_false(is_near(word, word));
    assert_false(is_near("aaaa", word));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forgives_one_slip),
        cmocka_unit_test(does_not_guess_wildly),
        cmocka_unit_test(takes_the_nearest_and_the_first),
        cmocka_unit_test(leaves_long_words_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
