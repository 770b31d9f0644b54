/*
 * tests/unit/http/test_grammar.c - each protocol's own form: what its clients send, and
 * what only looks like it.
 */
#include "filter_test.h"

/* What one rule for everything says to a request, under this grammar. */
static bool
holds(enum grammar grammar, const char *line, const char *fields)
{
    const struct path_rule rule = { .id = "G",
        .paths = WORDS(WORD("/**")),
        .methods =
            WORDS(WORD("GET"), WORD("POST"), WORD("OPTIONS"), WORD("RPC_IN_DATA")),
        .grammar = grammar };
    const struct filter_policy policy = { .has_model = true,
        .rules = &rule,
        .rule_count = 1 };
    struct judged judged = { .source = { .ss_family = AF_UNSPEC } };
    enum fault fault;

    judged_read(&judged, &policy, line, fields);
    filter_judge(&judged.input, &judged.verdict);
    fault = judged.verdict.refused.fault;
    arena_clear(&judged.arena);
    if (fault != FAULT_NONE)
        assert_fault(fault, FAULT_FILTER_GRAMMAR);
    return fault == FAULT_NONE;
}

struct grammar_row {
    bool holds;
    const char *line, *fields;
};

static void
assert_grammar(enum grammar grammar, const struct grammar_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (holds(grammar, rows[i].line, rows[i].fields) != rows[i].holds)
            fail_msg("%s %s", rows[i].line, rows[i].fields);
}

#define ASSERT_GRAMMAR(grammar, rows)                                                  \
    assert_grammar((grammar), (rows), sizeof(rows) / sizeof *(rows))

#define EAS "POST /Microsoft-Server-ActiveSync"
#define DEVICE "&User=a%5Cb&DeviceId=Appl1&DeviceType=iPhone"

static void
activesync_in_plain_text(void **state)
{
    static const struct grammar_row rows[] = {
        { true, EAS "?Cmd=Sync" DEVICE, "" },
        { true, EAS "?User=b@c.d&DeviceId=1&DeviceType=SM-G900F&Cmd=Ping", "" },
        { true, EAS "?cmd=Find&user=&deviceid=1&devicetype=a", "" },
        { true, EAS "?Cmd=SmartReply&SaveInSent=T&ItemId=5%3A1&CollectionId=5" DEVICE,
            "" },
        { true, EAS "?Cmd=GetAttachment&AttachmentName=a+b" DEVICE, "" },
        { true, "OPTIONS /Microsoft-Server-ActiveSync", "" },
        { true, "OPTIONS /Microsoft-Server-ActiveSync?Cmd=OPTIONS" DEVICE, "" },
        { false, "OPTIONS /Microsoft-Server-ActiveSync?Cmd=options", "" },
        { false, "OPTIONS /Microsoft-Server-ActiveSync?a=b", "" },
        { false, EAS, "" },
        { false, EAS "?", "" },
        { false, EAS "?Cmd=Sync", "" },
        { false, EAS "?Cmd=OPTIONS" DEVICE, "" },
        { false, EAS "?User=b&DeviceId=1&DeviceType=a", "" },
        { false, EAS "?Cmd=Sync&User=b&DeviceId=1", "" },
        { false, EAS "?Cmd=sync" DEVICE, "" },
        { false, EAS "?Cmd=Syncs" DEVICE, "" },
        { false, EAS "?Cmd=Sync&Cmd=Ping" DEVICE, "" },
        { false, EAS "?Cmd=Sync&X=1" DEVICE, "" },
        { false, EAS "?Cmd=Sync&User=a%01&DeviceId=1&DeviceType=a", "" },
        { false, EAS "?Cmd=Sync&User=a&DeviceId=a.b&DeviceType=a", "" },
        { false, EAS "?Cmd=Sync&User=a&DeviceId=&DeviceType=a", "" },
        { false,
            EAS "?Cmd=Sync&User=a&DeviceId=123456789012345678901234567890123"
                "&DeviceType=a",
            "" },
        { true, EAS "?Cmd=Sync&User=a&DeviceId=a-b_c&DeviceType=Outlook%20(Mac)%2F16",
            "" },
        { true, EAS "?Cmd=Sync&User=a&DeviceId=1&DeviceType=a/b", "" },
        { false, EAS "?Cmd=Sync&User=a&DeviceId=1&DeviceType=%3Cb%3E", "" },
        { false, EAS "?Cmd=Sync&User=a&DeviceId=1&DeviceType=a%01", "" },
        { false, EAS "?Cmd=Sync&User=a&DeviceId=1&DeviceType=", "" },
        { false, EAS "?Cmd=Sync&User=a&DeviceId=a%2Fb&DeviceType=a", "" },
        { false, EAS "?Cmd=SendMail&SaveInSent=X" DEVICE, "" },
    };

    (void)state;
    ASSERT_GRAMMAR(GRAMMAR_ACTIVESYNC, rows);
}

