/*
 * tests/unit/proxy/test_gate.c - host, loop, route and body, each gate by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "proxy/exchange.h"
#include "proxy/gate.h"
#include "proxy/listener.h"
#include "proxy/worker.h"

static const struct route_policy routes[] = {
    { .prefix = "/mail/files/" },
    { .prefix = "/mail" },
    { .prefix = "/" },
};
static const struct filter_policy filter = { .application = "any" };
static const struct filter_policy iis = { .application = "exchange",
    .ignores_case = true };
static const struct publish_policy publishes[] = {
    { .host = "*.example.com",
        .filter = &iis,
        .routes = routes,
        .route_count = 3,
        .limits = HTTP_LIMITS_DEFAULT },
    { .host = "mail.example.com",
        .filter = &filter,
        .routes = routes,
        .route_count = 3,
        .limits = HTTP_LIMITS_DEFAULT },
};
static const struct listen_address addresses[2];
static struct listener_policy policy = { .publishes = publishes,
    .publish_count = 2,
    .addresses = addresses,
    .address_count = 2 };
static struct listener_socket sockets[] = { { .port = 8443 }, { .port = 9443 } };

/* A request of a client whose handshake chose mail.example.com. */
struct stage {
    struct worker worker;
    struct listener listener;
    struct client client;
    struct exchange x;
};

static int
set_up(void **state)
{
    struct stage *s = require_zeroed(1, sizeof *s);

    snprintf(s->worker.pseudonym, sizeof s->worker.pseudonym, "postern-1234abcd");
    snprintf(s->worker.loop_mark, sizeof s->worker.loop_mark, "00ff00ff");
    policy.public_port = 0;
    s->listener.policy = &policy;
    s->listener.sockets = sockets;
    s->client.worker = &s->worker;
    s->client.listener = &s->listener;
    s->client.publish = &publishes[1];
    snprintf(s->client.server_name, sizeof s->client.server_name, "mail.example.com");
    s->x.client = &s->client;
    arena_init(&s->x.arena, 1 << 20);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *s = *state;

    arena_clear(&s->x.arena);
    free(s);
    return 0;
}

static enum fault
pass(struct stage *s, const char *name)
{
    for (unsigned i = 0; i < gate_count; i++) {
        if (strcmp(gates[i].name, name) == 0)
            return gates[i].run(&s->x);
    }
    fail_msg("there is no gate %s", name);
    return FAULT_COUNT;
}

static enum fault
pass_host(struct stage *s, const char *authority)
{
    assert_true(
        http_authority_read(bytes_of_string(authority), &s->x.request.authority));
    return pass(s, "host");
}

static void
assert_called(const struct stage *s, const char *authority)
{
    assert_true(bytes_equal(s->x.authority, bytes_of_string(authority)));
}

static void
the_host_is_the_one_of_the_handshake(void **state)
{
    struct stage *s = *state;

    assert_int_equal(pass_host(s, "mail.example.com"), FAULT_NONE);
    assert_ptr_equal(s->x.publish, &publishes[1]);
    assert_int_equal(pass_host(s, "mail.example.com:8443"), FAULT_NONE);
    assert_int_equal(pass_host(s, "www.example.com"), FAULT_HTTP_HOST_MISDIRECTED);
    assert_int_equal(pass_host(s, "example.com"), FAULT_HTTP_HOST_UNKNOWN);
    assert_int_equal(pass_host(s, "mail.example.com.evil"), FAULT_HTTP_HOST_UNKNOWN);
}

/* Its links and what caches keep would else lead to a port that a stranger wrote. */
static void
the_port_is_one_that_clients_reach(void **state)
{
    struct stage *s = *state;

    assert_int_equal(pass_host(s, "mail.example.com:8080"), FAULT_HTTP_HOST_PORT);
    assert_int_equal(pass_host(s, "mail.example.com:80"), FAULT_HTTP_HOST_PORT);
    assert_int_equal(pass_host(s, "mail.example.com:9443"), FAULT_NONE);
    assert_called(s, "mail.example.com:9443");
    /* Who names none means 443 (RFC 9110, 4.2.3), and came through a port mapping. */
    assert_int_equal(pass_host(s, "mail.example.com"), FAULT_NONE);
    assert_called(s, "mail.example.com");
    assert_int_equal(pass_host(s, "mail.example.com:443"), FAULT_NONE);
    assert_called(s, "mail.example.com");
}

