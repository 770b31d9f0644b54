/*
 * tests/conformance/responses_refused.c - answers that could be read in two ways, or
 * that would let an upstream's user write fields of its own into a client's answer.
 */
#include "tests/conformance/conformance.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define END "\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n" END
#define BAD(name, bytes) ROW(name, bytes, UPSTREAM_MALFORMED)
#define STATUS(status)                                                                 \
    BAD("status-" status, "HTTP/1.1 " status " X\r\nContent-Length: 0\r\n" END)
#define TE(name, value)                                                                \
    BAD("te-" name, OK "Transfer-Encoding: " value "\r\n" END "0\r\n\r\n")
#define LENGTH(name, value)                                                            \
    BAD("cl-" name, OK "Content-Length: " value "\r\n" END "hello")

static const struct row rows[] = {
    /* Status line */
    STATUS("099"),
    STATUS("000"),
    STATUS("600"),
    STATUS("999"),
    STATUS("20"),
    STATUS("2000"),
    STATUS("2x0"),
    STATUS("-200"),
    STATUS("+200"),
    STATUS("0200"),
    STATUS(" 200"),
    STATUS("200.1"),
    BAD("status-missing", "HTTP/1.1\r\n" END),
    BAD("status-empty", "HTTP/1.1 \r\n" END),
    BAD("status-tab", "HTTP/1.1\t200 OK\r\n" END),
    BAD("status-tab-after", "HTTP/1.1 200\tOK\r\n" END),
    BAD("version-2.0", "HTTP/2.0 200 OK\r\n" END),
    BAD("version-0.9", "HTTP/0.9 200 OK\r\n" END),
    BAD("version-1.2", "HTTP/1.2 200 OK\r\n" END),
    BAD("version-lower", "http/1.1 200 OK\r\n" END),
    BAD("version-icy", "ICY 200 OK\r\n" END),
    BAD("version-rtsp", "RTSP/1.0 200 OK\r\n" END),
    BAD("reason-nul", "HTTP/1.1 200 O\0K\r\n" END),
    BAD("reason-control", "HTTP/1.1 200 O\x01K\r\n" END),
    BAD("reason-escape", "HTTP/1.1 200 \x1b[31m\r\n" END),
    BAD("reason-delete", "HTTP/1.1 200 O\x7fK\r\n" END),
    BAD("reason-cr", "HTTP/1.1 200 O\rK\r\n" END),
    BAD("reason-lf", "HTTP/1.1 200 OK\nSet-Cookie: evil=1\r\n" END),
    BAD("space-before", " HTTP/1.1 200 OK\r\n" END),
    BAD("empty-line-before", "\r\nHTTP/1.1 200 OK\r\n" END),
    BAD("garbage", "\x16\x03\x01\x02\r\n\r\n"),
    BAD("html-only", "<html>\r\n\r\n</html>"),
    BAD("smtp-banner", "220 mail.example.com ESMTP\r\n\r\n"),
    BAD("echoed-request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),

    /* Framing */
    BAD("cl-te",
        OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n"),
    BAD("te-cl",
        OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END "0\r\n\r\n"),
    BAD("cl-different", OK "Content-Length: 5\r\nContent-Length: 6\r\n" END "hello"),
    BAD("cl-equal-twice", OK "Content-Length: 5\r\nContent-Length: 5\r\n" END "hello"),
    LENGTH("list", "5, 5"),
    LENGTH("minus", "-5"),
    LENGTH("plus", "+5"),
    LENGTH("hex", "0x5"),
    LENGTH("empty", ""),
    LENGTH("2^63", "9223372036854775808"),
    LENGTH("2^64+5", "18446744073709551621"),
    TE("gzip-chunked", "gzip, chunked"),
    TE("chunked-identity", "chunked, identity"),
    TE("xchunked", "xchunked"),
    TE("identity", "identity"),
    TE("empty", ""),
    BAD("te-twice",
        OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END
           "0\r\n\r\n"),
    BAD("te-1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n"),
    BAD("100-length", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n" END "hello"),
    BAD("100-chunked",
        "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n"),
    BAD("101-length",
        "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n" END "hello"),
    BAD("204-length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n" END "hello"),
    BAD("204-chunked",
        "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n"),
    BAD("304-chunked",
        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n"),
    ROW_TO(HEAD, "head-with-body", OK "Content-Length: 5\r\n" END "hello\r\n\r\n",
        UPSTREAM_MALFORMED),
    BAD("204-with-body", "HTTP/1.1 204 No Content\r\n" END "hello\r\n\r\n"),
    BAD("bytes-behind-the-body", OK "Content-Length: 2\r\n" END "hiho\r\n\r\n"),

    /* Fields */
    BAD("bare-lf", OK "Location: /x\nSet-Cookie: evil=1\r\n" END),
    BAD("bare-cr", OK "Location: /x\rSet-Cookie: evil=1\r\n" END),
    BAD("bare-lf-everywhere", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    BAD("cr-cr-lf", OK "A: b\r\r\n" END),
    BAD("nul", OK "A: b\0c\r\n" END),
    BAD("control",
        OK "A: b\x08"
           "c\r\n" END),
    BAD("folded", OK "A: b\r\n c\r\n" END),
    BAD("name-empty", OK ": b\r\n" END),
    BAD("name-without-colon", OK "A\r\n" END),
    BAD("name-utf8", OK "\xc3\xa4: b\r\n" END),
    BAD("location-twice",
        "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n"
        "Content-Length: 0\r\n" END),
    BAD("content-type-twice",
        OK "Content-Type: text/html\r\nContent-Type: text/plain\r\n"
           "Content-Length: 0\r\n" END),

    /* Chunks */
    BAD("chunk-size", CHUNKED "x\r\n"),
    BAD("chunk-size-overflow", CHUNKED "fffffffffffffffff\r\n"),
    BAD("chunk-lf", CHUNKED "5\nhello\n0\n\n"),
    BAD("chunk-data-long", CHUNKED "2\r\nhello\r\n0\r\n\r\n"),
    BAD("trailer-set-cookie", CHUNKED "0\r\nSet-Cookie: evil=1\r\n\r\n"),
    BAD("trailer-length", CHUNKED "0\r\nContent-Length: 1\r\n\r\n"),

    /* Ends too early: never shown as complete */
    ROW("head-unfinished", OK "Content-Length: 5\r\n", CLIENT_TRUNCATED),
    ROW("length-unfinished", OK "Content-Length: 5\r\n" END "hell", CLIENT_TRUNCATED),
    ROW("chunk-unfinished", CHUNKED "5\r\nhel", CLIENT_TRUNCATED),
    ROW("chunks-unfinished", CHUNKED "5\r\nhello\r\n", CLIENT_TRUNCATED),
    ROW("last-chunk-unfinished", CHUNKED "5\r\nhello\r\n0\r\n", CLIENT_TRUNCATED),
};

const struct table responses_refused = TABLE("responses-refused", rows);
