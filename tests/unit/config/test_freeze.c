/*
 * tests/unit/config/test_freeze.c - a tree becomes the policies that the other folders obey.
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
#include <unistd.h>

#include "config/freeze.h"
#include "config/load.h"

static struct loaded *loaded;
static struct diagnostics d;
static struct snapshot *s;

static int
begin(void **state)
{
    (void)state;
    loaded = require_zeroed(1, sizeof(*loaded));
    diagnostics_init(&d);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    snapshot_unref(&s);
    diagnostics_fini(&d);
    free(loaded);
    return 0;
}

/* The tree and the text are gone when the snapshot is looked at. */
static void
freeze_text(const char *text)
{
    char *copy = require_copy(text);

    loaded_parse(loaded, bytes_of_string(copy), &d);
    if (d.errors > 0)
        fail_msg("%s", d.rows[0].text);
    s = freeze(loaded);
    loaded_fini(loaded);
    free(copy);
}

static const char smallest[] =
    "version: 1\n"
    "listeners:\n"
    "  public:\n"
    "    address: \"*:443\"\n"
    "    publish:\n"
    "      Mail.example.com:\n"
    "        certificate: /tls/mail.pem\n"
    "        application: any\n"
    "        upstream: webmail\n"
    "upstreams:\n"
    "  webmail: {servers: \"https://Webmail.corp.example\"}\n";

/* Whether browsers may be told to use TLS alone, for the host of one listener. */
static bool
tells_hsts(const char *host, const char *listener, const char *other)
{
    static const char format[] = "version: 1\n"
                                 "listeners:\n"
                                 "  a: {%s, publish: {%s: {certificate: /a.pem, "
                                 "application: any, upstream: w}}}\n"
                                 "%s"
                                 "upstreams:\n"
                                 "  w: {servers: \"https://w.corp.example\"}\n";
    char text[1024];
    bool tells;

    assert_true((size_t)snprintf(text, sizeof text, format, listener, host, other) <
        sizeof text);
    begin(NULL);
    freeze_text(text);
    tells = s->listeners[0].publishes[0].tells_hsts;
    end(NULL);
    s = NULL;
    loaded = NULL;
    return tells;
}

static void
hsts_is_told_where_it_leads_no_browser_astray(void **state)
{
    static const struct {
        const char *host, *listener, *other;
        bool tells;
    } rows[] = {
        { "m.example.com", "address: \"*:443\"", "", true },
        { "m.example.com", "address: \"127.0.0.1:8443\"", "", true },
        { "m.example.com", "address: \"*:443\", redirect_http: \"*:80\"", "", true },
        { "m.example.com", "address: \"*:443\", redirect_http: [\"*:80\", \"*:81\"]",
            "", false },
        { "m.example.com", "address: \"*:8443\", redirect_http: \"*:80\"", "", false },
        { "m.example.com",
            "address: \"*:8443\", redirect_http: \"*:8080\", public_port: 443", "",
            true },
        { "m.example.com",
            "address: \"*:443\", redirect_http: \"*:80\", public_port: 8443", "",
            false },
        /* The same name elsewhere: it counts for all its ports. */
        { "m.example.com", "address: \"*:443\"",
            "  b: {address: \"*:8443\", redirect_http: \"*:8080\", publish: "
            "{M.example.com: "
            "{certificate: /a.pem, application: any, upstream: w}}}\n",
            false },
        { "m.example.com", "address: \"*:443\"",
            "  b: {address: \"*:8443\", redirect_http: \"*:8080\", publish: "
            "{x.example.com: "
            "{certificate: /a.pem, application: any, upstream: w}}}\n",
            true },
        { "localhost", "address: \"*:443\"", "", false },
        { "mail.localhost", "address: \"*:443\"", "", false },
    };

    (void)state;
    end(NULL);
    s = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (tells_hsts(rows[i].host, rows[i].listener, rows[i].other) != rows[i].tells)
            fail_msg("row %zu: %s, %s", i, rows[i].host, rows[i].listener);
    begin(NULL);
}

