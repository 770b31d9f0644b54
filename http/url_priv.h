/*
 * http/url_priv.h - what reading a URL once and reading it further share.
 */
#ifndef HTTP_URL_PRIV_H
#define HTTP_URL_PRIV_H

#include "http/scan.h"
#include "http/url.h"

static inline bool
url_is_escape(const char *at, const char *end)
{
    return end - at >= 3 && *at == '%' && scan_is(at[1], SCAN_HEX) &&
        scan_is(at[2], SCAN_HEX);
}

/* The byte that stands at *at, escaped or not; steps over it. */
static inline unsigned char
url_take_byte(const char **at, const char *end)
{
    const char *from = *at;

    if (!url_is_escape(from, end)) {
        *at = from + 1;
        return (unsigned char)*from;
    }
    *at = from + 3;
    return (unsigned char)(scan_hex(from[1]) << 4 | scan_hex(from[2]));
}

/* 1 for ".", 2 for "..", however they are spelled; 0 for any other segment. */
static inline unsigned
url_dots(struct bytes segment)
{
    const char *at = segment.at;
    const char *end = segment.at + segment.length;
    unsigned dots = 0;

    while (at < end && dots <= 2) {
        if (url_take_byte(&at, end) != '.')
            return 0;
        dots++;
    }
    return dots <= 2 && at == end ? dots : 0;
}

/* Follows UTF-8 byte by byte (RFC 3629): no overlong form, no surrogate. Zero it first. */
struct url_utf8 {
    unsigned left;             /* continuation bytes still to come */
    unsigned char least, most; /* bounds of the next one */
    bool is_bad;
};

void url_utf8_take(struct url_utf8 *utf8, unsigned char byte);

/* Each escape one byte; { NULL, 0 } when the arena is used up. */
struct bytes url_decode(struct bytes text, struct arena *arena) MUST_USE;

/*
 * url->further from url->decoded, and what is odd about it: URL_HAS_DOUBLE_ENCODING and
 * URL_HAS_BEST_FIT. FAULT_MEMORY is the only failure.
 */
enum fault url_decode_further(struct url *url, struct arena *arena) MUST_USE;

#endif
