/*
 * http/url_policy.h - what can be odd about how a URL is written, and what is refused
 * where nothing is said.
 */
#ifndef HTTP_URL_POLICY_H
#define HTTP_URL_POLICY_H

enum url_oddity {
    /* decoding again gives what is refused in itself, or a dot segment */
    URL_HAS_DOUBLE_ENCODING = 1 << 0,
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
    /* a dot segment spelled with %2e, before ';' (or %3b), or beside %2f */
    URL_HAS_DISGUISED_DOTS = 1 << 14,
    /* a byte that browsers leave as it is and RFC 3986 does not: | ^ ` { } \ */
    URL_HAS_UNESCAPED = 1 << 15,
    URL_HAS_TAB = 1 << 16, /* encoded: stands in names of files */
    /* what code pages of Windows turn into a separator or a dot segment */
    URL_HAS_BEST_FIT = 1 << 17,
};

/* What url_judge refuses: in the path, and in the query, where more is written by right. */
#define URL_ODDITIES_DEFAULT                                                           \
    (URL_HAS_DOUBLE_ENCODING | URL_HAS_NUL | URL_HAS_LINE_END | URL_HAS_CONTROL |      \
        URL_HAS_BACKSLASH | URL_HAS_ENCODED_SLASH | URL_HAS_BAD_UTF8 | URL_CLIMBS |    \
        URL_HAS_UNICODE_ESCAPE | URL_HAS_BAD_ESCAPE | URL_HAS_DISGUISED_DOTS |         \
        URL_HAS_UNESCAPED | URL_HAS_TAB)
#define URL_QUERY_ODDITIES_DEFAULT                                                     \
    (URL_HAS_NUL | URL_HAS_LINE_END | URL_HAS_UNICODE_ESCAPE | URL_HAS_BAD_ESCAPE |    \
        URL_HAS_UNESCAPED)

#endif