static void
a_public_port_stands_for_443(void **state)
{
    struct stage *s = *state;

    policy.public_port = 444;
    assert_int_equal(pass_host(s, "mail.example.com:444"), FAULT_NONE);
    assert_called(s, "mail.example.com:444");
    assert_int_equal(pass_host(s, "mail.example.com:8443"), FAULT_NONE);
    assert_int_equal(pass_host(s, "mail.example.com"), FAULT_HTTP_HOST_PORT);
    assert_int_equal(pass_host(s, "mail.example.com:443"), FAULT_HTTP_HOST_PORT);
    assert_int_equal(listener_https_port(&s->listener), 444);
}

/* Two names under one wildcard may be two sites with two sets of cookies. */
static void
names_under_one_wildcard_are_not_the_same(void **state)
{
    struct stage *s = *state;

    s->client.publish = &publishes[0];
    snprintf(s->client.server_name, sizeof s->client.server_name, "one.example.com");
    assert_int_equal(pass_host(s, "one.example.com"), FAULT_NONE);
    assert_int_equal(pass_host(s, "two.example.com"), FAULT_HTTP_HOST_MISDIRECTED);
}

static void
without_a_server_name_the_default_host_must_be_meant(void **state)
{
    struct stage *s = *state;

    s->client.server_name[0] = '\0';
    assert_int_equal(pass_host(s, "mail.example.com"), FAULT_NONE);
    assert_int_equal(pass_host(s, "www.example.com"), FAULT_HTTP_HOST_MISDIRECTED);
}

static void
in_clear_text_any_published_host_is_led_to_https(void **state)
{
    static const struct {
        unsigned method, status;
    } table[] = {
        { HTTP_METHOD_GET, 302 },
        { HTTP_METHOD_HEAD, 302 },
        { HTTP_METHOD_POST, 307 },
        { HTTP_METHOD_OTHER, 307 },
    };
    struct stage *s = *state;

    s->client.clear_text = true;
    s->client.publish = NULL;
    s->client.server_name[0] = '\0';
    assert_int_equal(pass_host(s, "www.example.com:8080"), FAULT_NONE);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        s->x.request.method_id = table[i].method;
        assert_int_equal(pass(s, "redirect"), FAULT_NONE);
        assert_int_equal(s->x.redirect, table[i].status);
    }
    assert_int_equal(pass_host(s, "evil.test"), FAULT_HTTP_HOST_UNKNOWN);
}

static void
our_own_mark_is_a_loop(void **state)
{
    static const struct {
        enum field_id id;
        const char *value;
        enum fault fault;
    } table[] = {
        { FIELD_VIA, "1.1 postern-1234abcd", FAULT_HTTP_LOOP },
        { FIELD_VIA, "1.0 squid, 1.1 POSTERN-1234ABCD (x)", FAULT_HTTP_LOOP },
        { FIELD_VIA, "1.1 postern-1234abce", FAULT_NONE },
        { FIELD_VIA, "1.1 other", FAULT_NONE },
        { FIELD_VIA, "1.1 00ff00ff", FAULT_NONE },
        { FIELD_POSTERN_LOOP, "00ff00ff", FAULT_HTTP_LOOP },
        { FIELD_POSTERN_LOOP, "aa00aa00, 00FF00FF", FAULT_HTTP_LOOP },
        { FIELD_POSTERN_LOOP, "aa00aa00", FAULT_NONE },
        { FIELD_POSTERN_LOOP, "postern-1234abcd", FAULT_NONE },
    };
    struct stage *s = *state;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct http_field mark = { .name = bytes_of_string(field_name(table[i].id)),
            .value = bytes_of_string(table[i].value),
            .id = table[i].id };

        s->x.request.fields = &mark;
        s->x.request.field_count = 1;
        assert_int_equal(pass(s, "loop"), table[i].fault);
    }
}

