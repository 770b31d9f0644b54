/*
 * tests/unit/base/test_seal.c - what is sealed stays as it is, for everybody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/seal.h"

static int
sealed_with(struct bytes first, struct bytes second)
{
    int fd = seal_open("test");

    assert_true(fd >= 0);
    assert_true(seal_put(fd, first));
    assert_true(seal_put(fd, second));
    assert_true(seal_shut(fd));
    return fd;
}

static void
records_come_back_in_order(void **state)
{
    int fd = sealed_with(BYTES("a\0b"), BYTES(""));
    struct bytes all, rest, record;

    (void)state;
    for (int i = 0; i < 2; i++) { /* each reader maps it for himself */
        assert_true(seal_map(fd, &all));
        rest = all;
        assert_true(seal_cut(&rest, &record));
        assert_true(bytes_equal(record, BYTES("a\0b")));
        assert_true(seal_cut(&rest, &record));
        assert_int_equal(record.length, 0);
        assert_int_equal(rest.length, 0);
        assert_false(seal_cut(&rest, &record));
        seal_unmap(&all);
        seal_unmap(&all);
    }
    close(fd);
}

static void
nobody_changes_it_any_more(void **state)
{
    int fd = sealed_with(BYTES("key"), BYTES("text"));
    void *memory;

    (void)state;
    assert_true(pwrite(fd, "x", 1, 0) < 0);
    assert_int_equal(errno, EPERM);
    assert_true(ftruncate(fd, 3) < 0);
    assert_true(ftruncate(fd, 300) < 0);
    memory = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(memory == MAP_FAILED);
    assert_true(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
}

static void
what_is_not_sealed_is_not_believed(void **state)
{
    int fd = seal_open("test");
    struct bytes all;

    (void)state;
    assert_true(seal_put(fd, BYTES("open")));
    assert_false(seal_map(fd, &all));
    assert_null(all.at);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    assert_false(seal_map(fd, &all));
    close(fd);
    assert_false(seal_map(fd, &all));
}

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* Linux 6.3 */
#endif

/* Where vm.memfd_noexec is set, the kernel refuses others, or adds this seal by itself. */
static void
it_never_becomes_a_program(void **state)
{
    int fd = seal_open("test"), other = memfd_create("other", MFD_ALLOW_SEALING);
    bool kernel_knows = fcntl(other, F_ADD_SEALS, F_SEAL_EXEC) == 0;
    struct bytes all;

    (void)state;
    assert_true(fd >= 0);
    assert_true(seal_shut(fd));
    if (kernel_knows)
        assert_int_equal(fcntl(fd, F_GET_SEALS) & F_SEAL_EXEC, F_SEAL_EXEC);
    assert_true(seal_map(fd, &all));
    seal_unmap(&all);
    close(other);
    close(fd);
}

static void
nobody_changes_a_size_that_is_sealed(void **state)
{
    int fd = seal_open("test");
    struct bytes all;

    (void)state;
    assert_true(seal_size(fd, 4096));
    assert_int_equal(pwrite(fd, "x", 1, 4095), 1);
    assert_true(ftruncate(fd, 4095) < 0);
    assert_true(ftruncate(fd, 4097) < 0);
    assert_false(seal_map(fd, &all)); /* it can be written */
    close(fd);
}

static void
nothing_is_a_good_content(void **state)
{
    int fd = seal_open("test");
    struct bytes all;

    (void)state;
    assert_true(seal_shut(fd));
    assert_true(seal_map(fd, &all));
    assert_int_equal(all.length, 0);
    seal_unmap(&all);
    close(fd);
}

static void
a_length_is_never_believed(void **state)
{
    static const struct bytes bad[] = { { "", 0 }, { "\1\0\0", 3 }, { "\1\0\0\0", 4 },
        { "\3\0\0\0ab", 6 }, { "\377\377\377\377abcd", 8 } };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes rest = bad[i], record;

        assert_false(seal_cut(&rest, &record));
        assert_int_equal(rest.length, bad[i].length);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_in_order),
        cmocka_unit_test(nobody_changes_it_any_more),
        cmocka_unit_test(what_is_not_sealed_is_not_believed),
        cmocka_unit_test(it_never_becomes_a_program),
        cmocka_unit_test(nobody_changes_a_size_that_is_sealed),
        cmocka_unit_test(nothing_is_a_good_content),
        cmocka_unit_test(a_length_is_never_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
