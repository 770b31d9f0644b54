/*
 * tests/unit/log/test_mask.c - no secret of a URL gets into the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
}

static void
the_password_before_a_host_is_hidden(void **state)
{
    (void)state;
    expect_masked("https://bob:pw@mail.example/x?a=b",
        "https://***@mail.example/x?a=b");
    expect_masked("http://a:b@c@d/?token=1", "http://***@d/?token=***");
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
    expect_masked("x=password=y", "x=password=y");
    expect_masked("https://mail.example/@bob", "https://mail.example/@bob");
    expect_masked("?%", "?%");
    expect_masked("%6=1&%=2", "%6=1&%=2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_secret_parameters_are_hidden),
        cmocka_unit_test(neither_case_nor_encoding_of_the_name_helps),
        cmocka_unit_test(a_value_is_hidden_to_its_very_end),
        cmocka_unit_test(the_password_before_a_host_is_hidden),
        cmocka_unit_test(all_else_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
