/*
 * config/freeze_filter.h - a host's application becomes the policy that the filter obeys.
 */
#ifndef CONFIG_FREEZE_FILTER_H
#define CONFIG_FREEZE_FILTER_H

#include "config/load.h"
#include "http/filter_policy.h"

/*
 * `application` is a published host's, resolved and without a mistake. The policy and all
 * it points to live in `stash`.
 */
const struct filter_policy *freeze_filter(const struct loaded *loaded,
    const struct node *application, struct stash *stash);

#endif
