/*
 * tests/unit/proxy/test_upstream.c - what is remembered of a server, and on whose word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "base/require.h"
#include "log/event.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

static struct worker worker;
static struct upstream upstream;
static const struct server_policy servers[] = {
    { .url = "http://one", .host = "one", .port = 80 },
    { .url = "http://two", .host = "two", .port = 80 },
};
static const struct upstream_policy policy = { .name = "webmail",
    .servers = servers,
    .server_count = 2,
    .bridge = BRIDGE_CLEAR_TEXT,
    .failures = 2,
    .rest_ms = 1000 };

static int
open_upstream(void **state)
{
    struct note note;

    (void)state;
    require(uv_loop_init(&worker.loop) == 0);
    worker.log = event_log_new("test");
    require(upstream_init(&upstream, &worker, &policy, &note));
    return 0;
}

static int
close_upstream(void **state)
{
    (void)state;
    upstream_fini(&upstream);
    event_log_free(&worker.log);
    require(uv_loop_close(&worker.loop) == 0);
    return 0;
}

/* The last bytes of its addresses, one for each letter. */
static void
resolve(const char *host, const char *last)
{
    struct address_list list = { .count = 0 };

    snprintf(list.host, sizeof list.host, "%s", host);
    for (; *last != '\0'; last++) {
        struct sockaddr_in address = { .sin_family = AF_INET };

        address.sin_addr.s_addr = htonl(0xc0000200 + (unsigned char)*last);
        address_list_add(&list, (struct sockaddr *)&address);
    }
    upstream_set_addresses(&upstream, &list);
}

static void
the_address_that_worked_is_tried_first(void **state)
{
    struct server *server = &upstream.servers[0];

    (void)state;
    resolve("one", "abc");
    server_reached(server, &server->addresses[2]);
    assert_int_equal(server->good_address, 2);
}

/* Name servers answer in another order each time. */
static void
it_stays_so_wherever_it_stands(void **state)
{
    struct server *server = &upstream.servers[0];

    (void)state;
    resolve("one", "abc");
    server_reached(server, &server->addresses[2]);
    resolve("one", "cab");
    assert_int_equal(server->good_address, 0);
    resolve("one", "bdac");
    assert_int_equal(server->good_address, 3);
}

static void
an_address_that_is_gone_is_not(void **state)
{
    struct server *server = &upstream.servers[0];
    struct sockaddr_storage gone;

    (void)state;
    resolve("one", "abc");
    gone = server->addresses[2];
    server_reached(server, &gone);
    resolve("one", "ba");
    assert_int_equal(server->good_address, 0);
    server_reached(server, &gone); /* dialled before the list changed */
    assert_int_equal(server->good_address, 0);
    assert_false(server_has_address(server, &gone));
    assert_true(server_has_address(server, &server->addresses[1]));
}

static struct server *
pick(uint64_t tried)
{
    return upstream_pick(&upstream, bytes_of(NULL, 0), tried);
}

static bool
is_picked(const struct server *server)
{
    for (unsigned i = 0; i < 2 * policy.server_count; i++) {
        if (pick(0) == server)
            return true;
    }
    return false;
}

static void
a_server_that_fails_in_a_row_rests(void **state)
{
    struct server *server = &upstream.servers[0];

    (void)state;
    server_failed(server, FAULT_UPSTREAM_CONNECT, NULL);
    server_reached(server, &server->addresses[0]);
    server_failed(server, FAULT_UPSTREAM_RESET, NULL);
    assert_true(is_picked(server));
    server_failed(server, FAULT_UPSTREAM_TLS_CLOSED, NULL);
    assert_false(is_picked(server));
    assert_true(is_picked(&upstream.servers[1]));
}

static void
when_all_rest_the_least_bad_is_tried(void **state)
{
    struct server *one = &upstream.servers[0], *two = &upstream.servers[1];

    (void)state;
    server_failed(two, FAULT_UPSTREAM_CERT_NAME, NULL);
    server_failed(one, FAULT_UPSTREAM_CONNECT, NULL);
    server_failed(one, FAULT_UPSTREAM_CONNECT, NULL);
    one->rests_until_ms = two->rests_until_ms; /* in one turn of the loop */
    assert_ptr_equal(pick(0), two);
    assert_ptr_equal(pick(1 << 1), one);
    assert_null(pick(3));
    two->rests_until_ms++;
    assert_ptr_equal(pick(0), one);
}

/* It is in nobody's way that it rests: it is asked all the same. */
static void
the_only_one_left_is_tried(void **state)
{
    struct server *server = &upstream.servers[0];

    (void)state;
    server_failed(server, FAULT_UPSTREAM_CERT_NAME, NULL);
    assert_ptr_equal(pick(1 << 1), server);
}

static void
what_others_did_wrong_is_not_its_fault(void **state)
{
    static const enum fault faults[] = { FAULT_HTTP_BODY_LARGE, FAULT_MEMORY,
        FAULT_CLIENT_CLOSED, FAULT_TLS_KEY_UNAVAILABLE, FAULT_NO_SOCKET };
    struct server *server = &upstream.servers[0];

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        server_failed(server, faults[i], NULL);
        server_failed(server, faults[i], NULL);
        assert_true(is_picked(server));
    }
}

#define with_upstream(test)                                                            \
    cmocka_unit_test_setup_teardown(test, open_upstream, close_upstream)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_upstream(the_address_that_worked_is_tried_first),
        with_upstream(it_stays_so_wherever_it_stands),
        with_upstream(an_address_that_is_gone_is_not),
        with_upstream(a_server_that_fails_in_a_row_rests),
        with_upstream(when_all_rest_the_least_bad_is_tried),
        with_upstream(the_only_one_left_is_tried),
        with_upstream(what_others_did_wrong_is_not_its_fault),
    };

    return cmocka_run_group_tests_name("proxy/upstream", tests, NULL, NULL);
}
