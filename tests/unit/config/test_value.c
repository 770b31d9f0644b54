/*
 * tests/unit/config/test_value.c - what a written value means, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "config/value.h"

static enum value_state
read_as(enum setting_id id, const char *text, uint64_t *number)
{
    *number = 12345;
    return value_read(schema_setting(id), text, number);
}

static void
durations_carry_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = { { "10ms", 10 }, { "30s", 30000 }, { "15m", 900000 },
        { "8h", 28800000 }, { "1d", 86400000 } };
    static const char *const bad[] = { "", "s", "1.5h", "1h30m", "-1s", "+1s", " 1s",
        "1 s", "1S", "1min", "0x10s" };
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(read_as(SETTING_PUBLISH_IDLE, good[i].text, &number),
            VALUE_GOOD);
        assert_int_equal(number, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_as(SETTING_PUBLISH_IDLE, bad[i], &number),
            VALUE_MALFORMED);
    assert_int_equal(read_as(SETTING_PUBLISH_IDLE, "10", &number), VALUE_UNITLESS);
    assert_int_equal(read_as(SETTING_PUBLISH_IDLE, "9ms", &number), VALUE_OUT_OF_RANGE);
    assert_int_equal(read_as(SETTING_PUBLISH_IDLE, "2d", &number), VALUE_OUT_OF_RANGE);
    assert_int_equal(read_as(SETTING_PUBLISH_IDLE, "999999999999d", &number),
        VALUE_OUT_OF_RANGE); /* the product would overflow */
    assert_int_equal(read_as(SETTING_PUBLISH_IDLE, "99999999999999999999s", &number),
        VALUE_OUT_OF_RANGE);
}

static void
sizes_carry_units(void **state)
{
    uint64_t number;

    (void)state;
    assert_int_equal(read_as(SETTING_PUBLISH_BODY, "0B", &number), VALUE_GOOD);
    assert_int_equal(number, 0);
    assert_int_equal(read_as(SETTING_PUBLISH_BODY, "3GiB", &number), VALUE_GOOD);
    assert_int_equal(number, (uint64_t)3 << 30);
    assert_int_equal(read_as(SETTING_PUBLISH_BODY, "1MB", &number), VALUE_MALFORMED);
    assert_int_equal(read_as(SETTING_PUBLISH_BODY, "1K", &number), VALUE_MALFORMED);
    assert_int_equal(read_as(SETTING_PUBLISH_BODY, "1048576", &number), VALUE_UNITLESS);
    assert_int_equal(read_as(SETTING_PUBLISH_BODY, "999999999999GiB", &number),
        VALUE_OUT_OF_RANGE);
}

static void
numbers_are_decimal(void **state)
{
    uint64_t number;

    (void)state;
    assert_int_equal(read_as(SETTING_FILE_WORKERS, "010", &number), VALUE_GOOD);
    assert_int_equal(number, 10);
    assert_int_equal(read_as(SETTING_FILE_WORKERS, "0", &number), VALUE_OUT_OF_RANGE);
    assert_int_equal(read_as(SETTING_FILE_WORKERS, "65", &number), VALUE_OUT_OF_RANGE);
    assert_int_equal(read_as(SETTING_FILE_WORKERS, "99999999999999999999", &number),
        VALUE_OUT_OF_RANGE);
    assert_int_equal(read_as(SETTING_FILE_WORKERS, "0x4", &number), VALUE_MALFORMED);
    assert_int_equal(read_as(SETTING_FILE_WORKERS, "4 ", &number), VALUE_MALFORMED);
}

