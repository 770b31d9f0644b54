/*
 * tests/unit/proxy/test_request_id.c - in order, never twice, not even in two processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/request_id.h"

#define COUNT 20000

static char ids[COUNT][REQUEST_ID_BYTES];

static int
compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
an_id_is_26_characters_that_nobody_confuses(void **state)
{
    char id[REQUEST_ID_BYTES];

    (void)state;
    request_id_make(id);
    assert_int_equal(strlen(id), 26);
    assert_int_equal(strspn(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
}

static void
none_comes_twice(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        request_id_make(ids[i]);
    qsort(ids, COUNT, sizeof ids[0], compare);
    for (int i = 1; i < COUNT; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

static void
a_later_one_sorts_behind(void **state)
{
    char before[REQUEST_ID_BYTES], after[REQUEST_ID_BYTES];

    (void)state;
    request_id_make(before);
    do
        request_id_make(after);
    while (memcmp(before, after, 10) == 0); /* until the clock has moved */
    assert_true(strcmp(before, after) < 0);
}

/* Each of our processes begins anew, from exec; here a fork before the first id. */
static void
make_in_child(char id[REQUEST_ID_BYTES])
{
    int pair[2], status;
    pid_t pid;

    assert_int_equal(pipe(pair), 0);
    pid = fork();
    if (pid == 0) {
        request_id_make(id);
        _exit(write(pair[1], id, REQUEST_ID_BYTES) == REQUEST_ID_BYTES ? 0 : 1);
    }
    assert_int_equal(read(pair[0], id, REQUEST_ID_BYTES), REQUEST_ID_BYTES);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(pair[0]);
    close(pair[1]);
}

static void
two_processes_do_not_meet(void **state)
{
    char first[REQUEST_ID_BYTES], second[REQUEST_ID_BYTES];

    (void)state;
    make_in_child(first);
    make_in_child(second);
    assert_string_not_equal(first + 10, second + 10); /* whatever the time */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_processes_do_not_meet), /* first: see make_in_child */
        cmocka_unit_test(an_id_is_26_characters_that_nobody_confuses),
        cmocka_unit_test(none_comes_twice),
        cmocka_unit_test(a_later_one_sorts_behind),
    };

    return cmocka_run_group_tests_name("proxy/request_id", tests, NULL, NULL);
}
