/*
 * http/value_watch.c - one condition's test on a value that is too long to be held.
 *
 * Knows no field and no mitigation. Owns nothing.
 *
 * Trust: the value comes from the network, the condition from the configuration.
 */
#include "http/value_watch.h"

#include <string.h>

#include "http/words.h"

#define TEXTS_MAX 64u /* bits of `seen` */

/* Text number `index` that the value must hold; false when there are no more. */
static bool
find_text(const struct condition *condition, unsigned index, struct bytes *text)
{
    struct bytes rest = condition->text;

    if (condition->test == TEST_CONTAINS && index == 0) {
        *text = rest;
        return true;
    }
    if (condition->test == TEST_CONTAINS_ALL && index < condition->words.count) {
        *text = condition->words.words[index];
        return true;
    }
    while (condition->test == TEST_GLOB && rest.at != NULL) {
        *text = bytes_cut(&rest, '*');
        if (index-- == 0)
            return true;
    }
    return false;
}

size_t
value_watch_longest(const struct condition *condition)
{
    struct bytes text;
    size_t longest = 0;

    for (unsigned i = 0; find_text(condition, i, &text); i++)
        if (text.length > longest)
            longest = text.length;
    return longest;
}

/* A glob without an asterisk is shorter than what is too long to be held. */
static bool
begins_as(struct bytes glob, struct bytes window)
{
    struct bytes rest = glob;
    struct bytes first = bytes_cut(&rest, '*');

    return rest.at != NULL && bytes_has_prefix_nocase(window, first);
}

static bool
ends_as(struct bytes glob, struct bytes window)
{
    const char *star = memrchr(glob.at, '*', glob.length);
    size_t length =
        star == NULL ? glob.length : (size_t)(glob.at + glob.length - star - 1);

    return window.length >= length &&
        bytes_equal_nocase(bytes_of(window.at + window.length - length, length),
            bytes_of(glob.at + glob.length - length, length));
}

void
value_watch_take(struct value_watch *watch, struct bytes window, size_t fresh)
{
    const struct condition *condition = watch->condition;
    struct bytes text;

    if (condition->test == TEST_NOT_SHAPE)
        watch->is_unshaped = watch->is_unshaped ||
            !shape_has(&condition->shape,
                bytes_of(window.at + window.length - fresh, fresh));
    if (condition->test == TEST_GLOB && watch->bytes == 0)
        watch->begins_otherwise = !begins_as(condition->text, window);
    for (unsigned i = 0; i < TEXTS_MAX && find_text(condition, i, &text); i++)
        if ((watch->seen >> i & 1) == 0 && bytes_contains_nocase(window, text))
            watch->seen |= UINT64_C(1) << i;
    watch->bytes += fresh;
}

static bool
has_all(const struct value_watch *watch)
{
    struct bytes text;

    for (unsigned i = 0; i < TEXTS_MAX && find_text(watch->condition, i, &text); i++)
        if ((watch->seen >> i & 1) == 0)
            return false;
    return true;
}

bool
value_watch_is_certain(const struct value_watch *watch)
{
    switch (watch->condition->test) {
    case TEST_PRESENT:
        return true;
    case TEST_CONTAINS:
    case TEST_CONTAINS_ALL:
        return has_all(watch);
    case TEST_NOT_SHAPE:
        return watch->is_unshaped || watch->bytes > watch->condition->shape.maximum;
    case TEST_GLOB:
        return false;
    }
    return false;
}

bool
value_watch_passes(const struct value_watch *watch, struct bytes window)
{
    if (watch->condition->test == TEST_GLOB)
        return !watch->begins_otherwise && has_all(watch) &&
            ends_as(watch->condition->text, window);
    return value_watch_is_certain(watch) ||
        (watch->condition->test == TEST_NOT_SHAPE &&
            watch->bytes < watch->condition->shape.minimum);
}
