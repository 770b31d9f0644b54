/*
 * tests/unit/tls/test_key_line.c - more handshakes than turns.
 */
#include <stdlib.h>

#include "base/require.h"
#include "played.h"

#define CROWD (2 * KEY_TURNS + 3)

static unsigned
count(const struct link *crowd, enum key_turn_state state)
{
    unsigned n = 0;

    for (unsigned i = 0; i < CROWD; i++)
        n += crowd[i].server.stream.turn.state == state;
    return n;
}

/* From one source, or each from another; until `held` of them have a turn. */
static struct link *
gather(struct site *site, bool from_one, unsigned held)
{
    struct link *crowd = require_zeroed(CROWD, sizeof *crowd);

    for (unsigned i = 0; i < CROWD; i++) {
        site_dial(site, &crowd[i]);
        crowd[i].server.stream.turn.source = from_one ? 1 : i;
    }
    run_until(count(crowd, KEY_TURN_HELD) + count(crowd, KEY_TURN_IN_LINE) == CROWD);
    assert_int_equal(count(crowd, KEY_TURN_HELD), held);
    return crowd;
}

static void
disperse(struct link *crowd)
{
    for (unsigned i = 0; i < CROWD; i++)
        link_close(&crowd[i]);
    free(crowd);
}

static void
no_more_questions_than_turns_are_open(void **state)
{
    struct played keyd;
    struct site site;
    struct link *crowd;
    unsigned established = 0;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    crowd = gather(&site, false, KEY_TURNS);
    for (unsigned i = 0; i < KEY_TURNS; i++)
        (void)played_take(&keyd);
    assert_false(played_is_asked(&keyd));
    disperse(crowd); /* nothing was answered: the turns stay owed to keyd */
    crowd = require_zeroed(CROWD, sizeof *crowd);
    for (unsigned i = 0; i < CROWD; i++)
        site_dial(&site, &crowd[i]);
    run_until(count(crowd, KEY_TURN_IN_LINE) == CROWD);
    assert_false(played_is_asked(&keyd));
    played_close(&keyd);
    while (established < CROWD) {
        uv_run(&lab.loop, UV_RUN_ONCE);
        established = 0;
        for (unsigned i = 0; i < CROWD; i++)
            established += crowd[i].server.established && crowd[i].client.established;
    }
    disperse(crowd);
    site_close(&site);
}

static void
another_source_does_not_wait_for_a_crowd(void **state)
{
    struct played keyd;
    struct site site;
    struct link *crowd, other;
    const struct key_turn *turn = &other.server.stream.turn;
    uint64_t source = 2;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    crowd = gather(&site, true, KEY_TURNS / 2);
    /* Which line a source stands in is nobody's to know: until it is another one. */
    for (;; source++) {
        site_dial(&site, &other);
        other.server.stream.turn.source = source;
        run_until(turn->state == KEY_TURN_IN_LINE || link_is_asking(&other));
        if (turn->state != KEY_TURN_IN_LINE)
            break;
        link_close(&other);
    }
    assert_int_equal(count(crowd, KEY_TURN_IN_LINE), CROWD - KEY_TURNS / 2);
    link_close(&other);
    disperse(crowd);
    played_close(&keyd);
    site_close(&site);
}

static void
turns_go_round_the_sources(void **state)
{
    struct played keyd;
    struct site site;
    struct link *all, *one;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    all = gather(&site, false, KEY_TURNS);
    one = require_zeroed(CROWD, sizeof *one);
    for (unsigned i = 0; i < CROWD; i++) {
        site_dial(&site, &one[i]);
        one[i].server.stream.turn.source = CROWD;
    }
    run_until(count(one, KEY_TURN_IN_LINE) == CROWD);
    /* As many turns as there are others who wait, and one more for the crowd. */
    for (unsigned i = 0; i < CROWD - KEY_TURNS + 1; i++)
        played_answer(&keyd, played_take(&keyd), KEY_REFUSED, bytes_of("", 0));
    run_until(count(all, KEY_TURN_IN_LINE) <= 4); /* a few may share a line */
    assert_true(count(one, KEY_TURN_IN_LINE) >= CROWD - 6);
    disperse(one);
    disperse(all);
    played_close(&keyd);
    site_close(&site);
}

static void
waiting_in_line_ends_with_an_alert_too(void **state)
{
    struct played keyd;
    struct site site;
    struct link *crowd;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    crowd = gather(&site, true, KEY_TURNS / 2);
    for (unsigned i = 0; i < CROWD; i++) {
        if (crowd[i].server.stream.turn.state != KEY_TURN_IN_LINE)
            continue;
        assert_true(key_turn_refuse(&crowd[i].server.stream.turn));
        end_step(&crowd[i].server);
        link_expect_no_key(&crowd[i]);
    }
    disperse(crowd);
    played_close(&keyd);
    site_close(&site);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_questions_than_turns_are_open),
        cmocka_unit_test(another_source_does_not_wait_for_a_crowd),
        cmocka_unit_test(turns_go_round_the_sources),
        cmocka_unit_test(waiting_in_line_ends_with_an_alert_too),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
