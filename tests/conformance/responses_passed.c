/*
 * tests/conformance/responses_passed.c - what internal servers really answer.
 */
#include "tests/conformance/conformance.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define END "\r\n"

static const struct row rows[] = {
    ROW("length", OK "Content-Length: 5\r\n" END "hello", NONE),
    ROW("length-zero", OK "Content-Length: 0\r\n" END, NONE),
    ROW("chunked", OK "Transfer-Encoding: chunked\r\n" END "5\r\nhello\r\n0\r\n\r\n",
        NONE),
    ROW("until-close", OK END "anything at all", NONE),
    ROW("until-close-empty", OK END, NONE),
    ROW("until-close-1.0", "HTTP/1.0 200 OK\r\n" END "<html>", NONE),
    ROW("length-1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n" END "hi", NONE),
    ROW("keep-alive-1.0",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n" END, NONE),
    ROW("no-reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n" END, NONE),
    ROW("no-reason-no-space", "HTTP/1.1 200\r\nContent-Length: 0\r\n" END, NONE),
    ROW("reason-words", "HTTP/1.1 404 Not here,\tsorry!\r\nContent-Length: 0\r\n" END,
        NONE),
    ROW("reason-latin-1",
        "HTTP/1.1 404 Nicht verf\xfcgbar\r\nContent-Length: 0\r\n" END, NONE),
    ROW("continue-then-ok",
        "HTTP/1.1 100 Continue\r\n" END OK "Content-Length: 2\r\n" END "hi", NONE),
    ROW("early-hints",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n" END OK "Content-Length: 0\r\n" END,
        NONE),
    ROW("switching",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\n" END "\x81\x00 any bytes",
        NONE),
    ROW("204", "HTTP/1.1 204 No Content\r\n" END, NONE),
    ROW("204-length-zero", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n" END,
        NONE),
    ROW("304", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n" END, NONE),
    ROW("304-length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n" END, NONE),
    ROW_TO(HEAD, "head-length", OK "Content-Length: 5\r\n" END, NONE),
    ROW_TO(HEAD, "head-chunked", OK "Transfer-Encoding: chunked\r\n" END, NONE),
    ROW_TO(HEAD, "head-neither", OK END, NONE),
    ROW("two", OK "Content-Length: 0\r\n" END OK "Content-Length: 2\r\n" END "hi",
        NONE),
    ROW("challenges",
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\n"
        "WWW-Authenticate: NTLM\r\nWWW-Authenticate: Basic realm=\"a, b\"\r\n"
        "Content-Length: 0\r\n" END,
        NONE),
    ROW("set-cookies",
        OK "Set-Cookie: a=b\r\nSet-Cookie: c=d; Secure\r\n"
           "Content-Length: 0\r\n" END,
        NONE),
    ROW("value-latin-1",
        OK "Content-Disposition: attachment; filename=\"J\xf6rg\"\r\n"
           "Content-Length: 0\r\n" END,
        NONE),
    ROW("status-242", "HTTP/1.1 242 OK\r\nContent-Length: 0\r\n" END, NONE),
    ROW("status-440", "HTTP/1.1 440 Login Timeout\r\nContent-Length: 0\r\n" END, NONE),
    ROW("status-449", "HTTP/1.1 449 Retry With\r\nContent-Length: 0\r\n" END, NONE),
    ROW("status-456", "HTTP/1.1 456 X\r\nContent-Length: 0\r\n" END, NONE),
    ROW("status-599", "HTTP/1.1 599 X\r\nContent-Length: 0\r\n" END, NONE),
    ROW("multi-status", "HTTP/1.1 207 Multi-Status\r\nContent-Length: 0\r\n" END, NONE),
    ROW("upgrade-offered",
        OK "Connection: Upgrade\r\nUpgrade: h2,h2c\r\n"
           "Content-Length: 2\r\n" END "hi",
        NONE),
    ROW("trailer",
        OK "Transfer-Encoding: chunked\r\n" END "0\r\nServer-Timing: x\r\n\r\n", NONE),
    ROW("space-before-colon", OK "A \t: b\r\nContent-Length : 2\r\n" END "hi", NONE),
    ROW("304-coding", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n" END,
        NONE),
};

const struct table responses_passed = TABLE("responses-passed", rows);
