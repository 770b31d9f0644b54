/*
 * http/url.h - one decoder, one normal form, and what was odd about the original.
 *
 * The canonical form is what gates judge and what is sent on: the path with
 * needless escapes decoded (unreserved characters), needed ones in upper-case
 * hex, dot segments resolved; the query unchanged but for hex case and bytes that
 * may not stand there. The canonical form of a canonical form is itself. Deciding
 * what to do about oddities is the caller's.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/fault.h"
#include "http/url_policy.h"

struct url {
    struct bytes path;      /* canonical, still escaped, begins with '/', or "*" */
    struct bytes decoded;   /* path, decoded once: for matching only */
    struct bytes further;   /* ... until nothing is escaped: what some servers match */
    struct bytes query;     /* without '?'; at == NULL when there is no '?' */
    struct bytes canonical; /* path?query: what is sent */
    uint32_t oddities;      /* enum url_oddity of the path */
    uint32_t query_oddities;
};

/*
 * `target` is the origin form (or "*") from a parsed head, which `url` may go on
 * pointing into. Fills `url` from `arena` even when there are oddities; FAULT_MEMORY
 * is the only failure.
 */
enum fault
url_canonicalise(struct bytes target, struct arena *arena, struct url *url) MUST_USE;

/*
 * The fault that generic strictness gives for these oddities, or FAULT_NONE.
 *
 * In the path: malformed and %u escapes, what decoding again turns into something of
 * this list, controls, backslashes, encoded slashes, bad UTF-8, dot segments that climb
 * or hide, bytes that are not escaped. In the query only malformed and %u escapes, NUL,
 * line ends and bytes that are not escaped: a URL or a subject inside a parameter is
 * encoded twice by right, and what a parameter may hold its application knows.
 */
enum fault url_judge(const struct url *url) MUST_USE;

/*
 * `path` as a program on Windows sees it that has asked for it in the bytes of a code
 * page: fullwidth forms become ASCII, and some signs a separator. The same view when
 * nothing changes; { NULL, 0 } when the arena is used up.
 */
struct bytes url_fold_best_fit(struct bytes path, struct arena *arena) MUST_USE;

#endif
