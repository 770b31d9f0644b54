/*
 * tests/unit/base/test_secret.c - secrets start empty, stay out of dumps, end wiped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/sanitizer.h"
#include "base/secret.h"

/* True when the kernel has set `flag` (two letters) on the mapping that begins at `at`. */
static bool
is_mapped_with(const void *at, const char *flag)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512], start[32];
    bool inside = false, found = false;

    assert_non_null(maps);
    (void)snprintf(start, sizeof start, "%llx-", (unsigned long long)(uintptr_t)at);
    while (fgets(line, sizeof line, maps) != NULL) {
        inside = inside || strncmp(line, start, strlen(start)) == 0;
        if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line, flag) != NULL;
            break;
        }
    }
    (void)fclose(maps);
    return found;
}

static void
a_secret_is_zeroed_and_kept_out_of_dumps(void **state)
{
    static const char zeroes[5000];
    void *secret = secret_new(sizeof zeroes);

    (void)state;
    assert_memory_equal(secret, zeroes, sizeof zeroes);
    assert_true(is_mapped_with(secret, " dd")); /* do not dump */
    if (!WITH_ADDRESS_SANITIZER)                /* which makes mlock do nothing */
        assert_true(is_mapped_with(secret, " lo"));
    memset(secret, 'x', sizeof zeroes);
    secret_free(&secret, sizeof zeroes);
    assert_null(secret);
    secret_free(&secret, sizeof zeroes);
}

static void
wipe_leaves_nothing(void **state)
{
    char password[] = "corr3ct h0rse";
    static const char zeroes[sizeof password];

    (void)state;
    secret_wipe(password, 3);
    assert_string_equal(password + 3, "r3ct h0rse");
    secret_wipe(password, sizeof password);
    assert_memory_equal(password, zeroes, sizeof password);
    secret_wipe(NULL, 0);
}

static void
random_bytes_fill_all_of_it(void **state)
{
    unsigned char bytes[3000] = { 0 };
    unsigned seen[256] = { 0 }, different = 0;

    (void)state;
    secret_random(bytes, sizeof bytes - 1);
    assert_int_equal(bytes[sizeof bytes - 1], 0);
    for (size_t i = 0; i < sizeof bytes - 1; i++)
        seen[bytes[i]]++;
    for (size_t i = 0; i < 256; i++)
        different += seen[i] > 0;
    assert_true(different > 200); /* 2999 draws miss 56 of 256 values: never */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_zeroed_and_kept_out_of_dumps),
        cmocka_unit_test(wipe_leaves_nothing),
        cmocka_unit_test(random_bytes_fill_all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
