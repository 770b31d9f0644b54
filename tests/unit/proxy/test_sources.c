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
#include "shared.h"

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

/* What enter and leave of one worker act on. */
struct stage {
    struct ledger *ledger, *view;
    struct sources *sources;
};

static bool
enter(const struct stage *at, const char *text, uint32_t limit)
{
    struct sockaddr_storage address = address_of(text);

    return sources_enter(at->sources, (const struct sockaddr *)&address, 0, limit);
}

static void
leave(const struct stage *at, const char *text)
{
    struct sockaddr_storage address = address_of(text);

    sources_leave(at->sources, (const struct sockaddr *)&address, 0, 1);
}

static void
open_stage(struct stage *at, struct ledger *ledger, unsigned column)
{
    at->ledger = ledger;
    at->view = shared_view(ledger, column);
    at->sources = sources_new(at->view);
}

static void
close_stage(struct stage *at)
{
    sources_free(&at->sources);
    ledger_free(&at->view);
}

static int
open_one(void **state)
{
    static struct stage one;

    open_stage(&one, shared_new(1, sources_slots(20000)), 0);
    *state = &one;
    return 0;
}

static int
close_one(void **state)
{
    struct stage *one = *state;

    close_stage(one);
    ledger_free(&one->ledger);
    return 0;
}

static void
each_source_has_its_own_limit(void **state)
{
    assert_true(enter(*state, "192.0.2.1", 2));
    assert_true(enter(*state, "192.0.2.1", 2));
    assert_false(enter(*state, "192.0.2.1", 2));
    assert_true(enter(*state, "192.0.2.2", 2));
    leave(*state, "192.0.2.1");
    assert_true(enter(*state, "192.0.2.1", 2)); /* the refused one was not counted */
    assert_false(enter(*state, "192.0.2.1", 2));
}

static void
each_listener_counts_for_itself(void **state)
{
    const struct stage *at = *state;
    struct sockaddr_storage address = address_of("192.0.2.1");

    assert_true(enter(at, "192.0.2.1", 1));
    assert_true(sources_enter(at->sources, (struct sockaddr *)&address, 1, 1));
    assert_false(sources_enter(at->sources, (struct sockaddr *)&address, 1, 1));
    sources_leave(at->sources, (struct sockaddr *)&address, 1, 1);
    assert_false(enter(at, "192.0.2.1", 1));
}

static void
a_limit_of_nothing_is_none(void **state)
{
    for (int i = 0; i < 1000; i++)
        assert_true(enter(*state, "192.0.2.1", 0));
}

static void
an_ipv6_source_is_its_network(void **state)
{
    assert_true(enter(*state, "2001:db8:1:2::1", 1));
    assert_false(enter(*state, "2001:db8:1:2:ffff::9", 1));
    assert_true(enter(*state, "2001:db8:1:3::1", 1));
    assert_true(enter(*state, "::1", 1));
    assert_false(enter(*state, "::1", 1));
}

static void
a_mapped_address_is_the_ipv4_one(void **state)
{
    assert_true(enter(*state, "192.0.2.1", 1));
    assert_false(enter(*state, "::ffff:192.0.2.1", 1));
    assert_true(enter(*state, "::ffff:192.0.2.2", 1));
    leave(*state, "::ffff:192.0.2.1");
    assert_true(enter(*state, "192.0.2.1", 1));
}

static void
many_sources_come_and_go(void **state)
{
    char text[32];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20000; i++) {
            snprintf(text, sizeof text, "10.%d.%d.1", i / 256, i % 256);
            assert_true(enter(*state, text, 1));
        }
        for (int i = round; i < 20000 + round; i++) { /* in another order each time */
            snprintf(text, sizeof text, "10.%d.%d.1", i % 20000 / 256, i % 20000 % 256);
            leave(*state, text);
        }
    }
    for (uint32_t i = 0; i < sources_slots(20000);
         i++) { /* nothing stands in the way */
        assert_int_equal(ledger_sources(((struct stage *)*state)->view, 0)[i].network,
            0);
        assert_int_equal(ledger_sources(((struct stage *)*state)->view, 0)[i].open, 0);
    }
}

/* More sources than slots: refused, not forgotten and not overwritten. */
static void
a_full_table_admits_nobody_new(void **state)
{
    struct ledger *ledger = shared_new(1, sources_slots(1));
    struct stage small;
    char text[32];
    unsigned entered = 0;

    (void)state;
    open_stage(&small, ledger, 0);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "10.0.%d.1", i);
        entered += enter(&small, text, 1);
    }
    assert_int_equal(entered, sources_slots(1));
    close_stage(&small);
    ledger_free(&ledger);
}

