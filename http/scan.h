/*
 * http/scan.h - which byte may stand where, and how far a run of such bytes goes.
 *
 * For this folder only. ASCII classes come from one table (scan.c), so that no
 * locale and no sign of `char` can change a verdict.
 */
#ifndef HTTP_SCAN_H
#define HTTP_SCAN_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

enum scan_class {
    SCAN_TOKEN = 1,       /* tchar (RFC 9110, 5.6.2) */
    SCAN_TARGET = 2,      /* any RFC 3986 character of path and query, '%', '[', ']' */
    SCAN_HEX = 4,         /* hex digit */
    SCAN_HOST = 8,        /* letter, digit, '-', '.', '_' */
    SCAN_UNRESERVED = 16, /* RFC 3986, 2.3 */
    SCAN_PATH = 32,       /* pchar without '%' (RFC 3986, 3.3) */
    SCAN_TEXT = 64,       /* HTAB, SP, VCHAR, obs-text (RFC 9110, 5.5) */
    /*
     * What RFC 3986 wants escaped and browsers leave as it is: no member of the query
     * percent-encode set (WHATWG URL, 1.3). In a path they leave '|' and '^' alone.
     */
    SCAN_UNESCAPED = 128,
};

extern const unsigned char scan_classes[256];

static inline bool
scan_is(char c, unsigned class)
{
    return (scan_classes[(unsigned char)c] & class) != 0;
}

/* The first byte from `at` on that is not of the class, or `end`. */
static inline const char *
scan_while(const char *at, const char *end, unsigned class)
{
    while (at < end && scan_is(*at, class))
        at++;
    return at;
}

/* True when all of `text` is of the class; so is the empty view. */
static inline bool
scan_all(struct bytes text, unsigned class)
{
    return scan_while(text.at, text.at + text.length, class) == text.at + text.length;
}

/*
 * Which of eight bytes are control characters: the highest bit of each, the first
 * byte in the lowest place. Exact up to the first one; bytes from 0x80 up are none.
 */
static inline uint64_t
scan_controls(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word, deletes;

    memcpy(&word, at, sizeof word);
    word = le64toh(word);
    deletes = word ^ ones * 0x7f;
    return (((word - ones * 0x20) & ~word) | ((deletes - ones) & ~deletes)) & ones << 7;
}

/* The first control character from `at` on, or `end`. */
static inline const char *
scan_to_control(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t controls = scan_controls(at);

        if (controls != 0)
            return at + __builtin_ctzll(controls) / 8;
    }
    while (at < end && (scan_is(*at, SCAN_TEXT) && *at != '\t'))
        at++;
    return at;
}

/* The first byte that may not stand in a field value, or `end`. */
static inline const char *
scan_text(const char *at, const char *end)
{
    for (at = scan_to_control(at, end); at < end && *at == '\t';)
        at = scan_to_control(at + 1, end);
    return at;
}

/* The value of a hex digit. */
static inline unsigned
scan_hex(char digit)
{
    return digit <= '9' ? (unsigned)(digit - '0')
                        : (unsigned)((digit | 0x20) - 'a' + 10);
}

#endif
