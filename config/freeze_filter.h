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

/*
 * What is asked of a request that comes in clear text, over `redirect_http`, for a host
 * whose TLS is passed through: of its application nothing is known, so only spellings
 * that are refused by default are. Static; nobody frees it.
 */
const struct filter_policy *freeze_filter_of_tunnel(void);

#endif
