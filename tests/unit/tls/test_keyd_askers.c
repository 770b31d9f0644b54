/*
 * tests/unit/tls/test_keyd_askers.c - who is heard, who comes next, and what is odd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls/key_client.h"
#include "tls/keyd_watch.h"

#define KEYS 3 /* the last one is RSA */

static struct keyd_keys keys;
static struct keyd_askers askers;
static unsigned char names[KEYS][KEY_NAME_BYTES];
static struct ipc_writer writer;
static struct ipc_message message;
static int far_ends[8]; /* of the askers' channels */
static unsigned far_count;

static int
open_keys(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KEYS; i++) {
        EVP_PKEY *key = i < KEYS - 1 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
        struct note note;

        require(key_name_of(key, names[i]) && keyd_keys_hold(&keys, key, &note));
    }
    return 0;
}

static int
close_keys(void **state)
{
    (void)state;
    keyd_keys_fini(&keys);
    return 0;
}

static void
add(const char *name, unsigned char scope)
{
    int pair[2];

    require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    far_ends[far_count++] = pair[1];
    keyd_askers_add(&askers, pair[0], name, bytes_of(&scope, 1), &keys);
}

static int
no_askers(void **state)
{
    (void)state;
    keyd_askers_fini(&askers);
    while (far_count > 0)
        close(far_ends[--far_count]);
    return 0;
}

static enum keyd_heard
hear(unsigned row, uint32_t number, unsigned key, enum key_status *status)
{
    static const unsigned char digest[32];
    uint32_t heard;
    enum keyd_heard result;

    ipc_begin(&writer, IPC_SIGN);
    ipc_put_u32(&writer, number);
    ipc_put_bytes(&writer, bytes_of(names[key], KEY_NAME_BYTES));
    ipc_put_u32(&writer, key < KEYS - 1 ? KEY_ECDSA : KEY_RSA_PSS);
    ipc_put_u32(&writer, KEY_SHA256);
    ipc_put_bytes(&writer, bytes_of(digest, sizeof digest));
    memcpy(message.bytes, writer.bytes, writer.length);
    require(ipc_open(&message, writer.length));
    result = keyd_askers_hear(&askers, row, &message, &keys, &heard, status);
    assert_int_equal(heard, number);
    return result;
}

static void
ask(unsigned row, uint32_t number, unsigned key)
{
    enum key_status status;

    assert_int_equal(hear(row, number, key, &status), KEYD_HEARD);
}

static uint32_t
take(const char *name)
{
    struct keyd_question question;
    struct keyd_asker *asker = keyd_askers_take(&askers, &question);

    assert_non_null(asker);
    assert_string_equal(asker->tally->name, name);
    keyd_askers_done(asker);
    return question.number;
}

/* --- keys --- */

static void
a_key_is_held_once_and_found_by_name(void **state)
{
    static struct keyd_keys many;
    unsigned char name[KEY_NAME_BYTES];
    struct note note;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        EVP_PKEY *key = EVP_EC_gen("P-256");

        require(EVP_PKEY_up_ref(key) == 1);
        assert_true(keyd_keys_hold(&many, key, &note));
        assert_true(keyd_keys_hold(&many, key, &note));
    }
    assert_int_equal(many.count, 1000);
    assert_int_equal(many.record_count, 2000);
    for (unsigned i = 0; i < many.count; i++) {
        struct held_key *held = many.by_name[i];

        require(key_name_of(held->key, name));
        assert_ptr_equal(keyd_keys_find(&many, bytes_of(name, sizeof name)), held);
        assert_ptr_equal(many.records[2 * held->index], held);
        assert_ptr_equal(many.records[2 * held->index + 1], held);
    }
    assert_null(keyd_keys_find(&many, bytes_of(names[0], KEY_NAME_BYTES)));
    assert_null(keyd_keys_find(&many, bytes_of(name, KEY_NAME_BYTES - 1)));
    keyd_keys_fini(&many);
}

/* --- hearing --- */

