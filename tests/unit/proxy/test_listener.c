/*
 * tests/unit/proxy/test_listener.c - which published host a name belongs to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proxy/listener.h"

/* Five hosts whose TLS ends here, then two tunnels; each sorted, as config/ does it. */
static const struct publish_policy publishes[] = {
    { .host = "*.deep.example.com" },
    { .host = "*.example.com" },
    { .host = "192.0.2.1" },
    { .host = "mail.example.com" },
    { .host = "web.example.net" },
    { .host = "*.example.net" },
    { .host = "tunnel.example.com" },
};

static const char *
find(const char *host)
{
    const struct listener_policy policy = { .publishes = publishes,
        .tls = { .host_count = 5 },
        .publish_count = sizeof publishes / sizeof publishes[0] };
    const struct publish_policy *found =
        listener_find_publish(&policy, bytes_of_string(host));

    return found == NULL ? "none" : found->host;
}

static void
an_exact_name_goes_before_a_wildcard(void **state)
{
    (void)state;
    assert_string_equal(find("mail.example.com"), "mail.example.com");
    assert_string_equal(find("other.example.com"), "*.example.com");
    assert_string_equal(find("192.0.2.1"), "192.0.2.1");
    assert_string_equal(find("tunnel.example.com"), "tunnel.example.com");
    assert_string_equal(find("web.example.net"), "web.example.net");
    assert_string_equal(find("other.example.net"), "*.example.net");
}

/* What no DNS name can be is nobody's. */
static void
a_name_is_bytes_of_any_length(void **state)
{
    const struct listener_policy policy = { .publishes = publishes,
        .tls = { .host_count = 5 },
        .publish_count = 7 };
    char name[1000];

    (void)state;
    memset(name, 'a', sizeof name);
    memcpy(name + sizeof name - 12, ".example.com", 12);
    assert_null(listener_find_publish(&policy, bytes_of(name, sizeof name)));
    assert_non_null(listener_find_publish(&policy, bytes_of(name + 800, 200)));
    assert_null(listener_find_publish(&policy, BYTES("mail.example.com\0x")));
    assert_null(listener_find_publish(&policy, BYTES("x\0.example.com")));
}

static void
a_wildcard_covers_one_label_and_nothing_less(void **state)
{
    static const char *const strangers[] = { "example.com", ".example.com",
        "a.b.example.com", "a.example.com.evil.test", "aexample.com", "a.example.co",
        "a.example.comm", "*", "", "com", "mail.example.com.", "192.0.2.10" };

    (void)state;
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
        assert_string_equal(find(strangers[i]), "none");
    assert_string_equal(find("a.deep.example.com"), "*.deep.example.com");
    assert_string_equal(find("deep.example.com"), "*.example.com");
}

static void
nothing_published_is_nothing_found(void **state)
{
    const struct listener_policy policy = { .publish_count = 0 };

    (void)state;
    assert_null(listener_find_publish(&policy, BYTES("mail.example.com")));
    assert_null(listener_find_publish(&policy, bytes_of(NULL, 0)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_name_goes_before_a_wildcard),
        cmocka_unit_test(a_wildcard_covers_one_label_and_nothing_less),
        cmocka_unit_test(a_name_is_bytes_of_any_length),
        cmocka_unit_test(nothing_published_is_nothing_found),
    };

    return cmocka_run_group_tests_name("proxy/listener", tests, NULL, NULL);
}
