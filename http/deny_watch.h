/*
 * http/deny_watch.h - rules that deny, as far as the fields of a form may make them hold.
 *
 * For this folder. A rule that denies with `when` holds for any spelling of a name and any
 * of its values; what the query has not brought, a form may bring, to an application that
 * takes parameters from both. Waited for are the rules for this path and source.
 */
#ifndef HTTP_DENY_WATCH_H
#define HTTP_DENY_WATCH_H

#include <stdbool.h>

#include "http/filter.h"

struct deny_watch;

/*
 * NULL when no such rule waits, or, with FAULT_MEMORY in `fault`, when the arena of
 * `input`, which owns it, is used up. `verdict` has judged the head.
 */
struct deny_watch *deny_watch_new(const struct filter_input *input,
    const struct filter_verdict *verdict, enum fault *fault);

/* How long the longest word is that is looked for, `watch` may be NULL. */
size_t deny_watch_longest(const struct deny_watch *watch);

/* A field begins. True when its value is asked for; `watch` may be NULL. */
bool deny_watch_name(struct deny_watch *watch, struct bytes name);

/*
 * Its value, whole or, where it is longer than the longest word, the beginning: a rule
 * that holds by now. Ask again until it is NULL. `watch` may be NULL.
 */
const struct path_rule *deny_watch_value(struct deny_watch *watch, struct bytes value);

#endif