static void
no_key_beyond_its_scope_is_known_to_an_asker(void **state)
{
    enum key_status status;

    (void)state;
    add("worker-0", 0x05);
    ask(0, 1, 0);
    assert_int_equal(hear(0, 2, 1, &status), KEYD_HEARD_REFUSED);
    assert_int_equal(status, KEY_UNKNOWN);
    ask(0, 3, 2);
    assert_int_equal(askers.tallies[0]->window.questions, 2);
    assert_int_equal(askers.tallies[0]->window.refused, 1);
    no_askers(NULL);
    keyd_askers_add(&askers, dup(0), "worker-0", bytes_of("", 0), &keys);
    assert_int_equal(hear(0, 1, 0, &status), KEYD_HEARD_REFUSED);
}

static void
one_question_too_many_is_nonsense(void **state)
{
    struct keyd_question question;
    enum key_status status;

    (void)state;
    add("worker-0", 0xff);
    for (unsigned i = 0; i < KEY_TURNS; i++)
        ask(0, i, 0);
    assert_int_equal(hear(0, 99, 0, &status), KEYD_HEARD_NONSENSE);
    assert_non_null(
        keyd_askers_take(&askers, &question)); /* being signed: still open */
    assert_int_equal(hear(0, 99, 0, &status), KEYD_HEARD_NONSENSE);
    keyd_askers_done(askers.rows[0]);
    ask(0, 99, 0);
}

static void
an_asker_may_go_while_it_is_signed_for(void **state)
{
    struct keyd_question question;
    struct keyd_asker *asker;

    (void)state;
    add("worker-0", 0xff);
    ask(0, 1, 0);
    ask(0, 2, 0);
    asker = keyd_askers_take(&askers, &question);
    keyd_askers_drop(&askers, 0);
    assert_int_equal(asker->fd, -1);
    assert_int_equal(askers.waiting, 0);
    keyd_askers_done(asker);
    assert_null(keyd_askers_take(&askers, &question));
}

static void
a_name_has_one_channel_and_one_tally(void **state)
{
    enum key_status status;
    char byte;

    (void)state;
    add("worker-0", 0xff);
    add("worker-1", 0xff);
    ask(0, 1, 0);
    ask(0, 2, 0);
    add("worker-0", 0x01);
    assert_int_equal(read(far_ends[0], &byte, 1), 0); /* the one before has ended */
    assert_int_equal(askers.count, 2);
    assert_int_equal(askers.tally_count, 2);
    assert_int_equal(askers.waiting, 0);
    assert_string_equal(askers.rows[1]->tally->name, "worker-0");
    assert_int_equal(hear(1, 1, 1, &status), KEYD_HEARD_REFUSED); /* the new scope */
    ask(1, 2, 0);
    keyd_askers_drop(&askers, 1);
    assert_int_equal(askers.tallies[0]->window.questions, 3);
    assert_int_equal(askers.tallies[0]->window.refused, 1);
}

/* --- turns --- */

static void
askers_take_turns(void **state)
{
    static const char *const order[] = { "b", "c", "a", "b", "a", "a" };

    (void)state;
    add("a", 0xff);
    add("b", 0xff);
    add("c", 0xff);
    for (uint32_t i = 0; i < 3; i++)
        ask(0, i, 0);
    ask(1, 0, 0);
    ask(1, 1, 0);
    ask(2, 0, 0);
    for (unsigned i = 0; i < 6; i++)
        (void)take(order[i]);
}

static void
a_slow_key_holds_up_no_other(void **state)
{
    struct held_key *quick = keyd_keys_find(&keys, bytes_of(names[0], KEY_NAME_BYTES));
    struct held_key *slow = keyd_keys_find(&keys, bytes_of(names[2], KEY_NAME_BYTES));

    (void)state;
    quick->cost_ns = 10000;
    slow->cost_ns = 35000;
    add("a", 0xff);
    for (uint32_t i = 0; i < 5; i++)
        ask(0, i, 2);
    for (uint32_t i = 100; i < 110; i++)
        ask(0, i, 0);
    assert_int_equal(take("a"), 0);
    for (uint32_t i = 100; i < 104; i++)
        assert_int_equal(take("a"), i);
    assert_int_equal(take("a"), 1); /* nor do the quick ones hold it up */
    for (uint32_t i = 104; i < 107; i++)
        assert_int_equal(take("a"), i);
    assert_int_equal(take("a"), 2);
    for (uint32_t i = 107; i < 110; i++)
        assert_int_equal(take("a"), i);
    assert_int_equal(take("a"), 3);
    ask(0, 200, 1); /* one that was not asked for so far comes at once */
    assert_int_equal(take("a"), 200);
    assert_int_equal(take("a"), 4);
}