static void
encode(struct bytes raw, char *to)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < raw.length; i += 3) {
        unsigned bits = 0;

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < raw.length ? (unsigned char)raw.at[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *to++ = i + k > raw.length ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    *to = '\0';
}

#define LOCALE "\x09\x04"
#define ID                                                                             \
    "\x04"                                                                             \
    "1A2B"
#define NO_KEY "\0"
#define TYPE                                                                           \
    "\x06"                                                                             \
    "iPhone"
#define BLOB(holds, bytes)                                                             \
    {                                                                                  \
        (holds),                                                                       \
        {                                                                              \
            (bytes), sizeof(bytes) - 1                                                 \
        }                                                                              \
    }

static const struct {
    bool holds;
    struct bytes raw;
} blobs[] = {
    BLOB(true, "\x8d\x12" LOCALE ID NO_KEY TYPE),
    BLOB(true, "\x79\x16" LOCALE ID NO_KEY TYPE),
    BLOB(true,
        "\xa1\x00\xff\xff" ID "\x04\x01\x02\x03\x04" TYPE "\x08\x01"
        "a"),
    BLOB(true,
        "\x8c\x03" LOCALE ID NO_KEY TYPE "\x01\x01"
        "5"
        "\x03\x02"
        "51"
        "\x07\x01\x03"),
    BLOB(true, "\x8d\x17" LOCALE "\x02\xf0\x00" NO_KEY TYPE),
    BLOB(false, "\x78\x12" LOCALE ID NO_KEY TYPE),
    BLOB(false, "\x8d\x05" LOCALE ID NO_KEY TYPE),
    BLOB(false, "\x8d\x18" LOCALE ID NO_KEY TYPE),
    BLOB(false, "\x8d\x12" LOCALE "\0" NO_KEY TYPE),
    BLOB(false,
        "\x8d\x12" LOCALE "\x21"
        "123456789012345678901234567890123" NO_KEY TYPE),
    BLOB(false, "\x8d\x12" LOCALE ID "\x02\x01\x02" TYPE),
    BLOB(false, "\x8d\x12" LOCALE ID NO_KEY "\0"),
    BLOB(true,
        "\x8d\x12" LOCALE ID NO_KEY "\x03"
        "a/b"),
    BLOB(false,
        "\x8d\x12" LOCALE ID NO_KEY "\x03"
        "a<b"),
    BLOB(false,
        "\x8d\x12" LOCALE ID NO_KEY TYPE "\x02\x01"
        "a"),
    BLOB(false,
        "\x8d\x12" LOCALE ID NO_KEY TYPE "\x09\x01"
        "a"),
    BLOB(false,
        "\x8d\x12" LOCALE ID NO_KEY TYPE "\x01\x01"
        "a"
        "\x01\x01"
        "a"),
    BLOB(false, "\x8d\x12" LOCALE ID NO_KEY TYPE "\x07\x02\x01\x01"),
    BLOB(false, "\x8d\x12" LOCALE ID NO_KEY TYPE "\x07\x01\x04"),
    BLOB(false, "\x8d\x12" LOCALE ID NO_KEY TYPE "\x01"),
    BLOB(false,
        "\x8d\x12" LOCALE ID NO_KEY TYPE "\x01\xff"
        "abc"),
    BLOB(false, "\x8d\x12" LOCALE ID NO_KEY TYPE "\x08\x01\n"),
};

static void
activesync_in_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof blobs / sizeof *blobs; i++) {
        char line[128] = EAS "?";

        encode(blobs[i].raw, line + strlen(line));
        if (holds(GRAMMAR_ACTIVESYNC, line, "") != blobs[i].holds)
            fail_msg("blob %zu: %s", i, line);
        memcpy(line + strlen(line), "A", 2); /* six bits more make no byte */
        assert_false(holds(GRAMMAR_ACTIVESYNC, line, ""));
    }
}

/* Wherever it is cut, it is not whole; none of its lengths is believed. */
static void
activesync_cut_short(void **state)
{
    const struct bytes whole = blobs[0].raw;

    (void)state;
    for (size_t length = 1; length < whole.length; length++) {
        char line[128] = EAS "?";

        encode(bytes_of(whole.at, length), line + strlen(line));
        assert_false(holds(GRAMMAR_ACTIVESYNC, line, ""));
    }
}

