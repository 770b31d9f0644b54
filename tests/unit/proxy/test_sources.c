/*
 * tests/unit/proxy/test_sources.c - whose connections count as whose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "proxy/sources.h"

static struct sockaddr_storage
address_of(const char *text)
{
    struct sockaddr_storage at = { .ss_family = AF_INET };
    struct sockaddr_in *four = (void *)&at;
    struct sockaddr_in6 *six = (void *)&at;

    if (inet_pton(AF_INET, text, &four->sin_addr) != 1) {
        at = (struct sockaddr_storage){ .ss_family = AF_INET6 };
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
    }
    return at;
}

static bool
enter(struct sources *sources, const char *text, uint32_t limit)
{
    struct sockaddr_storage at = address_of(text);

    return sources_enter(sources, (const struct sockaddr *)&at, limit);
}

static void
leave(struct sources *sources, const char *text)
{
    struct sockaddr_storage at = address_of(text);

    sources_leave(sources, (const struct sockaddr *)&at);
}

static void
each_source_has_its_own_limit(void **state)
{
    struct sources *sources = sources_new();

    (void)state;
    assert_true(enter(sources, "192.0.2.1", 2));
    assert_true(enter(sources, "192.0.2.1", 2));
    assert_false(enter(sources, "192.0.2.1", 2));
    assert_true(enter(sources, "192.0.2.2", 2));
    leave(sources, "192.0.2.1");
    assert_true(enter(sources, "192.0.2.1", 2)); /* the refused one was not counted */
    assert_false(enter(sources, "192.0.2.1", 2));
    sources_free(&sources);
    assert_null(sources);
}

static void
a_limit_of_nothing_is_none(void **state)
{
    struct sources *sources = sources_new();

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(enter(sources, "192.0.2.1", 0));
    sources_free(&sources);
}

static void
an_ipv6_source_is_its_network(void **state)
{
    struct sources *sources = sources_new();

    (void)state;
    assert_true(enter(sources, "2001:db8:1:2::1", 1));
    assert_false(enter(sources, "2001:db8:1:2:ffff::9", 1));
    assert_true(enter(sources, "2001:db8:1:3::1", 1));
    sources_free(&sources);
}

static void
a_mapped_address_is_the_ipv4_one(void **state)
{
    struct sources *sources = sources_new();

    (void)state;
    assert_true(enter(sources, "192.0.2.1", 1));
    assert_false(enter(sources, "::ffff:192.0.2.1", 1));
    assert_true(enter(sources, "::ffff:192.0.2.2", 1));
    leave(sources, "::ffff:192.0.2.1");
    assert_true(enter(sources, "192.0.2.1", 1));
    sources_free(&sources);
}

static void
many_sources_come_and_go(void **state)
{
    struct sources *sources = sources_new();
    char text[32];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            snprintf(text, sizeof text, "10.%d.%d.1", i / 256, i % 256);
            assert_true(enter(sources, text, 1));
        }
        for (int i = 0; i < 20000; i++) {
            snprintf(text, sizeof text, "10.%d.%d.1", i / 256, i % 256);
            leave(sources, text);
        }
    }
    sources_free(&sources);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_source_has_its_own_limit),
        cmocka_unit_test(a_limit_of_nothing_is_none),
        cmocka_unit_test(an_ipv6_source_is_its_network),
        cmocka_unit_test(a_mapped_address_is_the_ipv4_one),
        cmocka_unit_test(many_sources_come_and_go),
    };

    return cmocka_run_group_tests_name("proxy/sources", tests, NULL, NULL);
}