static void
nothing_written_means_the_defaults(void **state)
{
    (void)state;
    freeze_text(smallest);
    assert_int_equal(s->references, 1);
    assert_int_equal(s->listener_count, 1);
    assert_int_equal(s->upstream_count, 1);
    assert_true(s->workers >= 1 && s->workers <= 64);
    assert_int_equal(s->drain_ms, 30000);
    assert_int_equal(s->minimum_rate, 1024);
    assert_int_equal(s->log.target_count, 1);
    assert_int_equal(s->log.targets[0].kind, LOG_TO_STDOUT);
}

static void
a_listener_has_defaults(void **state)
{
    const struct listener_policy *l;

    (void)state;
    freeze_text(smallest);
    l = &s->listeners[0];
    assert_string_equal(l->name, "public");
    assert_int_equal(l->address_count, 1);
    assert_int_equal(l->redirect_count, 0);
    assert_string_equal(l->addresses[0].written, "*:443");
    assert_int_equal(l->connections, 20000);
    assert_int_equal(l->connections_per_source, 0);
    assert_int_equal(l->handshake_ms, 10000);
    assert_int_equal(l->head_ms, 15000);
    assert_int_equal(l->keep_alive_ms, 75000);
    assert_int_equal(l->body_ms, 60000);
    assert_int_equal(l->reply_ms, 300000);
    assert_int_equal(l->linger_ms, 2000);
    assert_int_equal(l->tls.minimum, TLS_MINIMUM_1_2);
    assert_null(l->tls.default_host);
    assert_int_equal(l->tls.session_lifetime_s, 8 * 3600);
    assert_int_equal(l->tls.host_count, 1);
    assert_string_equal(l->tls.hosts[0].host, "mail.example.com");
    assert_int_equal(l->tls.hosts[0].certificate_count, 1);
    assert_string_equal(l->tls.hosts[0].certificates[0].chain_file, "/tls/mail.pem");
}

static void
a_published_host_has_defaults(void **state)
{
    const struct http_limits http = HTTP_LIMITS_DEFAULT;
    const struct publish_policy *p;

    (void)state;
    freeze_text(smallest);
    p = &s->listeners[0].publishes[0];
    assert_int_equal(s->listeners[0].publish_count, 1);
    assert_string_equal(p->host, "mail.example.com");
    assert_int_equal(p->route_count, 1);
    assert_string_equal(p->routes[0].prefix, "/");
    assert_ptr_equal(p->routes[0].upstream, &s->upstreams[0]);
    assert_int_equal(p->routes[0].idle_ms, 65 * 60 * 1000);
    assert_int_equal(p->routes[0].body_bytes, 128 << 20);
    assert_false(p->routes[0].websocket);
    assert_memory_equal(&p->limits, &http, sizeof(http));
}

static void
an_upstream_has_defaults(void **state)
{
    const struct upstream_policy *u;

    (void)state;
    freeze_text(smallest);
    u = &s->upstreams[0];
    assert_string_equal(u->name, "webmail");
    assert_string_equal(u->servers[0].host, "webmail.corp.example");
    assert_string_equal(u->servers[0].url, "https://Webmail.corp.example");
    assert_int_equal(u->servers[0].port, 443);
    assert_int_equal(u->bridge, BRIDGE_REENCRYPT);
    assert_int_equal(u->balance, BALANCE_ROUND_ROBIN);
    assert_null(u->tls.ca_file);
    assert_null(u->tls.verify_name);
    assert_null(u->tls.certificate.chain_file);
    assert_int_equal(u->tls.minimum, TLS_MINIMUM_1_2);
    assert_int_equal(u->connect_ms, 5000);
    assert_int_equal(u->idle_pool_ms, 55000);
    assert_int_equal(u->idle_pool, 32);
    assert_int_equal(u->pool_age_ms, 3600000);
    assert_int_equal(u->failures, 3);
    assert_int_equal(u->rest_ms, 10000);
}

