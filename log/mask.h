/*
 * log/mask.h - where in a URL does a secret stand?
 */
#ifndef LOG_MASK_H
#define LOG_MASK_H

#include "base/bytes.h"

/* What is written in a secret's place. */
#define MASK "***"

/*
 * The first secret in `url` (a path, a query, a request target, a Referer, any text): the
 * value of a parameter that log/secret_params.def names, or the user:password before
 * a host. { NULL, 0 } when there is none. To find the next, call again with what
 * stands behind it. Case does not matter, nor how often a
 * parameter is percent-encoded, as those of a URL inside a URL are.
 */
struct bytes mask_find(struct bytes url);

#endif