static void
a_limit_holds_over_all_workers(void **state)
{
    struct ledger *ledger = shared_new(3, sources_slots(100));
    struct stage one, two;

    (void)state;
    open_stage(&one, ledger, 0);
    open_stage(&two, ledger, 2);
    assert_true(enter(&one, "192.0.2.1", 2));
    assert_true(enter(&two, "192.0.2.1", 2));
    assert_false(enter(&one, "192.0.2.1", 2));
    assert_false(enter(&two, "192.0.2.1", 2));
    assert_true(enter(&two, "192.0.2.9", 2));
    close_stage(&two);
    ledger_clear(ledger, 2); /* it has died */
    assert_true(enter(&one, "192.0.2.1", 2));
    assert_false(enter(&one, "192.0.2.1", 2));
    close_stage(&one);
    ledger_free(&ledger);
}

static uint32_t
enter_as_often_as_may_be(struct ledger *view)
{
    const struct stage at = { .view = view, .sources = sources_new(view) };
    char text[32];
    uint32_t entered = 0;

    for (int i = 0; i < 64; i++) {
        snprintf(text, sizeof text, "10.0.%u.%d", ledger_column(view), i);
        require(enter(&at, text, 1)); /* its own sources, between those of all */
        entered += enter(&at, "192.0.2.1", 16);
    }
    return entered;
}

static void
all_at_once_get_exactly_the_limit(void **state)
{
    struct ledger *ledger = shared_new(8, sources_slots(100));
    struct shared_crowd crowd;
    struct stage heir;

    (void)state;
    shared_begin(&crowd, ledger, enter_as_often_as_may_be);
    assert_int_equal(shared_sum(&crowd), 16);
    for (unsigned i = 0; i < 8; i++) {
        shared_kill(&crowd, i);
        ledger_clear(ledger, i);
    }
    open_stage(&heir, ledger, 5);
    for (int i = 0; i < 16; i++)
        assert_true(enter(&heir, "192.0.2.1", 16));
    assert_false(enter(&heir, "192.0.2.1", 16));
    close_stage(&heir);
    ledger_free(&ledger);
}

/* A fallen worker fills the columns with what looks like sources everywhere. */
static void
garbage_is_neither_followed_nor_searched_for_ever(void **state)
{
    struct ledger *ledger = shared_new(2, sources_slots(100));
    struct ledger_source *theirs = ledger_sources(ledger, 1);
    struct stage one;

    (void)state;
    open_stage(&one, ledger, 0);
    assert_true(enter(&one, "192.0.2.1", 2));
    for (unsigned column = 0; column < 2; column++) {
        struct ledger_source *slots = ledger_sources(ledger, column);

        for (uint32_t i = 0; i < sources_slots(100); i++) {
            slots[i].network = UINT64_MAX - i;
            slots[i].open = UINT64_MAX;
        }
    }
    assert_true(enter(&one, "192.0.2.1", 2)); /* no slot says this name */
    for (uint32_t i = 0; i < sources_slots(100); i++) {
        theirs[i].network = UINT64_C(0xffff00000000) | htonl(0xc0000201);
        theirs[i].open = UINT32_MAX;
    }
    assert_false(enter(&one, "192.0.2.1", 1000)); /* a lie costs its source */
    leave(&one, "192.0.2.1");
    leave(&one, "192.0.2.1");
    close_stage(&one);
    ledger_free(&ledger);
}

int
main(void)
{
#define ON_ONE(name) cmocka_unit_test_setup_teardown(name, open_one, close_one)
    const struct CMUnitTest tests[] = {
        ON_ONE(each_source_has_its_own_limit),
        ON_ONE(each_listener_counts_for_itself),
        ON_ONE(a_limit_of_nothing_is_none),
        ON_ONE(an_ipv6_source_is_its_network),
        ON_ONE(a_mapped_address_is_the_ipv4_one),
        ON_ONE(many_sources_come_and_go),
        cmocka_unit_test(a_full_table_admits_nobody_new),
        cmocka_unit_test(a_limit_holds_over_all_workers),
        cmocka_unit_test(all_at_once_get_exactly_the_limit),
        cmocka_unit_test(garbage_is_neither_followed_nor_searched_for_ever),
    };

    return cmocka_run_group_tests_name("proxy/sources", tests, NULL, NULL);
}
