/*
 * base/clock.c - the two clocks of the kernel, read without a system call (vDSO).
 */
#include "base/clock.h"

#include <time.h>

#include "base/require.h"

static uint64_t
read_ns(clockid_t id)
{
    struct timespec now;

    require(clock_gettime(id, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t
clock_ms(void)
{
    return clock_ns() / 1000000;
}

uint64_t
clock_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t
clock_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}