static void
activesync_in_bad_base64(void **state)
{
    static const struct grammar_row rows[] = {
        { true, EAS "?jRIJBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU=", "" },
        { true, EAS "?jRIJBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU%3D", "" },
        { true, EAS "?jRIJBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU", "" },
        { false, EAS "?jRIJBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU===", "" },
        { false, EAS "?jRIJBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU=A", "" },
        { false, EAS "?jRIJBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU%3DA", "" },
        { false, EAS "?jRIJBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU-", "" },
        { false, EAS "?jRIJBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU=&Cmd=Ping", "" },
        { false, EAS "?jRIJ%3DBBBBQkNERUYwMTIzNDU2Nzg5AAZpUGhvbmU", "" },
        { false, EAS "?=", "" },
        { false, EAS "?A", "" },
    };
    char line[8192] = EAS "?";

    (void)state;
    ASSERT_GRAMMAR(GRAMMAR_ACTIVESYNC, rows);
    memset(line + strlen(line), 'A', sizeof line - 1 - strlen(line));
    assert_false(holds(GRAMMAR_ACTIVESYNC, line, ""));
}

static void
mapi_names_its_request(void **state)
{
    static const struct grammar_row rows[] = {
        { true, "POST /mapi/emsmdb/?MailboxId=a@b",
            "X-RequestType: NotificationWait\r\n" },
        { true, "POST /mapi/nspi/", "x-requesttype: DNToMId\r\n" },
        { true, "POST /mapi/nspi", "X-RequestType: PING\r\n" },
        { true, "POST /Mapi/Emsmdb", "X-RequestType: PING\r\n" },
        { false, "POST /mapi/NSPI/", "X-RequestType: Execute\r\n" },
        { false, "POST /mapi/emsmdb/", "X-RequestType: Bind\r\n" },
        { false, "POST /mapi/nspi/", "" },
        { false, "POST /mapi/nspi/", "X-RequestType:\r\n" },
        { false, "POST /mapi/nspi/", "X-RequestType: Execute2\r\n" },
        { false, "POST /mapi/nspi/", "X-RequestType: Bind\r\nX-RequestType: Bind\r\n" },
    };

    (void)state;
    ASSERT_GRAMMAR(GRAMMAR_MAPI, rows);
}

static void
owa_says_its_action_in_a_field(void **state)
{
    static const struct grammar_row rows[] = {
        { true, "POST /owa/service.svc?action=FindItem&EP=1&ID=-2&AC=1",
            "Action: FindItem\r\nX-OWA-UrlPostData: %7B%7D\r\n" },
        { false, "POST /owa/service.svc?action=FindItem", "" },
        { true, "POST /owa/service.svc", "Action: FindItem\r\n" },
        { false, "POST /owa/service.svc", "Action: FindItem\r\nAction: GetItem\r\n" },
        { false, "POST /owa/service.svc?action=FindItem", "Action: GetItem\r\n" },
        { false, "POST /owa/service.svc?action=FindItem&Action=X",
            "Action: FindItem\r\n" },
        { false, "POST /owa/service.svc?action=a/b", "Action: a/b\r\n" },
        { false, "POST /owa/service.svc?action=ab", "Action: ab\r\n" },
        { false, "POST /owa/service.svc?action=Item1", "Action: Item1\r\n" },
    };

    (void)state;
    ASSERT_GRAMMAR(GRAMMAR_OWA_SERVICE, rows);
}

#define EWS "http://schemas.microsoft.com/exchange/services/2006/messages/"

