/*
 * tests/conformance/paths_refused.c - ways to spell a path that one reader sees
 * differently from the next: what passes a gate must be what the upstream opens.
 */
#include "tests/conformance/conformance.h"

#define PATH(name, target, symbol)                                                     \
    ROW(name, "GET " target " HTTP/1.1\r\nHost: mail.example.com\r\n\r\n", symbol)

static const struct row rows[] = {
    PATH("climb", "/../ecp/", URL_CLIMBS),
    PATH("climb-later", "/owa/../../ecp/", URL_CLIMBS),
    PATH("climb-at-end", "/..", URL_CLIMBS),
    PATH("climb-behind-dot", "/./../ecp", URL_CLIMBS),
    PATH("dots-encoded", "/owa/%2e%2e/ecp/", URL_CLIMBS),
    PATH("dots-encoded-upper", "/owa/%2E%2E/ecp/", URL_CLIMBS),
    PATH("dots-half-encoded", "/owa/.%2e/ecp/", URL_CLIMBS),
    PATH("dots-other-half-encoded", "/owa/%2e./ecp/", URL_CLIMBS),
    PATH("dots-encoded-at-end", "/owa/%2e%2e", URL_CLIMBS),
    PATH("dot-encoded", "/owa/%2e/ecp/", URL_CLIMBS),
    PATH("dots-parameter", "/owa/..;/ecp/", URL_CLIMBS),
    PATH("dots-parameter-value", "/owa/..;a=b/ecp/", URL_CLIMBS),
    PATH("dots-encoded-parameter", "/owa/%2e%2e;/ecp/", URL_CLIMBS),
    PATH("dot-parameter", "/owa/.;/ecp/", URL_CLIMBS),
    PATH("slash-encoded", "/owa/..%2fecp/", URL_ENCODED_SLASH),
    PATH("slash-encoded-upper", "/owa%2Fecp", URL_ENCODED_SLASH),
    PATH("all-encoded", "/%2e%2e%2fecp", URL_ENCODED_SLASH),
    PATH("backslash-encoded", "/owa/..%5cecp/", URL_BACKSLASH),
    PATH("backslash-encoded-upper", "/owa/..%5C..%5Cecp/", URL_BACKSLASH),
    PATH("double-dot", "/owa/%252e%252e/ecp/", URL_DOUBLE_ENCODED),
    PATH("double-slash", "/owa/..%252fecp/", URL_DOUBLE_ENCODED),
    PATH("double-backslash", "/owa/..%255cecp/", URL_DOUBLE_ENCODED),
    PATH("double-nul", "/owa/x%2500.js", URL_DOUBLE_ENCODED),
    PATH("double-percent-by-parts", "/owa/%25%32%65/", URL_DOUBLE_ENCODED),
    PATH("double-digit-encoded", "/owa/%252%65/", URL_DOUBLE_ENCODED),
    PATH("double-unicode", "/owa/%25u002e/", URL_DOUBLE_ENCODED),
    PATH("triple", "/owa/%25252e/", URL_DOUBLE_ENCODED),
    PATH("nul", "/owa/x.aspx%00.js", URL_CONTROL),
    PATH("crlf", "/owa/%0d%0aSet-Cookie:%20a=b", URL_CONTROL),
    PATH("lf", "/owa/%0a", URL_CONTROL),
    PATH("cr", "/owa/%0D", URL_CONTROL),
    PATH("tab", "/owa/%09", URL_CONTROL),
    PATH("escape-character", "/owa/%1b", URL_CONTROL),
    PATH("delete", "/owa/%7f", URL_CONTROL),
    PATH("overlong-dot", "/owa/%c0%ae%c0%ae/ecp/", URL_UTF8),
    PATH("overlong-slash", "/owa/..%c0%afecp/", URL_UTF8),
    PATH("overlong-slash-3", "/owa/..%e0%80%afecp/", URL_UTF8),
    PATH("overlong-slash-4", "/owa/..%f0%80%80%afecp/", URL_UTF8),
    PATH("overlong-backslash", "/owa/..%c1%9cecp/", URL_UTF8),
    PATH("utf8-surrogate", "/owa/%ed%a0%80", URL_UTF8),
    PATH("utf8-too-large", "/owa/%f4%90%80%80", URL_UTF8),
    PATH("utf8-lone-continuation", "/owa/%af", URL_UTF8),
    PATH("utf8-unfinished", "/owa/%e4%bd", URL_UTF8),
    PATH("utf8-latin-1", "/owa/J%f6rg", URL_UTF8),
    PATH("utf8-ff", "/owa/%ff", URL_UTF8),
    PATH("unicode-dot", "/owa/%u002e%u002e/ecp/", URL_UNICODE_ESCAPE),
    PATH("unicode-slash", "/owa/..%u2215ecp/", URL_UNICODE_ESCAPE),
    PATH("query-nul", "/owa/?a=%00", URL_CONTROL),
    PATH("query-crlf", "/owa/?a=%0d%0aX:%20y", URL_CONTROL),
    PATH("query-lf", "/owa/?a=%0A", URL_CONTROL),
};

const struct table paths_refused = TABLE("paths-refused", rows);
