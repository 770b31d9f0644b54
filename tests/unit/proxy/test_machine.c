/*
 * tests/unit/proxy/test_machine.c - how much memory the control group leaves us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/require.h"
#include "proxy/machine.h"

#define MIB (UINT64_C(1) << 20)

static char root[] = "/tmp/postern-machine-XXXXXX";

/* Writes a file below the root, and the folders on its way. */
static void
put(const char *path, const char *text)
{
    char full[256];
    FILE *file;

    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(full, 0700);
        *at = '/';
    }
    file = fopen(full, "w");
    require(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void
a_machine_without_groups_has_its_own_memory(void **state)
{
    (void)state;
    assert_true(machine_memory("/nowhere") > MIB);
}

static void
a_group_limits_and_so_do_those_around_it(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/system.slice/postern.service\n");
    put("/sys/fs/cgroup/system.slice/postern.service/memory.max", "max\n");
    assert_int_equal(machine_memory(root), machine_memory("/nowhere"));
    put("/sys/fs/cgroup/system.slice/memory.max", "3145728\n");
    assert_int_equal(machine_memory(root), 3 * MIB);
    put("/sys/fs/cgroup/system.slice/postern.service/memory.max", "2097152\n");
    assert_int_equal(machine_memory(root), 2 * MIB);
}

static void
the_group_of_a_container_is_the_root(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "1048576\n");
    assert_int_equal(machine_memory(root), MIB);
}

static void
version_one_limits_too(void **state)
{
    (void)state;
    put("/sys/fs/cgroup/memory.max", "max\n");
    put("/proc/self/cgroup", "9:memory:/docker/1\n8:cpu,cpuacct:/docker/1\nnonsense\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "4194304\n");
    assert_int_equal(machine_memory(root), 4 * MIB);
}

static void
each_worker_has_something_of_a_small_machine(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "67108864\n");
    assert_int_equal(machine_buffers(root, 2), 32 * MIB);
    assert_int_equal(machine_buffers(root, 64), 256 * MIB);
}

static int
make_root(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL;
}

static int
remove_root(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command); /* NOLINT: a folder of our own making */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_without_groups_has_its_own_memory),
        cmocka_unit_test(a_group_limits_and_so_do_those_around_it),
        cmocka_unit_test(the_group_of_a_container_is_the_root),
        cmocka_unit_test(version_one_limits_too),
        cmocka_unit_test(each_worker_has_something_of_a_small_machine),
    };

    return cmocka_run_group_tests_name("proxy/machine", tests, make_root, remove_root);
}
