/*
 * http/glob.c - text against a pattern of literal bytes and asterisks.
 *
 * One loop for both kinds of glob: on a mismatch the last asterisk takes one byte more,
 * and when it may take no more, the last "**" takes one segment more. To go back to an
 * earlier one of the same kind is never needed, since what a later one may take includes
 * all that an earlier one could have left to it.
 *
 * Trust: the text comes from the network, the glob from the configuration.
 */
#include "http/glob.h"

#include "http/filter.h"

struct glob {
    struct bytes pattern;
    bool ignores_case;
    bool is_of_path; /* "*" ends at a slash, the segment "**" does not */
    bool is_prefix;  /* the text may go on behind it */
};

/* What an asterisk may still take, and where the glob goes on behind it; NULL: none yet. */
struct star {
    const char *rest, *taken;
};

static inline bool
is_same(const struct glob *glob, char a, char b)
{
    return a == b || (glob->ignores_case && ascii_lower(a) == ascii_lower(b));
}

/* Does "**" and a slash stand here, as a segment? */
static inline bool
is_deep(const struct glob *glob, const char *at)
{
    return glob->is_of_path && glob->pattern.at + glob->pattern.length - at >= 3 &&
        at > glob->pattern.at && at[-1] == '/' && memcmp(at, "**/", 3) == 0;
}

/* The rest of a glob, when the text is at its end. */
static inline bool
may_be_empty(const struct glob *glob, const char *at)
{
    const char *end = glob->pattern.at + glob->pattern.length;

    while (at < end && *at == '*')
        at += is_deep(glob, at) ? 3 : 1;
    return at == end;
}

/* Lets the last asterisk, else the last "**", take more: where the text goes on; or NULL. */
static inline const char *
take_more(const struct glob *glob, struct star *star, struct star *deep,
    const char *text_end, const char **at)
{
    if (star->rest != NULL && !(glob->is_of_path && *star->taken == '/')) {
        *at = star->rest;
        return ++star->taken;
    }
    if (deep->rest == NULL)
        return NULL;
    deep->taken = memchr(deep->taken, '/', (size_t)(text_end - deep->taken));
    if (deep->taken == NULL)
        return NULL;
    star->rest = NULL;
    *at = deep->rest;
    return ++deep->taken;
}

static inline bool
matches(const struct glob *glob, struct bytes text)
{
    const char *at = glob->pattern.at, *end = at + glob->pattern.length;
    const char *from = text.at, *text_end = text.at + text.length;
    struct star star = { NULL, NULL }, deep = { NULL, NULL };

    while (at < end && from < text_end && *at != '*' && is_same(glob, *at, *from)) {
        at++;
        from++;
    }
    /* Most globs that are tried end here. */
    if (at == end)
        return from == text_end || glob->is_prefix;
    if (*at != '*')
        return false;
    while (from < text_end) {
        if (at == end && glob->is_prefix)
            return true;
        if (at < end && *at == '*' && is_deep(glob, at)) {
            at += 3;
            deep = (struct star){ at, from };
            star.rest = NULL;
        } else if (at < end && *at == '*') {
            star = (struct star){ ++at, from };
        } else if (at < end && is_same(glob, *at, *from)) {
            at++;
            from++;
        } else {
            from = take_more(glob, &star, &deep, text_end, &at);
            if (from == NULL)
                return false;
        }
    }
    return may_be_empty(glob, at);
}

bool
glob_matches(struct bytes pattern, struct bytes text)
{
    return matches(&(struct glob){ .pattern = pattern, .ignores_case = true }, text);
}

bool
filter_path_matches(struct bytes pattern, struct bytes path, bool ignores_case)
{
    struct glob glob = { pattern, ignores_case, .is_of_path = true };

    if (pattern.length > 2 && memcmp(pattern.at + pattern.length - 3, "/**", 3) == 0) {
        glob.pattern.length -= 2;
        glob.is_prefix = true;
    }
    return matches(&glob, path);
}