static void
ews_names_an_operation(void **state)
{
    static const struct grammar_row rows[] = {
        { true, "POST /EWS/Exchange.asmx", "" },
        { true, "POST /EWS/Exchange.asmx", "SOAPAction: \"\"\r\n" },
        { true, "POST /EWS/Exchange.asmx", "SOAPAction: " EWS "FindItem\r\n" },
        { true, "POST /EWS/Exchange.asmx", "soapaction: \"" EWS "FindItem\"\r\n" },
        { true, "POST /EWS/Exchange.asmx",
            "Content-Type: application/soap+xml; charset=utf-8; action=\"" EWS
            "GetItem\"\r\n" },
        { true, "POST /EWS/Exchange.asmx",
            "SOAPAction: " EWS "GetStreamingEvents\r\n" },
        { false, "POST /EWS/Exchange.asmx", "SOAPAction: " EWS "finditem\r\n" },
        { false, "POST /EWS/Exchange.asmx",
            "SOAPAction: " EWS "ExecuteDiagnosticMethod\r\n" },
        { false, "POST /EWS/Exchange.asmx", "SOAPAction: " EWS "\r\n" },
        { false, "POST /EWS/Exchange.asmx", "SOAPAction: " EWS "Find/Item\r\n" },
        { false, "POST /EWS/Exchange.asmx", "SOAPAction: FindItem\r\n" },
        { false, "POST /EWS/Exchange.asmx", "SOAPAction: \"\"\r\nSOAPAction: x\r\n" },
        { false, "POST /EWS/Exchange.asmx",
            "Content-Type: application/soap+xml; ACTION = urn:x\r\n" },
    };

    (void)state;
    ASSERT_GRAMMAR(GRAMMAR_EWS, rows);
}

#define JSON "GET /autodiscover/autodiscover.json"

static void
autodiscover_holds_no_path(void **state)
{
    static const struct grammar_row rows[] = {
        { true, JSON, "" },
        { true, JSON "?Email=a.b%40c.de&Protocol=ActiveSync&RedirectCount=1", "" },
        { true, JSON "?Email=o'neil%2Bx@c.de&Protocol=ews", "" },
        { true, JSON "?Email=a@c.de&Protocol=SubstrateSignalService", "" },
        { true, "GET /Autodiscover/Autodiscover.json/v1.0/a+b@c.de?Protocol=REST", "" },
        { false, JSON "/v1.0/a", "" },
        { false, JSON "/v1.0/a@c.de/x?Protocol=Ews", "" },
        { false, JSON "/x", "" },
        { false, "GET /autodiscover/autodiscover.xml", "" },
        { false, "GET /a", "" },
        { false,
            JSON "?@evil.com/mapi/nspi/?&Email=autodiscover/autodiscover.json%3f@x",
            "" },
        { false, JSON "?a@foo.var/owa/?&Email=autodiscover/autodiscover.json?a@foo.var",
            "" },
        { false, JSON "?Email=a/b@c.de", "" },
        { false, JSON "?Email=a@c.de/powershell", "" },
        { false, JSON "?Email=PowerShell@c.de", "" },
        { false, JSON "?Email=a@b@c.de", "" },
        { false, JSON "?Email=a%253f@c.de", "" },
        { false, JSON "?Email=", "" },
        { false, JSON "?Protocol=PowerShell", "" },
        { false, JSON "?RedirectCount=x", "" },
        { false, JSON "?RedirectCount=1000", "" },
    };

    (void)state;
    ASSERT_GRAMMAR(GRAMMAR_AUTODISCOVER_JSON, rows);
}

static void
rpc_goes_to_three_ports(void **state)
{
    static const struct grammar_row rows[] = {
        { true, "RPC_IN_DATA /rpc/rpcproxy.dll?mail.example.com:6001", "" },
        { true,
            "RPC_IN_DATA /rpc/rpcproxy.dll?"
            "0a1b2c3d-0000-1111-2222-333344445555@example.com:6004",
            "" },
        { false, "RPC_IN_DATA /rpc/rpcproxy.dll", "" },
        { false, "RPC_IN_DATA /rpc/rpcproxy.dll?:6001", "" },
        { false, "RPC_IN_DATA /rpc/rpcproxy.dll?a", "" },
        { false, "RPC_IN_DATA /rpc/rpcproxy.dll?a:593", "" },
        { false, "RPC_IN_DATA /rpc/rpcproxy.dll?a:6001:6001", "" },
        { false, "RPC_IN_DATA /rpc/rpcproxy.dll?a/b:6001", "" },
        { false, "RPC_IN_DATA /rpc/rpcproxy.dll?a%2e:6001", "" },
    };

    (void)state;
    ASSERT_GRAMMAR(GRAMMAR_RPC_PROXY, rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activesync_in_plain_text),
        cmocka_unit_test(activesync_in_base64),
        cmocka_unit_test(activesync_cut_short),
        cmocka_unit_test(activesync_in_bad_base64),
        cmocka_unit_test(mapi_names_its_request),
        cmocka_unit_test(owa_says_its_action_in_a_field),
        cmocka_unit_test(ews_names_an_operation),
        cmocka_unit_test(autodiscover_holds_no_path),
        cmocka_unit_test(rpc_goes_to_three_ports),
    };

    return cmocka_run_group_tests_name("grammar", tests, NULL, NULL);
}