/* No value here is a default. */
static const char written[] =
    "version: 1\n"
    "workers: 3\n"
    "drain: 1m\n"
    "log: {to: [stdout, \"file:/var/log/p.log\"]}\n"
    "listeners:\n"
    "  a:\n"
    "    address: [\"192.0.2.1:443\", \"[::1]:443\"]\n"
    "    redirect_http: 192.0.2.1:80\n"
    "    default: M.example.com\n"
    "    connections: 5\n"
    "    connections_per_source: 6\n"
    "    timeouts: {handshake: 1s, head: 2s, keep_alive: 3s, body: 4s, reply: 5s, "
    "linger: 0s}\n"
    "    tls: {minimum: TLSv1.3, session_lifetime: 0s}\n"
    "    publish:\n"
    "      m.example.com:\n"
    "        certificate: [{certificate: /a.pem, key: file:/a.key}, /b.pem]\n"
    "        application: any\n"
    "        upstream: u\n"
    "        limits: {head: 32KiB, target: 8KiB, fields: 50, field_name: 64B, "
    "field_value: 16KiB}\n"
    "upstreams:\n"
    "  u:\n"
    "    servers: [\"https://[2001:db8::1]:8443\", \"https://b\"]\n"
    "    verify: {ca: /ca.pem, name: inner.example}\n"
    "    tls: {minimum: TLSv1.3}\n"
    "    client_certificate: /c.pem\n"
    "    client_key: file:/c.key\n"
    "    balance: cookie\n"
    "    connect: 7s\n"
    "    pool: {idle: 8s, size: 9, age: 7m}\n"
    "    health: {failures: 10, rest: 11s}\n";

static void
what_is_written_counts(void **state)
{
    (void)state;
    freeze_text(written);
    assert_int_equal(s->workers, 3);
    assert_int_equal(s->drain_ms, 60000);
    assert_int_equal(s->log.target_count, 2);
    assert_string_equal(s->log.targets[1].path, "/var/log/p.log");
}

static void
what_is_written_of_a_listener_counts(void **state)
{
    const struct listener_policy *l;

    (void)state;
    freeze_text(written);
    l = &s->listeners[0];
    assert_int_equal(l->address_count, 2);
    assert_int_equal(l->redirect_count, 1);
    assert_string_equal(l->tls.default_host, "m.example.com");
    assert_int_equal(l->connections, 5);
    assert_int_equal(l->connections_per_source, 6);
    assert_int_equal(l->handshake_ms, 1000);
    assert_int_equal(l->head_ms, 2000);
    assert_int_equal(l->keep_alive_ms, 3000);
    assert_int_equal(l->body_ms, 4000);
    assert_int_equal(l->reply_ms, 5000);
    assert_int_equal(l->linger_ms, 0);
    assert_int_equal(l->tls.minimum, TLS_MINIMUM_1_3);
    assert_int_equal(l->tls.session_lifetime_s, 0);
    assert_int_equal(l->tls.hosts[0].certificate_count, 2);
    assert_string_equal(l->tls.hosts[0].certificates[0].chain_file, "/a.pem");
    assert_string_equal(l->tls.hosts[0].certificates[1].chain_file, "/b.pem");
    assert_int_equal(l->publishes[0].limits.head_bytes, 32 << 10);
    assert_int_equal(l->publishes[0].limits.target_bytes, 8 << 10);
    assert_int_equal(l->publishes[0].limits.fields, 50);
    assert_int_equal(l->publishes[0].limits.name_bytes, 64);
    assert_int_equal(l->publishes[0].limits.value_bytes, 16 << 10);
}

static void
what_is_written_of_an_upstream_counts(void **state)
{
    const struct upstream_policy *u;

    (void)state;
    freeze_text(written);
    u = &s->upstreams[0];
    assert_int_equal(u->server_count, 2);
    assert_string_equal(u->servers[0].host, "2001:db8::1");
    assert_int_equal(u->servers[0].port, 8443);
    assert_string_equal(u->tls.ca_file, "/ca.pem");
    assert_string_equal(u->tls.verify_name, "inner.example");
    assert_string_equal(u->tls.certificate.chain_file, "/c.pem");
    assert_int_equal(u->tls.minimum, TLS_MINIMUM_1_3);
    assert_int_equal(u->balance, BALANCE_COOKIE);
    assert_int_equal(u->connect_ms, 7000);
    assert_int_equal(u->idle_pool_ms, 8000);
    assert_int_equal(u->idle_pool, 9);
    assert_int_equal(u->pool_age_ms, 420000);
    assert_int_equal(u->failures, 10);
    assert_int_equal(u->rest_ms, 11000);
}

