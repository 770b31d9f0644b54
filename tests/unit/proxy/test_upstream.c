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

static void
resolve(const char *host, unsigned count)
{
    struct address_list list = { .count = 0 };

    snprintf(list.host, sizeof list.host, "%s", host);
    for (unsigned i = 0; i < count; i++) {
        struct sockaddr_in address = { .sin_family = AF_INET };

        address.sin_addr.s_addr = htonl(0xc0000200 + i);
        address_list_add(&list, (struct sockaddr *)&address);
    }
    upstream_set_addresses(&upstream, &list);
}

static void
the_address_that_worked_is_tried_first(void **state)
{
    struct server *server = &upstream.servers[0];

    (void)state;
    resolve("one", 3);
    server_took(server, 2);
    assert_int_equal(server->good_address, 2);
}

static void
an_address_that_is_gone_is_not(void **state)
{
    struct server *server = &upstream.servers[0];

    (void)state;
    resolve("one", 3);
    server_took(server, 2);
    resolve("one", 1);
    assert_int_equal(server->good_address, 0);
    server_took(server, 2); /* dialled before the list changed */
    assert_int_equal(server->good_address, 0);
}

static bool
is_picked(const struct server *server)
{
    for (unsigned i = 0; i < 2 * policy.server_count; i++) {
        if (upstream_pick(&upstream, bytes_of(NULL, 0), 0) == server)
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
    server_succeeded(server);
    server_failed(server, FAULT_UPSTREAM_RESET, NULL);
    assert_true(is_picked(server));
    server_failed(server, FAULT_UPSTREAM_CLOSED, NULL);
    assert_false(is_picked(server));
    assert_true(is_picked(&upstream.servers[1]));
}

static void
what_others_did_wrong_is_not_its_fault(void **state)
{
    static const enum fault faults[] = { FAULT_HTTP_BODY_LARGE, FAULT_MEMORY,
        FAULT_CLIENT_CLOSED, FAULT_TLS_KEY_UNAVAILABLE };
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
        with_upstream(an_address_that_is_gone_is_not),
        with_upstream(a_server_that_fails_in_a_row_rests),
        with_upstream(what_others_did_wrong_is_not_its_fault),
    };

    return cmocka_run_group_tests_name("proxy/upstream", tests, NULL, NULL);
}
