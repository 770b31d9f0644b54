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

enum url_oddity {
    URL_HAS_DOUBLE_ENCODING = 1 << 0, /* decoding twice gives something else */
    URL_HAS_NUL = 1 << 1,
    URL_HAS_LINE_END = 1 << 2,  /* an encoded CR or LF */
    URL_HAS_CONTROL = 1 << 3,   /* another encoded control character */
    URL_HAS_BACKSLASH = 1 << 4, /* raw (refused by the head parser) or %5c */
    URL_HAS_ENCODED_SLASH = 1 << 5,
    URL_HAS_BAD_UTF8 = 1 << 6,        /* invalid or overlong, after decoding */
    URL_HAS_DOT_SEGMENTS = 1 << 7,    /* "." or "..", raw or encoded */
    URL_CLIMBS = 1 << 8,              /* ".." above the root */
    URL_HAS_PARAMETERS = 1 << 9,      /* ';' in the path */
    URL_HAS_HIGH_BIT = 1 << 10,       /* bytes of 0x80 and up, after decoding */
    URL_HAS_EMPTY_SEGMENTS = 1 << 11, /* "//" */
    URL_HAS_UNICODE_ESCAPE = 1 << 12, /* %uXXXX */
    URL_HAS_BAD_ESCAPE = 1 << 13,     /* '%' without two hex digits */
    URL_HAS_DISGUISED_DOTS = 1
        << 14, /* a dot segment spelled with %2e, or before ';' */
};

struct url {
    struct bytes path;      /* canonical, still escaped, begins with '/', or "*" */
    struct bytes decoded;   /* path, decoded once: for matching only */
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
 * In the path: malformed and %u escapes, double encoding, controls, backslashes,
 * encoded slashes, bad UTF-8, dot segments that climb or hide. In the query only
 * malformed and %u escapes, NUL and line ends: a URL or a subject inside a parameter
 * is encoded twice by right, and what a parameter may hold its application knows.
 */
enum fault url_judge(const struct url *url) MUST_USE;

#endif