static void
flags_and_choices_are_words(void **state)
{
    uint64_t number;

    (void)state;
    assert_int_equal(read_as(SETTING_PUBLISH_WEBSOCKET, "true", &number), VALUE_GOOD);
    assert_int_equal(number, 1);
    assert_int_equal(read_as(SETTING_PUBLISH_WEBSOCKET, "yes", &number),
        VALUE_MALFORMED);
    assert_int_equal(read_as(SETTING_UPSTREAM_BRIDGE, "re-encrypt", &number),
        VALUE_GOOD);
    assert_int_equal(number, BRIDGE_REENCRYPT);
    assert_int_equal(read_as(SETTING_UPSTREAM_BRIDGE, "tunnel", &number), VALUE_GOOD);
    assert_int_equal(number, BRIDGE_TUNNEL);
    assert_int_equal(read_as(SETTING_UPSTREAM_BRIDGE, "clear_text", &number),
        VALUE_GOOD);
    assert_int_equal(number, BRIDGE_CLEAR_TEXT);
    assert_int_equal(read_as(SETTING_LISTENER_TLS_MINIMUM, "TLSv1.3", &number),
        VALUE_GOOD);
    assert_int_equal(number, TLS_MINIMUM_1_3);
    assert_int_equal(read_as(SETTING_UPSTREAM_BALANCE, "cookie", &number), VALUE_GOOD);
    assert_int_equal(number, BALANCE_COOKIE);
    assert_int_equal(read_as(SETTING_LISTENER_TLS_MINIMUM, "1", &number),
        VALUE_MALFORMED);
    assert_int_equal(read_as(SETTING_LISTENER_TLS_MINIMUM, "TLSv1", &number),
        VALUE_MALFORMED);
    assert_int_equal(read_as(SETTING_LISTENER_TLS_MINIMUM, "", &number),
        VALUE_MALFORMED);
}

static void
prints_in_the_largest_unit(void **state)
{
    char text[VALUE_PRINT_BYTES];

    (void)state;
    assert_string_equal(value_print(TYPE_DURATION, 90000, text), "90s");
    assert_string_equal(value_print(TYPE_DURATION, 3600000, text), "1h");
    assert_string_equal(value_print(TYPE_DURATION, 0, text), "0s");
    assert_string_equal(value_print(TYPE_DURATION, 1500, text), "1500ms");
    assert_string_equal(value_print(TYPE_SIZE, 65536, text), "64KiB");
    assert_string_equal(value_print(TYPE_SIZE, 0, text), "0B");
    assert_string_equal(value_print(TYPE_NUMBER, 7, text), "7");
}

static void
addresses_are_literal(void **state)
{
    static const char *const bad[] = { "443", "*", "localhost:443", "1.2.3.4",
        "1.2.3.4:x", "1.2.3.4:65536", "1.2.3.4:-1", "::1:443", "[::1]", "[::1]x443",
        "[1.2.3.4]:443", "[*]:443", "[::1:443", "1.2.3:443", "", ":443", "*:443:443" };
    struct listen_address a;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a.address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a.address;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(value_read_address(bad[i], &a));
    assert_null(value_read_address("192.0.2.1:443", &a));
    assert_int_equal(v4->sin_family, AF_INET);
    assert_int_equal(ntohs(v4->sin_port), 443);
    assert_int_equal(ntohl(v4->sin_addr.s_addr), 0xc0000201);
    assert_int_equal(a.length, sizeof(*v4));
    assert_null(value_read_address("[2001:db8::1]:8443", &a));
    assert_int_equal(v6->sin6_family, AF_INET6);
    assert_int_equal(ntohs(v6->sin6_port), 8443);
    assert_true(a.v6_only);
    assert_null(value_read_address("*:0", &a));
    assert_int_equal(v6->sin6_family, AF_INET6);
    assert_true(IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr));
    assert_false(a.v6_only);
}

static void
urls_end_behind_the_port(void **state)
{
    static const char *const bad[] = { "", "https://", "mail.example.com", "ftp://a",
        "https://a/b", "https://a?b", "https://a#b", "https://a:0", "https://a:65536",
        "https://a:", "https://a:b", "https://u:p@a", "https://[::1", "https://[a]",
        "https://a b", "https://-a", "https://*.a", "https:///", "https://a//" };
    struct value_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(value_read_url(bad[i], &url));
    assert_null(value_read_url("https://ex1.corp.example", &url));
    assert_string_equal(url.host, "ex1.corp.example");
    assert_int_equal(url.port, 443);
    assert_false(url.clear_text);
    assert_null(value_read_url("HTTP://127.0.0.1:8080/", &url));
    assert_string_equal(url.host, "127.0.0.1");
    assert_int_equal(url.port, 8080);
    assert_true(url.clear_text);
    assert_null(value_read_url("https://[2001:db8::1]:8443", &url));
    assert_string_equal(url.host, "2001:db8::1");
    assert_int_equal(url.port, 8443);
}