/* --- what is odd --- */

static void
pass_window(const unsigned *questions)
{
    for (unsigned i = 0; i < askers.tally_count; i++)
        askers.tallies[i]->window.questions = questions[i];
}

static bool
is_odd(unsigned row)
{
    struct keyd_finding finding;

    return keyd_watch_is_odd(&askers, askers.tallies[row], &finding);
}

static void
one_that_asks_more_than_the_others_is_odd(void **state)
{
    (void)state;
    add("a", 0xff);
    add("b", 0xff);
    add("c", 0xff);
    pass_window((unsigned[]){ 1000, 900, 1100 });
    assert_false(is_odd(0) || is_odd(1) || is_odd(2)); /* a flood reaches all */
    pass_window((unsigned[]){ 1000, 10, 30 });
    assert_true(is_odd(0));
    assert_false(is_odd(1) || is_odd(2));
    pass_window((unsigned[]){ KEYD_ODD_LEAST, 0, 0 });
    assert_false(is_odd(0)); /* some clients may well have met one worker only */
}

static void
one_alone_is_odd_by_what_it_used_to_ask(void **state)
{
    (void)state;
    add("a", 0xff);
    for (unsigned i = 0; i < KEYD_LEARNING; i++) {
        pass_window((unsigned[]){ 1000 });
        assert_false(is_odd(0)); /* after a start everybody comes back at once */
        keyd_watch_turn(&askers);
    }
    pass_window((unsigned[]){ 3000 });
    assert_false(is_odd(0));
    pass_window((unsigned[]){ 5000 });
    assert_true(is_odd(0));
    for (unsigned i = 0; i < 16; i++) {
        pass_window((unsigned[]){ 5000 });
        keyd_watch_turn(&askers);
    }
    pass_window((unsigned[]){ 5000 });
    assert_false(is_odd(0)); /* it has become usual */
    assert_int_equal(askers.tallies[0]->total.questions,
        1000 * KEYD_LEARNING + 5000 * 16);
}

static void
one_that_comes_back_is_odd_by_what_it_was(void **state)
{
    (void)state;
    add("a", 0xff);
    for (unsigned i = 0; i < KEYD_LEARNING; i++) {
        pass_window((unsigned[]){ 1000 });
        keyd_watch_turn(&askers);
    }
    pass_window((unsigned[]){ 4000 });
    add("a", 0xff);
    assert_false(is_odd(0));
    askers.tallies[0]->window.questions++;
    assert_true(is_odd(0));
    keyd_askers_drop(&askers, 0);
    assert_true(is_odd(0)); /* although it is gone */
}

static void
one_refusal_is_odd(void **state)
{
    struct keyd_finding finding;
    enum key_status status;

    (void)state;
    add("worker-7", 0x01);
    assert_int_equal(hear(0, 1, 1, &status), KEYD_HEARD_REFUSED);
    assert_true(keyd_watch_is_odd(&askers, askers.tallies[0], &finding));
    assert_string_equal(finding.name, "worker-7");
    assert_int_equal(finding.count.refused, 1);
    keyd_watch_turn(&askers);
    assert_false(is_odd(0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_held_once_and_found_by_name),
        cmocka_unit_test_teardown(no_key_beyond_its_scope_is_known_to_an_asker,
            no_askers),
        cmocka_unit_test_teardown(one_question_too_many_is_nonsense, no_askers),
        cmocka_unit_test_teardown(an_asker_may_go_while_it_is_signed_for, no_askers),
        cmocka_unit_test_teardown(a_name_has_one_channel_and_one_tally, no_askers),
        cmocka_unit_test_teardown(askers_take_turns, no_askers),
        cmocka_unit_test_teardown(a_slow_key_holds_up_no_other, no_askers),
        cmocka_unit_test_teardown(one_that_asks_more_than_the_others_is_odd, no_askers),
        cmocka_unit_test_teardown(one_alone_is_odd_by_what_it_used_to_ask, no_askers),
        cmocka_unit_test_teardown(one_that_comes_back_is_odd_by_what_it_was, no_askers),
        cmocka_unit_test_teardown(one_refusal_is_odd, no_askers),
    };

    return cmocka_run_group_tests(tests, open_keys, close_keys);
}
