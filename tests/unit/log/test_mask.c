/*
 * tests/unit/log/test_mask.c - no secret of a URL gets into the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "log/mask.h"

static void
expect_masked(const char *url, const char *expected)
{
    char text[512];
    size_t length = 0;
    struct bytes rest = bytes_of_string(url), secret;

    while ((secret = mask_find(rest)).length > 0) {
        const char *behind = secret.at + secret.length;

        memcpy(text + length, rest.at, (size_t)(secret.at - rest.at));
        length += (size_t)(secret.at - rest.at);
        memcpy(text + length, MASK, sizeof(MASK) - 1);
        length += sizeof(MASK) - 1;
        rest = bytes_of(behind, rest.length - (size_t)(behind - rest.at));
    }
    if (rest.length > 0)
        memcpy(text + length, rest.at, rest.length);
    text[length + rest.length] = '\0';
    assert_string_equal(text, expected);
}

static void
values_of_secret_parameters_are_hidden(void **state)
{
    (void)state;
    expect_masked("user=bob&password=hunter2&x=1", "user=bob&password=***&x=1");
    expect_masked("/?_task=login&_pass=a&_token=b",
        "/?_task=login&_pass=***&_token=***");
    expect_masked("/cb#access_token=abc&x=2", "/cb#access_token=***&x=2");
    expect_masked("/a;jsessionid=0123?b=2", "/a;jsessionid=***");
}

static void
neither_case_nor_encoding_of_the_name_helps(void **state)
{
    (void)state;
    expect_masked("PassWord=x", "PassWord=***");
    expect_masked("?p%61ssw%6Frd=x&a=b", "?p%61ssw%6Frd=***&a=b");
}

static void
a_value_is_hidden_to_its_very_end(void **state)
{
    (void)state;
    expect_masked("password=a;b?c=d&e=f", "password=***&e=f");
    expect_masked("password=a=b", "password=***");
    expect_masked("password=a%26b%3dc", "password=***");
    expect_masked("a=b?password=c", "a=b?password=***");
    expect_masked("x=password=y", "x=password=***");
}

static void
a_url_inside_a_url_has_its_secrets_hidden(void **state)
{
    (void)state;
    expect_masked("?_url=_a%3Db%26_token%3Dx%2526y%26c%3Dd&e=f",
        "?_url=_a%3Db%26_token%3D***%26c%3Dd&e=f");
    expect_masked("logon.aspx?url=https%3a%2f%2fm.example%2fowa%2f%3fcode%3dx&r=0",
        "logon.aspx?url=https%3a%2f%2fm.example%2fowa%2f%3fcode%3d***&r=0");
    expect_masked("?u=a%253Fr%253Db%25253Fpin%25253D1%2526x", /* three levels */
        "?u=a%253Fr%253Db%25253Fpin%25253D***%2526x");
    expect_masked("?u=http%3A%2F%2Fa%3Ab%40c%2F", "?u=http%3A%2F%2F***%40c%2F");
    expect_masked("?u=_token%3Dx", "?u=_token%3D***");
    expect_masked("?u=%25&x=%2525", "?u=%25&x=%2525");
}

/* A mark of `depth` levels: "&", "%26", "%2526" ... */
static void
put_mark(char *text, size_t room, char mark, unsigned depth)
{
    size_t length = strlen(text);

    if (depth == 0) {
        (void)snprintf(text + length, room - length, "%c", mark);
        return;
    }
    (void)snprintf(text + length, room - length, "%%");
    while (--depth > 0)
        (void)strncat(text, "25", room - strlen(text) - 1);
    length = strlen(text);
    (void)snprintf(text + length, room - length, "%02X", (unsigned)mark);
}