static void
hosts_are_dns_names(void **state)
{
    static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "-a", "a-", "a_b/c",
        "a:443", "*", "*.", "a.*.b", "m\xc3\xbcnchen", "a b" };
    char name[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(value_check_host(bad[i], true));
    assert_null(value_check_host("Mail.Example.com", true));
    assert_null(value_check_host("xn--mnchen-3ya.example", false));
    assert_null(value_check_host("*.example.com", true));
    assert_non_null(value_check_host("*.example.com", false));
    memset(name, 'a', 64);
    name[64] = '\0';
    assert_non_null(value_check_host(name, false));
    name[63] = '\0';
    assert_null(value_check_host(name, false));
    for (size_t i = 0; i < sizeof(name) - 1; i++)
        name[i] = i % 2 ? '.' : 'a';
    name[255] = '\0';
    assert_non_null(value_check_host(name, false)); /* 255 characters */
    name[253] = '\0';
    assert_null(value_check_host(name, false));
}

static void
prefixes_are_canonical(void **state)
{
    static const char *const bad[] = { "", "owa", "/", "/owa/", "//owa", "/a//b",
        "/./a", "/a/..", "/../a", "/a%20b", "/a?b", "/a#b", "/a\\b", "/a b", "/*" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(value_check_prefix(bad[i]));
    assert_null(value_check_prefix("/Microsoft-Server-ActiveSync"));
    assert_null(value_check_prefix("/a/..b/.c"));
}

static void
keys_have_places(void **state)
{
    struct stash stash;
    const char *path;

    (void)state;
    stash_init(&stash);
    assert_null(
        value_read_key("file:/a/b.key", "/etc/postern/postern.yaml", &stash, &path));
    assert_string_equal(path, "/a/b.key");
    assert_null(
        value_read_key("file:b.key", "/etc/postern/postern.yaml", &stash, &path));
    assert_string_equal(path, "/etc/postern/b.key");
    assert_null(value_read_key("file:b.key", "postern.yaml", &stash, &path));
    assert_string_equal(path, "b.key");
    setenv("CREDENTIALS_DIRECTORY", "/run/here", 1);
    assert_null(value_read_key("credential:tls", "x", &stash, &path));
    assert_string_equal(path, "/run/here/tls");
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_null(value_read_key("credential:tls", "x", &stash, &path));
    assert_string_equal(path, "/run/credentials/postern.service/tls");
    assert_non_null(value_read_key("credential:../x", "x", &stash, &path));
    assert_non_null(value_read_key("credential:a/b", "x", &stash, &path));
    assert_non_null(value_read_key("credential:", "x", &stash, &path));
    assert_non_null(value_read_key("file:", "x", &stash, &path));
    assert_non_null(value_read_key("env:KEY", "x", &stash, &path));
    assert_non_null(value_read_key("hunter2", "x", &stash, &path));
    stash_fini(&stash);
}

static void
loopback_is_this_machine_for_sure(void **state)
{
    (void)state;
    assert_true(value_is_loopback("127.0.0.1"));
    assert_true(value_is_loopback("127.255.0.9"));
    assert_true(value_is_loopback("::1"));
    assert_true(value_is_loopback("LocalHost"));
    assert_false(value_is_loopback("128.0.0.1"));
    assert_false(value_is_loopback("::"));
    assert_false(value_is_loopback("0.0.0.0"));
    assert_false(value_is_loopback("localhost.example.com"));
    assert_false(value_is_loopback("::ffff:10.0.0.1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_carry_units),
        cmocka_unit_test(sizes_carry_units),
        cmocka_unit_test(numbers_are_decimal),
        cmocka_unit_test(flags_and_choices_are_words),
        cmocka_unit_test(prints_in_the_largest_unit),
        cmocka_unit_test(addresses_are_literal),
        cmocka_unit_test(urls_end_behind_the_port),
        cmocka_unit_test(hosts_are_dns_names),
        cmocka_unit_test(prefixes_are_canonical),
        cmocka_unit_test(keys_have_places),
        cmocka_unit_test(loopback_is_this_machine_for_sure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
