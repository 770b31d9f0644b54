/*
 * http/value_watch.h - one condition's test on a value that is too long to be held.
 *
 * For this folder. The value is shown in windows that overlap by as much as the longest
 * text of the condition, less one byte, so that no text falls between two of them.
 *
 * Exact for all tests but `glob`, of which the pieces between its asterisks may be found
 * in any order: a long value that has them all is rather refused than passed.
 */
#ifndef HTTP_VALUE_WATCH_H
#define HTTP_VALUE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/filter_policy.h"

/* Zero before each value, but for the condition. */
struct value_watch {
    const struct condition *condition;
    uint64_t seen;    /* a bit for each text; those behind the 64th count as seen */
    uint64_t bytes;   /* so far */
    bool is_unshaped; /* there was a byte that the shape does not have */
    bool begins_otherwise;
};

/* How long the longest text is that must be looked for; 0: none. */
size_t value_watch_longest(const struct condition *condition);

/* The next window; its last `fresh` bytes were in none before. */
void value_watch_take(struct value_watch *watch, struct bytes window, size_t fresh);

/* Whatever may still come: the test is passed. */
bool value_watch_is_certain(const struct value_watch *watch);

/* The value is over; `window` was the last one. */
bool value_watch_passes(const struct value_watch *watch, struct bytes window);

#endif
