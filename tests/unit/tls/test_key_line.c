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

static struct link *
gather(struct site *site)
{
    struct link *crowd = require_zeroed(CROWD, sizeof *crowd);

    for (unsigned i = 0; i < CROWD; i++) {
        site_dial(site, &crowd[i]);
        crowd[i].server.stream.turn.source = 7;
    }
    run_until(count(crowd, KEY_TURN_HELD) + count(crowd, KEY_TURN_IN_LINE) == CROWD);
    assert_int_equal(count(crowd, KEY_TURN_HELD), KEY_TURNS);
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
    crowd = gather(&site);
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

/* Which line a source stands in is nobody's to know: tries until it is another one. */
static void
dial_from_another_line(struct link *link, struct site *site, const struct link *crowd)
{
    const struct key_turn *turn = &link->server.stream.turn;
    unsigned taken = 0;

    for (unsigned i = 0; i < CROWD; i++) {
        if (crowd[i].server.stream.turn.state == KEY_TURN_IN_LINE)
            taken = crowd[i].server.stream.turn.line;
    }
    for (uint64_t source = 8;; source++) {
        site_dial(site, link);
        link->server.stream.turn.source = source;
        run_until(turn->state == KEY_TURN_IN_LINE);
        if (turn->line != taken)
            return;
        link_close(link);
    }
}

static void
another_source_does_not_wait_for_a_crowd(void **state)
{
    struct played keyd;
    struct site site;
    struct link *crowd, other;
    uint32_t number;

    (void)state;
    site_open(&site, "mail", NULL);
    played_open(&keyd);
    crowd = gather(&site);
    dial_from_another_line(&other, &site, crowd);
    /* Round the lines: of two free turns one is the other's. */
    for (unsigned i = 0; i < 2; i++) {
        number = played_take(&keyd);
        played_answer(&keyd, number, KEY_REFUSED, bytes_of("", 0));
    }
    run_until(link_is_asking(&other));
    assert_true(count(crowd, KEY_TURN_IN_LINE) >= CROWD - KEY_TURNS - 1);
    link_close(&other);
    disperse(crowd);
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
    crowd = gather(&site);
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
        cmocka_unit_test(waiting_in_line_ends_with_an_alert_too),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
