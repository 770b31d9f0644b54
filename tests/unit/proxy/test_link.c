/*
 * tests/unit/proxy/test_link.c - how long a connection to a server is kept for others.
 *
 * The server is a listening socket: its kernel accepts, which is all that a link in
 * clear text needs to be established.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "base/require.h"
#include "log/event.h"
#include "proxy/exchange.h"
#include "proxy/link.h"
#include "proxy/worker.h"

static struct worker worker;
static struct upstream upstream;
static struct client client;
static struct exchange exchange;
static int listening;
static struct server_policy server_policy;
static struct upstream_policy policy;

static void
on_wake(void *owner)
{
    (void)owner; /* the test looks by itself */
}

static void
listen_on_loopback(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t length = sizeof at;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listening = socket(AF_INET, SOCK_STREAM, 0);
    require(bind(listening, (struct sockaddr *)&at, sizeof at) == 0);
    require(listen(listening, 8) == 0);
    require(getsockname(listening, (struct sockaddr *)&at, &length) == 0);
    server_policy = (struct server_policy){ .url = "http://one",
        .host = "one",
        .port = ntohs(at.sin_port) };
}

static int
set_up(void **state)
{
    struct note note;

    (void)state;
    listen_on_loopback();
    policy = (struct upstream_policy){ .name = "webmail",
        .servers = &server_policy,
        .server_count = 1,
        .bridge = BRIDGE_CLEAR_TEXT,
        .idle_pool = 8,
        .idle_pool_ms = 60000,
        .pool_age_ms = 60000,
        .failures = 1,
        .rest_ms = 1000 };
    require(uv_loop_init(&worker.loop) == 0);
    worker.log = event_log_new("test");
    worker.capacity.limit = 100; /* descriptors */
    require(upstream_init(&upstream, &worker, &policy, &note));
    client = (struct client){ .worker = &worker, .wake = on_wake };
    exchange = (struct exchange){ .client = &client };
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    link_close_pinned(&client);
    upstream_close_idle(&upstream);
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    upstream_fini(&upstream);
    event_log_free(&worker.log);
    require(uv_loop_close(&worker.loop) == 0);
    close(listening);
    return 0;
}

static void
resolve(const char *address)
{
    struct address_list list;

    require(address_list_literal(&list, address));
    snprintf(list.host, sizeof list.host, "one");
    upstream_set_addresses(&upstream, &list);
}

static struct link *
dial(void)
{
    struct note note = { "" };
    struct link *link = link_open(&upstream.servers[0], 0, &exchange);
    enum tls_io io;

    while ((io = link_establish(link, &note)) == TLS_IO_WAIT)
        uv_run(&worker.loop, UV_RUN_ONCE);
    assert_int_equal(io, TLS_IO_MOVED);
    return link;
}

static void
a_link_is_kept_for_others(void **state)
{
    struct link *link;

    (void)state;
    resolve("127.0.0.1");
    link = dial();
    link_release(link, true);
    assert_int_equal(upstream.servers[0].idle_count, 1);
    resolve("127.0.0.1"); /* no news */
    assert_ptr_equal(link_take_idle(&upstream.servers[0], &exchange), link);
    link_release(link, true);
}

/* What answers there now may be anybody: the server has moved. */
static void
an_idle_link_ends_when_its_address_is_lost(void **state)
{
    (void)state;
    resolve("127.0.0.1");
    link_release(dial(), true);
    resolve("127.0.0.2");
    assert_int_equal(upstream.servers[0].idle_count, 0);
    assert_null(link_take_idle(&upstream.servers[0], &exchange));
}

static void
a_link_in_use_ends_after_its_exchange(void **state)
{
    struct link *link;

    (void)state;
    resolve("127.0.0.1");
    link = dial();
    resolve("127.0.0.2");
    assert_false(server_has_address(&upstream.servers[0], &link->address));
    link_release(link, true);
    assert_int_equal(upstream.servers[0].idle_count, 0);
}

/* It speaks for one user and may be in the middle of a log-in: it ends with its client. */
static void
a_pinned_link_outlives_age_and_address(void **state)
{
    struct link *link;

    (void)state;
    policy.pool_age_ms = 0;
    resolve("127.0.0.1");
    link = dial();
    link->carried_auth = true;
    resolve("127.0.0.2");
    link_release(link, true);
    assert_ptr_equal(client.pinned, link);
    assert_ptr_equal(link_take_pinned(&client, &upstream, &exchange), link);
    link_release(link, true);
}

static void
an_old_link_is_not_kept(void **state)
{
    (void)state;
    policy.pool_age_ms = 0;
    resolve("127.0.0.1");
    link_release(dial(), true);
    assert_int_equal(upstream.servers[0].idle_count, 0);
}

static void
a_link_that_grew_old_in_the_pool_is_not_taken(void **state)
{
    struct link *link;

    (void)state;
    resolve("127.0.0.1");
    link = dial();
    link_release(link, true);
    link->old_from_ms = uv_now(&worker.loop);
    assert_null(link_take_idle(&upstream.servers[0], &exchange));
    assert_int_equal(upstream.servers[0].idle_count, 0);
}

#define with_server(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_server(a_link_is_kept_for_others),
        with_server(an_idle_link_ends_when_its_address_is_lost),
        with_server(a_link_in_use_ends_after_its_exchange),
        with_server(a_pinned_link_outlives_age_and_address),
        with_server(an_old_link_is_not_kept),
        with_server(a_link_that_grew_old_in_the_pool_is_not_taken),
    };

    return cmocka_run_group_tests_name("proxy/link", tests, NULL, NULL);
}
