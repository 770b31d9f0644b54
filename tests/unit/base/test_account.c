/*
 * tests/unit/base/test_account.c - whom the roles become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/account.h"

static const enum jail_role roles[] = { JAIL_WORKER, JAIL_KEYD, JAIL_LOGD,
    JAIL_RESOLVER };
#define ROLES (sizeof roles / sizeof roles[0])

static void
an_account_exists_and_is_not_root(void **state)
{
    struct account account;
    struct note note = { "" };

    (void)state;
    assert_true(account_find("nobody", &account, &note));
    assert_string_equal(note.text, "");
    assert_string_equal(account.name, "nobody");
    assert_false(account_find("root", &account, &note));
    assert_string_equal(note.text, "the user \"root\" is root (uid 0)");
    assert_false(account_find("no-such-user", &account, &note));
    assert_string_equal(note.text, "there is no user \"no-such-user\"");
    assert_false(account_find("no-such-user", &account, NULL));
}

static void
a_number_is_one_of_those_that_belong_to_nobody(void **state)
{
    struct account account;

    (void)state;
    assert_true(account_find("#65520", &account, NULL));
    assert_int_equal(account.uid, 65520);
    assert_int_equal(account.gid, 65520);
    assert_null(account.name);
    assert_true(account_find("#65533", &account, NULL));
    assert_false(account_find("#0", &account, NULL));
    assert_false(account_find("#65519", &account, NULL));
    assert_false(account_find("#65534", &account, NULL));
    assert_false(account_find("#", &account, NULL));
    assert_false(account_find("#65520x", &account, NULL));
    assert_false(account_find("#-1", &account, NULL));
    assert_false(account_find("#4295032816", &account, NULL)); /* 65520 in 32 bits */
}

static void
no_two_roles_have_the_same(void **state)
{
    struct account accounts[ROLES];
    char name[ACCOUNT_NAME_BYTES];

    (void)state;
    for (size_t i = 0; i < ROLES; i++) {
        account_of_role(roles[i], name);
        assert_true(account_find(name, &accounts[i], NULL));
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(accounts[i].uid, accounts[k].uid);
            assert_int_not_equal(accounts[i].gid, accounts[k].gid);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_exists_and_is_not_root),
        cmocka_unit_test(a_number_is_one_of_those_that_belong_to_nobody),
        cmocka_unit_test(no_two_roles_have_the_same),
    };

    return cmocka_run_group_tests_name("base/account", tests, NULL, NULL);
}
