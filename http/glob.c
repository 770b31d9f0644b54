/*
 * http/glob.c - text against a pattern of literal bytes and asterisks.
 *
 * One loop for both kinds of glob: on a mismatch the last asterisk takes one byte more.
 * To go back to an earlier one is never needed, since what a later asterisk may take
 * includes all that an earlier one could have left to it.
 *
 * Trust: the text comes from the network, the glob from the configuration.
 */
#include "http/glob.h"

#include "http/filter.h"

struct glob {
    struct bytes pattern;
    bool ignores_case, stops_at_slash;
    bool is_prefix; /* the text may go on behind it */
};

static inline bool
is_same(const struct glob *glob, char a, char b)
{
    return a == b || (glob->ignores_case && ascii_lower(a) == ascii_lower(b));
}

static inline bool
matches(const struct glob *glob, struct bytes text)
{
    const char *at = glob->pattern.at, *end = at + glob->pattern.length;
    const char *from = text.at, *text_end = text.at + text.length;
    const char *star = NULL,
               *taken = NULL; /* behind the asterisk; what it took up to */

    while (at < end && from < text_end && *at != '*' && is_same(glob, *at, *from)) {
        at++;
        from++;
    }
    while (from < text_end) {
        if (at == end && glob->is_prefix)
            return true;
        if (at < end && *at == '*') {
            star = ++at;
            taken = from;
        } else if (at < end && is_same(glob, *at, *from)) {
            at++;
            from++;
        } else if (star != NULL && !(glob->stops_at_slash && *taken == '/')) {
            from = ++taken;
            at = star;
        } else {
            return false;
        }
    }
    while (at < end && *at == '*')
        at++;
    return at == end;
}

bool
glob_matches(struct bytes pattern, struct bytes text)
{
    return matches(&(struct glob){ .pattern = pattern, .ignores_case = true }, text);
}

bool
filter_path_matches(struct bytes pattern, struct bytes path, bool ignores_case)
{
    struct glob glob = { pattern, ignores_case, .stops_at_slash = true };

    if (pattern.length > 2 && memcmp(pattern.at + pattern.length - 3, "/**", 3) == 0) {
        glob.pattern.length -= 2;
        glob.is_prefix = true;
    }
    return matches(&glob, path);
}
