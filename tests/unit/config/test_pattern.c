/*
 * tests/unit/config/test_pattern.c - shapes, networks, dates and names mean what they say, or nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "config/pattern.h"

static bool
has(const struct shape *shape, char c)
{
    unsigned char byte = (unsigned char)c;

    return (shape->set[byte >> 3] >> (byte & 7) & 1) != 0;
}

/* Which bytes the shape of `text` has must be exactly those of `wanted`. */
static void
assert_class(const char *text, const char *wanted)
{
    struct shape shape;

    assert_null(pattern_read_shape(text, &shape));
    for (int c = 1; c < 256; c++)
        if (has(&shape, (char)c) != (strchr(wanted, c) != NULL))
            fail_msg("%s: byte 0x%02x", text, (unsigned)c);
    assert_false(has(&shape, '\0'));
}

static void
a_class_has_its_characters_and_no_other(void **state)
{
    (void)state;
    assert_class("[abc]{1}", "abc");
    assert_class("[a-e0-2]{1}", "abcde012");
    assert_class("[a-]{1}", "a-");
    assert_class("[-a]{1}", "-a");
    assert_class("[a\\-c]{1}", "a-c");
    assert_class("[\\]\\\\x]{1}", "]\\x");
    assert_class("[[{}^]{1}", "[{}^");
    assert_class("[ -~]{1}",
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
        "`abcdefghijklmnopqrstuvwxyz{|}~");
}

static void
a_length_is_exact_or_a_range(void **state)
{
    struct shape shape;

    (void)state;
    assert_null(pattern_read_shape("[a]{7}", &shape));
    assert_int_equal(shape.minimum, 7);
    assert_int_equal(shape.maximum, 7);
    assert_null(pattern_read_shape("[a]{0,64}", &shape));
    assert_int_equal(shape.minimum, 0);
    assert_int_equal(shape.maximum, 64);
}

static void
no_other_shape_is_taken(void **state)
{
    static const char *const wrong[] = { "", "a", "a{1}", "[a]", "[a]{}", "[a]{1",
        "[a]1}", "[a]{,1}", "[a]{1,}", "[a]{1,2,3}", "[a]{2,1}", "[a]{0}", "[a]{0,0}",
        "[a]{-1}", "[a]{ 1}", "[a]{1}x", "[a]+", "[a]*", "[]{1}", "[^a]{1}", "[z-a]{1}",
        "[a\\d]{1}", "[a\\", "[a\\]{1}", "[a", "[", "[a-", "[\xc3\xa9]{1}", "[a\tb]{1}",
        "[a]{1048577}", "[a]{99999999999999999999}", "[a]{1}[b]{1}", "[a-\\d]{1}" };
    struct shape shape;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (pattern_read_shape(wrong[i], &shape) == NULL)
            fail_msg("taken: %s", wrong[i]);
}

static void
a_network_is_kept_as_ipv6(void **state)
{
    static const uint8_t v4[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [13] = 128 };
    static const uint8_t v6[16] = { 0xfd };
    struct network network;

    (void)state;
    assert_null(pattern_read_network("10.128.0.0/9", &network));
    assert_int_equal(network.bits, 96 + 9);
    assert_memory_equal(network.bytes, v4, 16);
    assert_null(pattern_read_network("fd00::/8", &network));
    assert_int_equal(network.bits, 8);
    assert_memory_equal(network.bytes, v6, 16);
    assert_null(pattern_read_network("192.0.2.1", &network));
    assert_int_equal(network.bits, 128);
    assert_null(pattern_read_network("::1", &network));
    assert_int_equal(network.bits, 128);
    assert_null(pattern_read_network("0.0.0.0/0", &network));
    assert_int_equal(network.bits, 96);
    assert_null(pattern_read_network("::/0", &network));
    assert_int_equal(network.bits, 0);
}