static void
routes_inherit_and_stand_longest_first(void **state)
{
    const struct publish_policy *p;

    (void)state;
    freeze_text("version: 1\n"
                "listeners:\n"
                "  a:\n"
                "    address: \"*:443\"\n"
                "    publish:\n"
                "      m:\n"
                "        certificate: /a.pem\n"
                "        application: any\n"
                "        upstream: u\n"
                "        idle: 1m\n"
                "        body: 2MiB\n"
                "        websocket: true\n"
                "        routes:\n"
                "          /a: {upstream: v}\n"
                "          /a/long/one: {idle: 2m, body: 0B}\n"
                "          /a/b: {websocket: false}\n"
                "upstreams:\n"
                "  u: {servers: \"https://u\"}\n"
                "  v: {servers: \"https://v\"}\n");
    p = &s->listeners[0].publishes[0];
    assert_int_equal(p->route_count, 4);
    assert_string_equal(p->routes[0].prefix, "/a/long/one");
    assert_int_equal(p->routes[0].idle_ms, 120000);
    assert_int_equal(p->routes[0].body_bytes, 0);
    assert_true(p->routes[0].websocket);
    assert_string_equal(p->routes[1].prefix, "/a/b");
    assert_false(p->routes[1].websocket);
    assert_int_equal(p->routes[1].idle_ms, 60000);
    assert_string_equal(p->routes[2].prefix, "/a");
    assert_string_equal(p->routes[2].upstream->name, "v");
    assert_int_equal(p->routes[2].body_bytes, 2 << 20);
    assert_string_equal(p->routes[3].prefix, "/");
    assert_string_equal(p->routes[3].upstream->name, "u");
}

static void
tunnels_stand_behind_the_tls_hosts(void **state)
{
    const struct listener_policy *l;

    (void)state;
    freeze_text("version: 1\n"
                "listeners:\n"
                "  a:\n"
                "    address: \"*:443\"\n"
                "    publish:\n"
                "      t: {upstream: t}\n"
                "      m: {certificate: /a.pem, application: any, upstream: u}\n"
                "      n: {certificate: /a.pem, application: any, upstream: u}\n"
                "upstreams:\n"
                "  u: {servers: \"https://u\"}\n"
                "  t: {servers: \"https://t\", bridge: tunnel}\n");
    l = &s->listeners[0];
    assert_int_equal(l->tls.host_count, 2);
    assert_int_equal(l->publish_count, 3);
    for (unsigned i = 0; i < l->tls.host_count; i++)
        assert_string_equal(l->tls.hosts[i].host, l->publishes[i].host);
    assert_string_equal(l->publishes[2].host, "t");
    assert_int_equal(l->publishes[2].routes[0].upstream->bridge, BRIDGE_TUNNEL);
    assert_string_equal(l->publishes[2].filter->application, "tunnel");
}

static void
root_never_serves(void **state)
{
    (void)state;
    freeze_text(smallest);
    assert_string_not_equal(s->user, "root");
    assert_int_equal(s->user[0] != '\0', geteuid() == 0);
}

static void
each_role_has_an_account_of_its_own(void **state)
{
    const char *accounts[4];

    (void)state;
    freeze_text(smallest);
    accounts[0] = s->user;
    accounts[1] = s->key_user;
    accounts[2] = s->log_user;
    accounts[3] = s->resolver_user;
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_equal(strcmp(accounts[i], accounts[k]) != 0, geteuid() == 0);
    }
}

static void
the_last_reference_frees(void **state)
{
    struct snapshot *other;

    (void)state;
    freeze_text(smallest);
    other = snapshot_ref(s);
    assert_int_equal(s->references, 2);
    snapshot_unref(&other);
    assert_null(other);
    assert_int_equal(s->references, 1);
    assert_string_equal(s->listeners[0].name, "public");
    snapshot_unref(&s);
    assert_null(s);
    snapshot_unref(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hsts_is_told_where_it_leads_no_browser_astray),
        TEST(nothing_written_means_the_defaults),
        TEST(a_listener_has_defaults),
        TEST(a_published_host_has_defaults),
        TEST(an_upstream_has_defaults),
        TEST(what_is_written_counts),
        TEST(what_is_written_of_a_listener_counts),
        TEST(what_is_written_of_an_upstream_counts),
        TEST(routes_inherit_and_stand_longest_first),
        TEST(tunnels_stand_behind_the_tls_hosts),
        TEST(root_never_serves),
        TEST(each_role_has_an_account_of_its_own),
        TEST(the_last_reference_frees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