/* Every name, behind every mark, at every level, in every place: the value is gone. */
static void
no_secret_comes_out_of_any_place(void **state)
{
#define SECRET_PARAM(name) name,
    static const char *const names[] = {
#include "log/secret_params.def"
    };
#undef SECRET_PARAM
    static const char *const places[] = { "/owa/auth/logon.aspx?replaceCurrent=1",
        "https://m.example/?_task=mail&_url=x", "/#a", "Host: m.example", "/a;b=c",
        "Mozilla/5.0 (x; y)", "/a%20b%3F%26", "%", "%25%2", "://:@/" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        for (size_t k = 0; k < sizeof(places) / sizeof(*places) * 5 * 4; k++) {
            char text[512];
            struct bytes rest, secret;
            unsigned depth = (unsigned)(k / 4 % 5);
            bool is_gone = false;

            (void)snprintf(text, sizeof(text), "%s", places[k / 20]);
            put_mark(text, sizeof(text), "?&;="[k % 4], depth);
            (void)strncat(text, names[i], sizeof(text) - strlen(text) - 1);
            put_mark(text, sizeof(text), '=', depth);
            (void)strncat(text, "S3CR3T", sizeof(text) - strlen(text) - 1);
            put_mark(text, sizeof(text), '&', depth);
            rest = bytes_of_string(text);
            while (!is_gone && (secret = mask_find(rest)).length > 0) {
                const char *behind = secret.at + secret.length;

                is_gone = bytes_contains_nocase(secret, BYTES("S3CR3T"));
                rest = bytes_of(behind, rest.length - (size_t)(behind - rest.at));
            }
            if (!is_gone)
                fail_msg("it shows in %s", text);
        }
}

static void
the_password_before_a_host_is_hidden(void **state)
{
    (void)state;
    expect_masked("https://bob:pw@mail.example/x?a=b",
        "https://***@mail.example/x?a=b");
    expect_masked("http://a:b@c@d/?token=1", "http://***@d/?token=***");
    expect_masked("http://a:b%23%2F%3f%40c@d/", "http://***@d/");
    expect_masked("u=http%3a%2f%2fa:b%2523%252Fc%40d%2f", "u=http%3a%2f%2f***%40d%2f");
    expect_masked("/?u=http://a:b@c/", "/?u=http://***@c/");
}

static void
all_else_is_shown(void **state)
{
    (void)state;
    expect_masked("", "");
    expect_masked("/owa/service.svc", "/owa/service.svc");
    expect_masked("passwordless=yes&spin=1", "passwordless=yes&spin=1");
    expect_masked("password=&x=1", "password=&x=1");
    expect_masked("https://mail.example/@bob", "https://mail.example/@bob");
    expect_masked("?%", "?%");
    expect_masked("%6=1&%=2", "%6=1&%=2");
}

/* Else this test would not end: a search from each of 150,000 colons to the end. */
static void
colons_cost_no_more_than_they_are(void **state)
{
    static const char unit[] = ":%2f%2f";
    static char text[150000 * (sizeof(unit) - 1)];

    (void)state;
    for (size_t at = 0; at < sizeof(text); at += sizeof(unit) - 1)
        memcpy(text + at, unit, sizeof(unit) - 1);
    assert_int_equal(mask_find(bytes_of(text, sizeof(text))).length, 0);
    expect_masked("a:%2f%2fb:%2f%2fc/a://x:y@h", "a:%2f%2fb:%2f%2fc/a://***@h");
    expect_masked("a:%2f%2fb:%2f%2fx:y@h", "a:%2f%2f***@h");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_secret_parameters_are_hidden),
        cmocka_unit_test(neither_case_nor_encoding_of_the_name_helps),
        cmocka_unit_test(a_value_is_hidden_to_its_very_end),
        cmocka_unit_test(a_url_inside_a_url_has_its_secrets_hidden),
        cmocka_unit_test(no_secret_comes_out_of_any_place),
        cmocka_unit_test(the_password_before_a_host_is_hidden),
        cmocka_unit_test(all_else_is_shown),
        cmocka_unit_test(colons_cost_no_more_than_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
