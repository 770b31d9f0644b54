/*
 * tests/unit/proxy/test_watch.c - who hangs, and who only had no chance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/require.h"
#include "proxy/watch.h"

#define PERIOD_MS 5000

static struct watch watch;
static struct process_sight sight;
static uint64_t now_ms;

static int
begin(void **state)
{
    (void)state;
    watch = (struct watch){ 0 };
    sight = (struct process_sight){ .state = 'S' };
    now_ms = 1000000;
    return 0;
}

static enum watch_verdict
look(bool late)
{
    now_ms += PERIOD_MS;
    return watch_look(&watch, &sight, now_ms, PERIOD_MS, late);
}

static void
ask(void)
{
    assert_int_equal(look(false), WATCH_ASK);
    watch_asked(&watch, true);
}

static void
who_answers_is_asked_again_for_ever(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 100; i++) {
        ask();
        watch_answered(&watch, i);
    }
}

static void
who_is_silent_for_two_looks_hangs(void **state)
{
    (void)state;
    ask();
    assert_int_equal(look(false), WATCH_WAIT);
    assert_int_equal(look(false), WATCH_HUNG);
    assert_int_equal(now_ms - watch.since_ms, 2 * PERIOD_MS);
}

static void
who_answers_late_has_answered(void **state)
{
    (void)state;
    ask();
    assert_int_equal(look(false), WATCH_WAIT);
    watch_answered(&watch, 1);
    ask();
    assert_int_equal(look(false), WATCH_WAIT);
}

static void
an_answer_to_another_question_is_none(void **state)
{
    (void)state;
    watch_answered(&watch, 0);
    watch_answered(&watch, 1); /* before it was asked */
    ask();
    watch_answered(&watch, 2);
    watch_answered(&watch, 0);
    assert_int_equal(look(false), WATCH_WAIT);
    assert_int_equal(look(false), WATCH_HUNG);
}

static void
a_late_look_tells_about_the_parent(void **state)
{
    (void)state;
    ask();
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(look(true), WATCH_WAIT);
    assert_int_equal(look(false), WATCH_WAIT);
    assert_int_equal(look(true), WATCH_WAIT); /* begins anew */
    assert_int_equal(look(false), WATCH_WAIT);
    assert_int_equal(look(false), WATCH_HUNG);
}

static void
who_gets_no_processor_is_waited_for(void **state)
{
    (void)state;
    ask();
    sight.state = 'R';
    for (unsigned i = 0; i < 10; i++) {
        sight.cpu_ms += PERIOD_MS / 100;
        assert_int_equal(look(false), WATCH_WAIT);
    }
}

static void
who_spins_hangs(void **state)
{
    (void)state;
    ask();
    sight.state = 'R';
    sight.cpu_ms += PERIOD_MS / 3;
    assert_int_equal(look(false), WATCH_WAIT);
    sight.cpu_ms += PERIOD_MS / 3;
    assert_int_equal(look(false), WATCH_HUNG);
}

static void
who_cannot_be_asked_hangs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(look(false), WATCH_ASK);
        watch_asked(&watch, false);
    }
    assert_int_equal(look(false), WATCH_HUNG);
}

static void
who_cannot_be_seen_is_judged_by_the_answers(void **state)
{
    (void)state;
    sight.state = 0;
    ask();
    assert_int_equal(look(false), WATCH_WAIT);
    assert_int_equal(look(false), WATCH_HUNG);
}

static void
the_kernel_says_what_a_process_does(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    require(child >= 0);
    if (child == 0) {
        raise(SIGSTOP);
        _exit(0);
    }
    require(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    assert_int_equal(process_look(child).state, 'T');
    assert_string_equal(process_state_name(process_look(child).state), "stopped");
    require(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    assert_int_equal(process_look(child).state, 0);
    assert_int_equal(process_look(getpid()).state, 'R');
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(who_answers_is_asked_again_for_ever),
        TEST(who_is_silent_for_two_looks_hangs),
        TEST(who_answers_late_has_answered),
        TEST(an_answer_to_another_question_is_none),
        TEST(a_late_look_tells_about_the_parent),
        TEST(who_gets_no_processor_is_waited_for),
        TEST(who_spins_hangs),
        TEST(who_cannot_be_asked_hangs),
        TEST(who_cannot_be_seen_is_judged_by_the_answers),
        TEST(the_kernel_says_what_a_process_does),
    };

    return cmocka_run_group_tests_name("proxy/watch", tests, NULL, NULL);
}