static void
a_route_leads_its_path_and_what_is_below(void **state)
{
    static const struct {
        const char *path;
        int route;
    } table[] = {
        { "/", 2 },
        { "/mail", 1 },
        { "/mail/", 1 },
        { "/mail/x", 1 },
        { "/mailbox", 2 },
        { "/Mail", 2 },
        { "/mail/files", 1 },
        { "/mail/files/", 0 },
        { "/mail/files/a", 0 },
        { "/x/mail", 2 },
        { "*", 2 },
    };
    struct stage *s = *state;

    s->x.publish = &publishes[1];
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        s->x.url.decoded = bytes_of_string(table[i].path);
        s->x.route = NULL;
        assert_int_equal(pass(s, "route"), FAULT_NONE);
        if (s->x.route != &routes[table[i].route])
            fail_msg("%s was led to %s", table[i].path, s->x.route->prefix);
    }
}

/* IIS takes them for one path, so they are one for the operator's route. */
static void
a_route_ignores_case_where_the_server_does(void **state)
{
    static const struct {
        const char *path;
        int route;
    } table[] = {
        { "/MAIL", 1 },
        { "/Mail/x", 1 },
        { "/Mailbox", 2 },
        { "/mAil/FILES/a", 0 },
    };
    struct stage *s = *state;

    s->x.publish = &publishes[0];
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        s->x.url.decoded = bytes_of_string(table[i].path);
        s->x.route = NULL;
        assert_int_equal(pass(s, "route"), FAULT_NONE);
        if (s->x.route != &routes[table[i].route])
            fail_msg("%s was led to %s", table[i].path, s->x.route->prefix);
    }
}

static void
connect_and_trace_are_never_passed(void **state)
{
    struct stage *s = *state;

    s->x.request.method_id = HTTP_METHOD_CONNECT;
    assert_int_equal(pass(s, "method"), FAULT_HTTP_METHOD_REFUSED);
    s->x.request.method_id = HTTP_METHOD_TRACE;
    assert_int_equal(pass(s, "method"), FAULT_HTTP_METHOD_REFUSED);
    s->x.request.method_id = HTTP_METHOD_OTHER; /* Exchange's SUBSCRIBE and the like */
    assert_int_equal(pass(s, "method"), FAULT_NONE);
}

static void
nothing_is_known_before_the_host_is(void **state)
{
    (void)state;
    assert_string_equal(gates[0].name, "host");
}

static void
a_body_of_which_bytes_are_missing_goes_no_further(void **state)
{
    struct stage *s = *state;

    s->x.body_bytes = s->x.upload.bytes = 100;
    assert_int_equal(gate_body(&s->x), FAULT_NONE);
    s->x.upload.data.starved = true; /* malloc gave nothing for them */
    assert_int_equal(gate_body(&s->x), FAULT_MEMORY_FULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_host_is_the_one_of_the_handshake, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(the_port_is_one_that_clients_reach, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_public_port_stands_for_443, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(names_under_one_wildcard_are_not_the_same,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            without_a_server_name_the_default_host_must_be_meant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            in_clear_text_any_published_host_is_led_to_https, set_up, tear_down),
        cmocka_unit_test_setup_teardown(our_own_mark_is_a_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_route_leads_its_path_and_what_is_below,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_route_ignores_case_where_the_server_does,
            set_up, tear_down),
        cmocka_unit_test_setup_teardown(connect_and_trace_are_never_passed, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            a_body_of_which_bytes_are_missing_goes_no_further, set_up, tear_down),
        cmocka_unit_test(nothing_is_known_before_the_host_is),
    };

    return cmocka_run_group_tests_name("proxy/gate", tests, NULL, NULL);
}
