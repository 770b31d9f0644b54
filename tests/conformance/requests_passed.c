/*
 * tests/conformance/requests_passed.c - what webmail clients really send.
 */
#include "tests/conformance/conformance.h"

#define HOST "Host: mail.example.com\r\n"
#define END "\r\n"
#define METHOD(method)                                                                 \
    ROW("method-" method, method " /exchange/user/Inbox/ HTTP/1.1\r\n" HOST END, NONE)

static const struct row rows[] = {
    ROW("get", "GET / HTTP/1.1\r\n" HOST END, NONE),
    ROW("get-1.0", "GET / HTTP/1.0\r\n" HOST END, NONE),
    ROW("one-empty-line-before", "\r\nGET / HTTP/1.1\r\n" HOST END, NONE),
    ROW("pipelined", "GET /a HTTP/1.1\r\n" HOST END "GET /b HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("empty-line-between",
        "GET /a HTTP/1.1\r\n" HOST END "\r\nGET /b HTTP/1.1\r\n" HOST END, NONE),
    ROW("length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n" END "hello", NONE),
    ROW("length-zero", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n" END, NONE),
    ROW("length-leading-zeros",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 0005\r\n" END "hello", NONE),
    ROW("length-1.0", "POST / HTTP/1.0\r\n" HOST "Content-Length: 2\r\n" END "hi",
        NONE),
    ROW("length-then-next",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n" END
        "hiGET / HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("length-of-rpc", "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n" END "x",
        NONE),
    ROW("post-without-body", "POST / HTTP/1.1\r\n" HOST END, NONE),
    ROW("chunked",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END
        "5\r\nhello\r\n0\r\n\r\n",
        NONE),
    ROW("chunked-any-case",
        "POST / HTTP/1.1\r\n" HOST "transfer-encoding:  CHUNKED\t\r\n" END "0\r\n\r\n",
        NONE),
    ROW("chunked-two",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END
        "1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n",
        NONE),
    ROW("chunked-extension",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END
        "5;a=b;c=\"d \\\" e\"\r\nhello\r\n0;last\r\n\r\n",
        NONE),
    ROW("chunked-leading-zeros",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END
        "0000000000000005\r\nhello\r\n0000\r\n\r\n",
        NONE),
    ROW("chunked-trailer",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END
        "0\r\nX-Checksum: abc\r\nEmpty:\r\n\r\n",
        NONE),
    ROW("chunked-then-next",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END
        "0\r\n\r\nGET / HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("absolute", "GET https://mail.example.com/owa/ HTTP/1.1\r\n" HOST END, NONE),
    ROW("absolute-case", "GET HTTPS://Mail.Example.COM/owa/ HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("absolute-no-path", "GET http://mail.example.com HTTP/1.1\r\n" HOST END, NONE),
    ROW("absolute-query", "GET http://mail.example.com?a=b HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("absolute-options", "OPTIONS http://mail.example.com HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("options-star", "OPTIONS * HTTP/1.1\r\n" HOST END, NONE),
    ROW("user-agent-twice",
        "GET / HTTP/1.1\r\n" HOST "User-Agent: a\r\nUser-Agent: b\r\n" END, NONE),
    ROW("percent-in-name", "GET /a/100%25%20done.pdf HTTP/1.1\r\n" HOST END, NONE),
    ROW("percent-and-digits", "GET /a/%2541%25zz HTTP/1.1\r\n" HOST END, NONE),
    ROW("dots-in-names", "GET /.config%20notes.txt/...draft/..a HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("fullwidth-name", "GET /%EF%BC%A1%EF%BC%8E%E4%BC%9A.pdf HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("host-port", "GET / HTTP/1.1\r\nHost: mail.example.com:8443\r\n" END, NONE),
    ROW("host-final-dot", "GET / HTTP/1.1\r\nHost: mail.example.com.\r\n" END, NONE),
    ROW("host-ipv4", "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n" END, NONE),
    ROW("host-ipv6", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n" END, NONE),
    ROW("host-case", "GET / HTTP/1.1\r\nhOsT: MAIL.Example.com\r\n" END, NONE),
    ROW("host-one-label", "GET / HTTP/1.1\r\nHost: mail\r\n" END, NONE),
    ROW("host-underscore", "GET / HTTP/1.1\r\nHost: mail_1.example.com\r\n" END, NONE),
    ROW("value-latin-1", "GET / HTTP/1.1\r\n" HOST "X-Name: J\xf6rg\r\n" END, NONE),
    ROW("value-utf8", "GET / HTTP/1.1\r\n" HOST "X-Name: J\xc3\xb6rg\r\n" END, NONE),
    ROW("value-tab", "GET / HTTP/1.1\r\n" HOST "X-Name: a\tb\r\n" END, NONE),
    ROW("value-empty", "GET / HTTP/1.1\r\n" HOST "X-Name:\r\n" END, NONE),
    ROW("value-blank", "GET / HTTP/1.1\r\n" HOST "X-Name: \t \r\n" END, NONE),
    ROW("value-no-space", "GET / HTTP/1.1\r\nHost:mail.example.com\r\nA:b\r\n" END,
        NONE),
    ROW("name-underscore", "GET / HTTP/1.1\r\n" HOST "X_Name: a\r\n" END, NONE),
    ROW("name-odd-token", "GET / HTTP/1.1\r\n" HOST "!#$%&'*+-.^_`|~9: a\r\n" END,
        NONE),
    ROW("many-cookies", "GET / HTTP/1.1\r\n" HOST "Cookie: a=b\r\nCookie: c=d\r\n" END,
        NONE),
    ROW("expect",
        "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 1\r\n" END
        "x",
        NONE),
    ROW("expect-1.0", "GET / HTTP/1.0\r\n" HOST "Expect: teapots\r\n" END, NONE),
    ROW("upgrade-websocket",
        "GET /ws HTTP/1.1\r\n" HOST
        "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
        "13\r\n" END,
        NONE),
    ROW("upgrade-h2c-is-ignored",
        "GET / HTTP/1.1\r\n" HOST
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQAAP__\r\n" END "GET / HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("upgrade-with-body-is-read-on",
        "POST / HTTP/1.1\r\n" HOST
        "Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n" END
        "hiGET / HTTP/1.1\r\n" HOST END,
        NONE),
    ROW("connection-names-fields",
        "GET / HTTP/1.1\r\n" HOST "Connection: X-Drop, Host, Cookie\r\nX-Drop: 1\r\n"
        "Cookie: a=b\r\n" END,
        NONE),
    ROW("hop-by-hop",
        "GET / HTTP/1.1\r\n" HOST
        "TE: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n"
        "Proxy-Authorization: Basic eA==\r\nTrailer: X\r\n" END,
        NONE),
    ROW("identity",
        "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=x\r\n"
        "X-Real-IP: 1\r\nTrue-Client-IP: 1\r\nX-Client-IP: 1\r\nProxy: x\r\n"
        "Front-End-Https: on\r\nX-Original-URL: /a\r\nX-Rewrite-URL: /b\r\n" END,
        NONE),
    ROW("connect", "CONNECT mail.example.com:443 HTTP/1.1\r\n" HOST END, NONE),
    ROW("activesync-ping",
        "POST /Microsoft-Server-ActiveSync?Cmd=Ping&User=DOMAIN%5Cuser&DeviceId=A1&"
        "DeviceType=iPhone HTTP/1.1\r\n" HOST "Authorization: Basic dTpw\r\n"
        "Content-Type: application/vnd.ms-sync.wbxml\r\nContent-Length: 0\r\n" END,
        NONE),
    ROW("query-double-encoded",
        "GET /mail/?_url=https%253A%252F%252Fx%252F&_subject=100%25 HTTP/1.1\r\n" HOST
            END,
        NONE),
    ROW("query-brackets", "GET /mail/?_uid[]=1&_uid[]=2 HTTP/1.1\r\n" HOST END, NONE),
    ROW("query-question", "GET /a?b?c=/d HTTP/1.1\r\n" HOST END, NONE),
    ROW("path-utf8", "GET /SOGo/J%C3%B6rg/ HTTP/1.1\r\n" HOST END, NONE),
    ROW("path-percent", "GET /a/100%25/b HTTP/1.1\r\n" HOST END, NONE),
    ROW("path-parameters", "GET /zimbra/;jsessionid=1 HTTP/1.1\r\n" HOST END, NONE),
    ROW("path-inner-dots", "GET /a/b/../c/./d HTTP/1.1\r\n" HOST END, NONE),
    ROW("path-empty-segment", "GET //mail.example.com HTTP/1.1\r\n" HOST END, NONE),
    ROW("path-subdelims", "GET /a!$&'()*+,;=:@-._~ HTTP/1.1\r\n" HOST END, NONE),
    METHOD("HEAD"),
    METHOD("PUT"),
    METHOD("DELETE"),
    METHOD("OPTIONS"),
    METHOD("PATCH"),
    METHOD("TRACE"),
    METHOD("PROPFIND"),
    METHOD("PROPPATCH"),
    METHOD("MKCOL"),
    METHOD("MKCALENDAR"),
    METHOD("COPY"),
    METHOD("MOVE"),
    METHOD("LOCK"),
    METHOD("UNLOCK"),
    METHOD("ACL"),
    METHOD("REPORT"),
    METHOD("SEARCH"),
    METHOD("SUBSCRIBE"),
    METHOD("UNSUBSCRIBE"),
    METHOD("NOTIFY"),
    METHOD("POLL"),
    METHOD("BPROPFIND"),
    METHOD("BPROPPATCH"),
    METHOD("BMOVE"),
    METHOD("BCOPY"),
    METHOD("BDELETE"),
    METHOD("RPC_IN_DATA"),
    METHOD("RPC_OUT_DATA"),
    METHOD("X-MS-ENUMATTS"),
    METHOD("VERSION-CONTROL"),
};

const struct table requests_passed = TABLE("requests-passed", rows);
