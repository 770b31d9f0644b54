/*
 * tests/unit/http/test_pairs.c - parameters and cookies, as the webmail behind reads them.
 */
#include "http_test.h"

#include "http/pairs.h"

static struct arena arena;

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

/* "name=value;" for each pair. */
static const char *
spell(const struct pairs *pairs)
{
    static char text[512];
    size_t length = 0;

    for (unsigned i = 0; i < pairs->count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%.*s=%.*s;",
            BYTES_ARG(pairs->at[i].name), BYTES_ARG(pairs->at[i].value));
    text[length] = '\0';
    return text;
}

static void
queries_are_cut_and_decoded(void **state)
{
    static const struct {
        const char *query, *pairs;
    } rows[] = {
        { "", "" },
        { "a", "a=;" },
        { "a=b&c=d=e", "a=b;c=d=e;" },
        { "&&a=b&&", "a=b;" },
        { "=b", "=b;" },
        { "a%3Db=%26+%2B", "a=b=& +;" },
        { "a=%4&b=%zz&c=%", "a=%4;b=%zz;c=%;" },
        { "a+b=%", "a b=%;" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pairs pairs;

        assert_fault(pairs_of_query(bytes_of_string(rows[i].query), &arena, &pairs),
            FAULT_NONE);
        assert_string_equal(spell(&pairs), rows[i].pairs);
    }
}

static void
cookies_of_all_fields_count(void **state)
{
    struct http_field fields[] = {
        { BYTES("Cookie"), BYTES("a=b; c = d ;;e=f=g"), FIELD_COOKIE },
        { BYTES("Accept"), BYTES("x=y"), FIELD_ACCEPT },
        { BYTES("cookie"), BYTES("h=%7e"), FIELD_COOKIE },
    };
    const struct http_head head = { .fields = fields, .field_count = 3 };
    struct pairs pairs;

    (void)state;
    assert_fault(pairs_of_cookies(&head, &arena, &pairs), FAULT_NONE);
    assert_string_equal(spell(&pairs), "a=b;c=d;e=f=g;h=%7e;");
}

/* The array grows while the arena gives out other memory. */
static void
many_pairs_keep_their_places(void **state)
{
    char query[4 * 70 + 1], expected[4 * 70 + 1];
    struct pairs pairs;

    (void)state;
    for (size_t i = 0; i < 70; i++) {
        memcpy(query + 4 * i, "%41&", 4);
        query[4 * i + 2] = (char)('1' + i % 9);
        (void)snprintf(expected + 3 * i, 4, "%c=;", (int)('A' + i % 9));
    }
    assert_fault(pairs_of_query(bytes_of(query, 4 * 70), &arena, &pairs), FAULT_NONE);
    assert_int_equal(pairs.count, 70);
    assert_string_equal(spell(&pairs), expected);
}

static void
there_is_a_bound(void **state)
{
    char query[2 * PAIRS_MAX + 2];
    struct pairs pairs;

    (void)state;
    for (size_t i = 0; i < sizeof query; i++)
        query[i] = i % 2 == 0 ? 'a' : '&';
    assert_fault(pairs_of_query(bytes_of(query, 2 * PAIRS_MAX - 1), &arena, &pairs),
        FAULT_NONE);
    assert_int_equal(pairs.count, PAIRS_MAX);
    assert_fault(pairs_of_query(bytes_of(query, 2 * PAIRS_MAX + 1), &arena, &pairs),
        FAULT_FILTER_PARAMETER);

    arena.limit = arena.used + 64; /* an array has room for 16 at first */
    assert_fault(pairs_of_query(BYTES("a=b&c=d&e=f"), &arena, &pairs), FAULT_MEMORY);
}

static void
names_are_read_as_php_reads_them(void **state)
{
    static const struct {
        const char *word, *name;
        bool exact, nocase;
    } rows[] = {
        { "_from", "_from", true, true },
        { "_from", "_FROM", false, true },
        { "_from", ".from", true, true },
        { "_from", "  from", false, false },
        { "*:method", ":method", true, true },
        { "*:method", "a b:method", true, true },
        { "*:method", "a:METHOD", false, true },
        { "*:method", "a:methods", false, false },
        { "*:method", "a:method[]", false, false },
        { "*:method", "method", false, false },
        { "*:method", "", false, false },
        { "*", "any", true, true },
        { "_from", " _from", true, true },
        { "_from", "_from[]", true, true },
        { "_from", "_from[a][b]", true, true },
        { "_from", "_froma", false, false },
        { "_from", "_fro", false, false },
        { "_file[]", "_file[]", true, true },
        { "_file[]", "_file[x]", false, false },
        { "_file[]", "_file", false, false },
        { "_a*", "_a", true, true },
        { "_a*", "_abc[x]", true, true },
        { "_a*", "_b", false, false },
        { "*", "", true, true },
        { "a_b", "a.b", true, true },
        { "a_b", "a b", true, true },
        { "a_b", "a-b", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes word = bytes_of_string(rows[i].word);
        struct bytes name = bytes_of_string(rows[i].name);

        if (pairs_name_is(word, name, false) != rows[i].exact ||
            pairs_name_is(word, name, true) != rows[i].nocase)
            fail_msg("%s %s", rows[i].word, rows[i].name);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(queries_are_cut_and_decoded),
        TEST(cookies_of_all_fields_count),
        TEST(many_pairs_keep_their_places),
        TEST(there_is_a_bound),
        TEST(names_are_read_as_php_reads_them),
    };

    return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
