/*
 * tests/unit/proxy/test_reference.c - which URLs lead to us, whichever way they are written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/exchange.h"
#include "proxy/reference.h"
#include "proxy/upstream.h"

/* mail.example.com:8443 outside, https://web.inside:32443 (verified as webmail) inside. */
struct stage {
    struct exchange x;
    struct server server;
};

static const struct server_policy server_policy = { .host = "web.inside",
    .port = 32443 };
static const struct upstream_policy upstream_policy = { .tls.verify_name = "webmail" };
static const struct route_policy route = { .upstream = &upstream_policy };

static struct exchange *
stage_begin(struct stage *s, const char *host)
{
    *s = (struct stage){ .server.policy = &server_policy };
    s->x.server = &s->server;
    s->x.route = &route;
    arena_init(&s->x.arena, 65536);
    arena_init(&s->x.answer_arena, 65536);
    assert_true(http_authority_read(bytes_of_string(host), &s->x.request.authority));
    s->x.authority = bytes_of_string(host);
    return &s->x;
}

static void
stage_end(struct stage *s)
{
    arena_clear(&s->x.arena);
    arena_clear(&s->x.answer_arena);
}

static void
assert_text(struct bytes got, const char *wanted)
{
    char *text = strndup(got.at, got.length);

    assert_string_equal(text, wanted);
    free(text);
}

struct row {
    const char *value, *rewritten;
};

static void
walk(const struct row *rows, size_t count, const char *host,
    struct bytes (*rewrite)(struct exchange *, struct bytes))
{
    for (size_t i = 0; i < count; i++) {
        struct stage s;
        struct exchange *x = stage_begin(&s, host);

        assert_text(rewrite(x, bytes_of_string(rows[i].value)), rows[i].rewritten);
        stage_end(&s);
    }
}

#define WALK(rows, host, rewrite)                                                      \
    walk(rows, sizeof(rows) / sizeof(rows)[0], host, rewrite)

static void
outward_on_the_usual_port(void **state)
{
    static const struct row rows[] = {
        { "https://mail.example.com/x", "https://mail.example.com/x" },
        { "https://mail.example.com:443/x", "https://mail.example.com/x" },
        { "https://MAIL.example.com.:443/x", "https://mail.example.com/x" },
        { "http://mail.example.com/x", "https://mail.example.com/x" },
        { "http://mail.example.com:80/x", "https://mail.example.com/x" },
        { "http://mail.example.com:443/x", "https://mail.example.com/x" },
        { "https://mail.example.com:32443/SOGo/", "https://mail.example.com/SOGo/" },
        { "https://web.inside:32443/", "https://mail.example.com/" },
        { "https://WEB.Inside./a?b#c", "https://mail.example.com/a?b#c" },
        { "http://webmail/a", "https://mail.example.com/a" },
        { "//web.inside/", "https://mail.example.com/" },
        { "//WEBMAIL:32443", "https://mail.example.com" },
        { "https://mail.example.com:80/x", "https://mail.example.com:80/x" },
        { "https://mail.example.com:9/x", "https://mail.example.com:9/x" },
        { "https://web.inside:9/x", "https://web.inside:9/x" },
        { "https://web.inside.evil.test/", "https://web.inside.evil.test/" },
        { "https://u@web.inside/", "https://u@web.inside/" },
        { "ftp://web.inside/", "ftp://web.inside/" },
        { "/relative", "/relative" },
        { "", "" },
    };

    (void)state;
    WALK(rows, "mail.example.com", reference_outward);
}

static void
outward_on_another_port(void **state)
{
    static const struct row rows[] = {
        { "https://mail.example.com:8443/x", "https://mail.example.com:8443/x" },
        { "https://mail.example.com:32443/x", "https://mail.example.com:8443/x" },
        { "http://mail.example.com/x", "https://mail.example.com:8443/x" },
        { "https://web.inside/x", "https://mail.example.com:8443/x" },
        { "https://mail.example.com/x", "https://mail.example.com/x" },
    };

    (void)state;
    WALK(rows, "mail.example.com:8443", reference_outward);
}

static void
in_a_refresh(void **state)
{
    static const struct row rows[] = {
        { "5", "5" },
        { "5; http://web.inside/", "5; http://web.inside/" },
        { "0;url=http://web.inside/a;b", "0;url=https://mail.example.com/a;b" },
        { "0 ; URL= \"//webmail/\" ", "0 ; URL= \"https://mail.example.com/\" " },
        { "0; url='https://web.inside/'", "0; url='https://mail.example.com/'" },
        { "0; url='", "0; url='" },
        { "0; url=", "0; url=" },
        { ";", ";" },
    };

    (void)state;
    WALK(rows, "mail.example.com", reference_in_refresh);
}

static void
inward(void **state)
{
    static const struct row rows[] = {
        { "https://mail.example.com/dav/b", "https://mail.example.com/dav/b" },
        { "https://MAIL.EXAMPLE.COM.:443/dav/b", "https://mail.example.com/dav/b" },
        { "http://mail.example.com:80/dav/b", "https://mail.example.com/dav/b" },
        { "https://mail.example.com:80/dav/b", "https://mail.example.com:80/dav/b" },
        { "https://web.inside/dav/b", "https://web.inside/dav/b" },
        { "/dav/b", "/dav/b" },
    };

    (void)state;
    WALK(rows, "mail.example.com", reference_inward);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outward_on_the_usual_port),
        cmocka_unit_test(outward_on_another_port),
        cmocka_unit_test(in_a_refresh),
        cmocka_unit_test(inward),
    };

    return cmocka_run_group_tests_name("proxy/reference", tests, NULL, NULL);
}