static void
no_other_network_is_taken(void **state)
{
    static const char *const wrong[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33",
        "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0/8", "fd00::/129", "fd00::1/64",
        "mail.example.com", "10.0.0.0 /8", "[::1]", "10.0.0.0/-1",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999" };
    struct network network;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (pattern_read_network(wrong[i], &network) == NULL)
            fail_msg("taken: %s", wrong[i]);
}

static void
a_day_counts_to_its_end(void **state)
{
    int64_t end = 0;

    (void)state;
    assert_null(pattern_read_date("2026-12-31", &end));
    assert_int_equal(end, 1798761600); /* 2027-01-01T00:00:00Z */
    assert_null(pattern_read_date("2028-02-29", &end));
    assert_int_equal(end, 1835481600); /* 2028-03-01T00:00:00Z */
}

static void
no_other_day_is_taken(void **state)
{
    static const char *const wrong[] = { "", "2026", "2026-2-3", "2026-13-01",
        "2026-00-01", "2026-01-00", "2026-02-29", "2026-04-31", "2026-12-31 ",
        "26-12-2031", "2026/12/31", "1999-12-31", "20x6-12-31", "2026-12-311" };
    int64_t end;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (pattern_read_date(wrong[i], &end) == NULL)
            fail_msg("taken: %s", wrong[i]);
}

struct row {
    enum setting_type type;
    const char *good, *wrong; /* words */
};

static void
names_are_taken_by_their_kind(void **state)
{
    static const struct row rows[] = {
        { TYPE_METHOD, "GET RPC_IN_DATA M-SEARCH", "get G1 *" },
        { TYPE_FIELD, "X-A x_b X-Remote-* A", "* X-*-B X:A X@A é" },
        { TYPE_WORD, "a a* é :", "* *a a*b" },
        { TYPE_MEDIA_TYPE, "text/xml multipart/* application/vnd.ms-sync.wbxml absent",
            "text Absent absent/ text/ /xml */* text/xml/x */xml text/x*l text/xml;a" },
        { TYPE_EXTENSION, ". .exe .7z .php~", "exe .tar.gz .a* ./" },
        { TYPE_BASE, "/ /a /a/b", "a /a/ /a//b /../a /a%20" },
        { TYPE_GLOB,
            "/ /** /a/* /a*/b /a/** /a/*/b/** /*.js /**/a /a/**/*.js /a/**/b/**",
            "a /a** /a**/b /a/***/b /a/**b/c /a/**/**/b /a/**/b/**/** /a/*** /a//b "
            "/a/../b /./a /a%20 /a?b /a#b /a\\b" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int good = 0; good <= 1; good++) {
            struct bytes rest = bytes_of_string(good ? rows[i].good : rows[i].wrong);

            while (rest.at != NULL) {
                struct bytes word = bytes_cut(&rest, ' ');
                char text[64] = "";

                memcpy(text, word.at, word.length);
                if ((pattern_check(rows[i].type, text) == NULL) != (good == 1))
                    fail_msg("type %d: %s", (int)rows[i].type, text);
            }
        }
}

static void
ids_have_their_form(void **state)
{
    (void)state;
    assert_null(pattern_check_rule("RC010"));
    assert_null(pattern_check_rule("RC010a"));
    assert_non_null(pattern_check_rule("RC10"));
    assert_non_null(pattern_check_rule("rc010"));
    assert_non_null(pattern_check_rule("RC010A"));
    assert_non_null(pattern_check_rule("RC010ab"));
    assert_non_null(pattern_check_rule(""));
    assert_null(pattern_check_mitigation("PM-2021-26855"));
    assert_null(pattern_check_mitigation("PM-2021-26855-ANON"));
    assert_non_null(pattern_check_mitigation("PM-"));
    assert_non_null(pattern_check_mitigation("CVE-2021-26855"));
    assert_non_null(pattern_check_mitigation("PM-2021 1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_has_its_characters_and_no_other),
        cmocka_unit_test(a_length_is_exact_or_a_range),
        cmocka_unit_test(no_other_shape_is_taken),
        cmocka_unit_test(a_network_is_kept_as_ipv6),
        cmocka_unit_test(no_other_network_is_taken),
        cmocka_unit_test(a_day_counts_to_its_end),
        cmocka_unit_test(no_other_day_is_taken),
        cmocka_unit_test(names_are_taken_by_their_kind),
        cmocka_unit_test(ids_have_their_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
