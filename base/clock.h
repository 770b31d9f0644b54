/*
 * base/clock.h - the two clocks: one for deadlines, one for the log.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Monotonic milliseconds; never goes back, means nothing outside this boot. */
uint64_t clock_ms(void);

/* Monotonic nanoseconds, for durations in events. */
uint64_t clock_ns(void);

/* Nanoseconds since 1970-01-01T00:00:00Z, for time stamps only. */
uint64_t clock_wall_ns(void);

#endif
