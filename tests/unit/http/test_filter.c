/*
 * tests/unit/http/test_filter.c - the knobs and the mitigations, one table per knob.
 */
#include "filter_test.h"

#include "http/url.h"

static void
spellings_are_refused_by_name(void **state)
{
    const struct filter_policy policy = {
        .url_oddities = ~0u & ~(uint32_t)URL_HAS_PARAMETERS,
        .query_oddities = URL_HAS_NUL | URL_HAS_LINE_END,
    };
    static const struct row rows[] = {
        { "GET /a/b?c=%2541", "", PASSES },
        { "GET /a;b", "", PASSES },
        { "GET /%2541", "", PASSES },
        { "GET /%252f", "", FAULT_URL_DOUBLE_ENCODED, 11, "double-encoding" },
        { "GET /a|b", "", FAULT_HTTP_TARGET, 0, "unescaped" },
        { "GET /a?{b}", "", PASSES },
        { "GET /a%09", "", FAULT_URL_CONTROL, 0, "tab" },
        { "GET /a%c2%a5", "", FAULT_URL_CLIMBS, 5, "best-fit" },
        { "GET /a%5cb", "", FAULT_URL_BACKSLASH, 5, "backslash" },
        { "GET /a%2fb", "", FAULT_URL_ENCODED_SLASH, 11, "encoded-slash" },
        { "GET /%c3%a4", "", FAULT_FILTER_ODDITY, 12, "high-bit" },
        { "GET /a//b", "", FAULT_FILTER_ODDITY, 0, "empty-segments" },
        { "GET /a/./b", "", FAULT_FILTER_ODDITY, 5, "dot-segments" },
        { "GET /a/%2e/b", "", FAULT_URL_CLIMBS, 5, "disguised-dots" },
        { "GET /a?%00", "", FAULT_URL_CONTROL, 0, "nul" },
        { "GET /a?%0a", "", FAULT_URL_CONTROL, 0, "line-end" },
    };

    (void)state;
    ASSERT_ROWS(&policy, rows);
}

/* With the set that url_judge refuses, both give the same fault for every single byte. */
static void
faults_are_those_of_generic_strictness(void **state)
{
    const struct filter_policy policy = {
        .url_oddities = ~(uint32_t)(URL_HAS_DOT_SEGMENTS | URL_HAS_HIGH_BIT |
            URL_HAS_PARAMETERS | URL_HAS_EMPTY_SEGMENTS | URL_HAS_BEST_FIT),
        .query_oddities = URL_HAS_NUL | URL_HAS_LINE_END | URL_HAS_BAD_ESCAPE |
            URL_HAS_UNICODE_ESCAPE,
    };
    static const struct {
        const char *before, *after;
    } frames[] = { { "/a%", "" }, { "/%25", "" }, { "/%", "/.." }, { "/..%", ".." },
        { "/a?%", "" }, { "/../%", "" } };

    (void)state;
    for (unsigned i = 0; i < 256 * sizeof frames / sizeof *frames; i++) {
        struct judged judged = { .source = { .ss_family = AF_UNSPEC } };
        char line[64];

        (void)snprintf(line, sizeof line, "GET %s%02x%s", frames[i / 256].before,
            i % 256, frames[i / 256].after);
        judged_read(&judged, &policy, line, "");
        filter_judge(&judged.input, &judged.verdict);
        assert_fault(judged.verdict.refused.fault, url_judge(&judged.url));
        arena_clear(&judged.arena);
    }
}

static void
lengths_have_a_bound_and_one_more_is_refused(void **state)
{
    static const struct header_limit fields[] = { { WORD("cookie"), 5 } };
    const struct filter_policy policy = {
        .url_bytes = 6,
        .query_bytes = 4,
        .headers = 4,
        .header_bytes = sizeof("Host: mail.example.com\r\n") - 1 + 26,
        .header_limits = fields,
        .header_limit_count = 1,
    };
    static const struct row rows[] = {
        { "GET /12345?1234", "", PASSES },
        { "GET /123456?", "", FAULT_FILTER_URL_LONG, 14, "limits.url" },
        { "GET /%61%62", "", FAULT_FILTER_URL_LONG, 14, "limits.url" },
        { "GET /?12345", "", FAULT_FILTER_QUERY_LONG, 15, "limits.query" },
        { "GET /", "A:\r\nB:\r\nC:\r\n", PASSES },
        { "GET /", "A:\r\nB:\r\nC:\r\nD:\r\n", FAULT_FILTER_HEADER_LONG, 10,
            "limits.headers" },
        { "GET /", "A: 1234567890123456789012\r\n", FAULT_FILTER_HEADER_LONG, 10,
            "limits.header" },
        { "GET /", "A: 123456789012345678901\r\n", PASSES },
        { "GET /", "Cookie: 12345\r\n", PASSES },
        { "GET /", "Cookie: 123456\r\n", FAULT_FILTER_HEADER_LONG, 10,
            "limits.fields" },
        { "GET /", "Cookie: 123\r\nCOOKIE: 456\r\n", FAULT_FILTER_HEADER_LONG, 10,
            "limits.fields" },
    };

    (void)state;
    ASSERT_ROWS(&policy, rows);
}

static void
methods_are_those_of_the_list(void **state)
{
    const struct filter_policy listed = { .methods =
                                              WORDS(WORD("GET"), WORD("PROPFIND")) };
    const struct filter_policy unlisted = { .application = "any" };
    static const struct row listed_rows[] = {
        { "GET /", "", PASSES },
        { "PROPFIND /", "", PASSES },
        { "POST /", "", FAULT_FILTER_METHOD, 6, "methods" },
        { "get /", "", FAULT_FILTER_METHOD, 6, "methods" },
    };
    static const struct row unlisted_rows[] = {
        { "RPC_IN_DATA /", "", PASSES },
        { "TRACE /", "", FAULT_FILTER_METHOD, 6, "methods" },
    };

    (void)state;
    ASSERT_ROWS(&listed, listed_rows);
    ASSERT_ROWS(&unlisted, unlisted_rows);
}

static void
fields_are_denied_however_cgi_would_spell_them(void **state)
{
    const struct filter_policy policy = {
        .denied_headers = WORDS(WORD("x-webobjects-*"), WORD("X-Remote-User")),
    };
    static const struct row rows[] = {
        { "GET /", "X-Remote-Users: a\r\nX-Webobject: b\r\n", PASSES },
        { "GET /", "X-REMOTE-user: a\r\n", FAULT_FILTER_HEADER, 0, "headers.deny" },
        { "GET /", "X_Remote_User: a\r\n", FAULT_FILTER_HEADER, 0, "headers.deny" },
        { "GET /", "x-remote-user: a\r\n", FAULT_FILTER_HEADER, 0, "headers.deny" },
        { "GET /", "X.Remote.User: a\r\n", FAULT_FILTER_HEADER, 0, "headers.deny" },
        { "GET /", "X!Remote~USER: a\r\n", FAULT_FILTER_HEADER, 0, "headers.deny" },
        { "GET /", "x'webobjects|auth: a\r\n", FAULT_FILTER_HEADER, 0, "headers.deny" },
        { "GET /", "X-Remote-User.: a\r\nX.RemoteUser: a\r\n", PASSES },
        { "GET /", "x-webobjects-remote-user: a\r\n", FAULT_FILTER_HEADER, 0,
            "headers.deny" },
    };

    (void)state;
    ASSERT_ROWS(&policy, rows);
}

static void
sequences_are_found_raw_and_decoded(void **state)
{
    const struct filter_policy policy = {
        .denied_in_path =
            WORDS(WORD(".."), WORD("%2e"), WORD("Ab"), WORD("~"), WORD("q")),
        .denied_in_query = WORDS(WORD("(script"), WORD("%28"), WORD("c d")),
    };
    static const struct row rows[] = {
        { "GET /a/b?ab..~", "", PASSES },
        { "GET /a..b", "", FAULT_FILTER_SEQUENCE, 5, "deny_in_path" },
        { "GET /x/../y", "", FAULT_FILTER_SEQUENCE, 5, "deny_in_path" },
        { "GET /x%2Ey", "", FAULT_FILTER_SEQUENCE, 5, "deny_in_path" },
        { "GET /x%61%42", "", FAULT_FILTER_SEQUENCE, 5, "deny_in_path" },
        { "GET /%7e", "", FAULT_FILTER_SEQUENCE, 5, "deny_in_path" },
        { "GET /Q", "", FAULT_FILTER_SEQUENCE, 5, "deny_in_path" },
        { "GET /(script?a=%53", "", PASSES },
        { "GET /?a=(SCRIPT", "", FAULT_FILTER_SEQUENCE, 18, "deny_in_query" },
        { "GET /?a=(%53cript", "", FAULT_FILTER_SEQUENCE, 18, "deny_in_query" },
        { "GET /?a=%28", "", FAULT_FILTER_SEQUENCE, 18, "deny_in_query" },
        { "GET /?a=c+d", "", FAULT_FILTER_SEQUENCE, 18, "deny_in_query" },
    };

    (void)state;
    ASSERT_ROWS(&policy, rows);
}

static void
extensions_are_read_as_a_server_reads_them(void **state)
{
    const struct filter_policy denying = { .extensions_denied =
                                               WORDS(WORD(".exe"), WORD(".ini")) };
    const struct filter_policy allowing = { .extensions_allowed =
                                                WORDS(WORD(".js"), WORD(".")) };
    const struct filter_policy strict = { .refuses_ambiguous_extension = true };
    static const struct row denying_rows[] = {
        { "GET /a.exe/b", "", PASSES },
        { "GET /exe", "", PASSES },
        { "GET /a.exec", "", PASSES },
        { "GET /a.EXE", "", FAULT_FILTER_EXTENSION, 7, "extensions.deny" },
        { "GET /a.b.exe", "", FAULT_FILTER_EXTENSION, 7, "extensions.deny" },
        { "GET /a.exe.%20.", "", FAULT_FILTER_EXTENSION, 7, "extensions.deny" },
        { "GET /a.exe;x.js", "", FAULT_FILTER_EXTENSION, 7, "extensions.deny" },
        { "GET /a.exe::$DATA", "", FAULT_FILTER_EXTENSION, 7, "extensions.deny" },
        { "GET /b/.ini", "", FAULT_FILTER_EXTENSION, 7, "extensions.deny" },
    };
    static const struct row allowing_rows[] = {
        { "GET /", "", PASSES },
        { "GET /a.d/b", "", PASSES },
        { "GET /a.js", "", PASSES },
        { "GET /a.css", "", FAULT_FILTER_EXTENSION, 7, "extensions.allow" },
    };
    static const struct row strict_rows[] = {
        { "GET /a/b.js", "", PASSES },
        { "GET /a/b", "", PASSES },
        { "GET /", "", PASSES },
        { "GET /a.php/b", "", FAULT_FILTER_EXTENSION, 7,
            "extensions.refuse_ambiguous" },
        { "GET /a.php/", "", FAULT_FILTER_EXTENSION, 7, "extensions.refuse_ambiguous" },
        { "GET /a.php/b.js", "", FAULT_FILTER_EXTENSION, 7,
            "extensions.refuse_ambiguous" },
        { "GET /a.b.js", "", FAULT_FILTER_EXTENSION, 7, "extensions.refuse_ambiguous" },
    };

    (void)state;
    ASSERT_ROWS(&denying, denying_rows);
    ASSERT_ROWS(&allowing, allowing_rows);
    ASSERT_ROWS(&strict, strict_rows);
}

#define ONE(array) (array), sizeof(array) / sizeof *(array)

static void
mitigations_hold_when_all_conditions_do(void **state)
{
    const struct condition cookie[] = { { PART_COOKIE, WORD("X-Anon*"), TEST_CONTAINS,
        .text = WORD("~") } };
    const struct condition url[] = { { PART_URL, .test = TEST_CONTAINS_ALL,
        .words = WORDS(WORD("autodiscover"), WORD("powershell")) } };
    const struct condition from[] = { { PART_METHOD, .test = TEST_GLOB,
                                          .text = WORD("P*T") },
        { PART_PARAMETER, WORD("_from"), TEST_NOT_SHAPE,
            .shape = { .set = { ['a' / 8] = 0xff }, .minimum = 0, .maximum = 8 } } };
    const struct condition line[] = { { PART_QUERY, .test = TEST_CONTAINS,
        .text = WORD("\n") } };
    const struct condition task[] = { { PART_COOKIE, WORD("_task"), TEST_PRESENT,
        .text = WORD("") } };
    const struct condition header[] = { { PART_HEADER, WORD("X-Rps-CAT"), TEST_PRESENT,
                                            .text = WORD("") },
        { PART_PATH, .test = TEST_GLOB, .text = WORD("*.JS") } };
    const struct mitigation mitigations[] = {
        { "PM-1", .conditions = cookie, .condition_count = 1 },
        { "PM-2", .conditions = url, .condition_count = 1 },
        { "PM-3", .conditions = from, .condition_count = 2 },
        { "PM-4", .conditions = line, .condition_count = 1 },
        { "PM-5", .conditions = header, .condition_count = 2 },
        { "PM-6", .conditions = NULL, .condition_count = 0 },
        { "PM-7", .conditions = task, .condition_count = 1 },
    };
    const struct filter_policy policy = { .mitigations = mitigations,
        .mitigation_count = 7 };
    static const struct row rows[] = {
        { "GET /", "Cookie: a=~; X-Anon=b\r\n", PASSES },
        { "GET /", "Cookie: a=b; X-ANONresource=c~d\r\n", FAULT_FILTER_MITIGATION, 19,
            "PM-1" },
        { "GET /", "Cookie: a\r\nCookie: X-Anon=%7e\r\n", FAULT_FILTER_MITIGATION, 19,
            "PM-1" },
        { "GET /", "Cookie: a=b; .task=c\r\n", FAULT_FILTER_MITIGATION, 19, "PM-7" },
        { "GET /", "Cookie: _task[x]=c\r\n", FAULT_FILTER_MITIGATION, 19, "PM-7" },
        { "GET /", "Cookie: %5ftask=c\r\n", FAULT_FILTER_MITIGATION, 19, "PM-7" },
        { "GET /", "Cookie: _tasks=c; _mytask=d\r\n", PASSES },
        { "GET /autodiscover?power+shell", "", PASSES },
        { "GET /Autodiscover?PowerShell", "", FAULT_FILTER_MITIGATION, 19, "PM-2" },
        { "GET /a?autodi%73cover&power%2573hell", "", FAULT_FILTER_MITIGATION, 19,
            "PM-2" },
        { "GET /?_from=%21", "", PASSES },
        { "POST /?_from=abcdefg&from=!", "", PASSES },
        { "POST /?_from=abc!", "", FAULT_FILTER_MITIGATION, 19, "PM-3" },
        { "PUT /?_from=abcdefgabc", "", FAULT_FILTER_MITIGATION, 19, "PM-3" },
        { "POST /?+.From%5bx%5d=!", "", FAULT_FILTER_MITIGATION, 19, "PM-3" },
        { "POST /?_from=a&_from=!", "", FAULT_FILTER_MITIGATION, 19, "PM-3" },
        { "GET /?a%0Ab", "", FAULT_FILTER_MITIGATION, 19, "PM-4" },
        { "GET /a.jsx", "X-Rps-Cat: 1\r\n", PASSES },
        { "GET /a.js", "", PASSES },
        { "GET /a.js", "X-Rps-Cat:\r\n", FAULT_FILTER_MITIGATION, 19, "PM-5" },
    };

    (void)state;
    ASSERT_ROWS(&policy, rows);
}

static void
a_mitigation_reports_until_its_date(void **state)
{
    const struct condition present[] = { { PART_PATH, .test = TEST_PRESENT } };
    struct mitigation mitigation = { "PM-1", .conditions = present,
        .condition_count = 1, .report_only_until = NOW + 1 };
    const struct filter_policy policy = { .mitigations = &mitigation,
        .mitigation_count = 1 };
    struct judged judged = { .source = { .ss_family = AF_UNSPEC } };

    (void)state;
    judged_read(&judged, &policy, "GET /", "");
    filter_judge(&judged.input, &judged.verdict);
    assert_fault(judged.verdict.refused.fault, FAULT_NONE);
    assert_int_equal(judged.verdict.reported_count, 1);
    assert_string_equal(judged.verdict.reported[0].rule, "PM-1");
    assert_false(judged.verdict.report_expired);

    mitigation.report_only_until = NOW;
    filter_judge(&judged.input, &judged.verdict);
    assert_fault(judged.verdict.refused.fault, FAULT_FILTER_MITIGATION);
    assert_int_equal(judged.verdict.reported_count, 0);
    assert_true(judged.verdict.report_expired);
    arena_clear(&judged.arena);
}

/* `postern explain` goes on behind a refusal, and shows limits. */
static void
each_check_stands_alone(void **state)
{
    const struct filter_policy policy = { .url_bytes = 3,
        .denied_in_query = WORDS(WORD("x y")),
        .extensions_denied = WORDS(WORD(".exe")) };
    struct judged judged = { .source = { .ss_family = AF_UNSPEC } };
    struct note limit = { "" };
    unsigned refusals = 0;

    (void)state;
    judged_read(&judged, &policy, "GET /a.exe?x+y", "");
    for (unsigned i = 0; i < filter_check_count; i++) {
        refusals +=
            filter_checks[i].run(&judged.input, &judged.verdict, &limit).fault !=
            FAULT_NONE;
        assert_true(limit.text[0] != '\0');
        if (strcmp(filter_checks[i].name, "url-length") == 0)
            assert_string_equal(limit.text, "3 bytes");
        limit.text[0] = '\0';
    }
    assert_int_equal(refusals, 3);
    arena_clear(&judged.arena);
}

/* Nothing may pass because there was too much of it to look at. */
static void
too_many_parameters_are_refused(void **state)
{
    const struct condition conditions[] = { { PART_PARAMETER, WORD("a"), TEST_CONTAINS,
        .text = WORD("b") } };
    const struct mitigation mitigation = { "PM-1", .conditions = conditions,
        .condition_count = 1 };
    const struct parameter_rule parameter = { .name = WORD("a") };
    const struct path_rule rule = { .id = "A",
        .paths = WORDS(WORD("/")),
        .parameters = &parameter,
        .parameter_count = 1 };
    const struct filter_policy policies[] = {
        { .mitigations = &mitigation, .mitigation_count = 1 },
        { .has_model = true, .rules = &rule, .rule_count = 1 },
    };
    char line[8192] = "GET /?";

    (void)state;
    for (size_t i = 0; i < 2000; i++)
        memcpy(line + 6 + 2 * i, i == 1999 ? "a\0" : "a&", 2);
    for (size_t i = 0; i < 2; i++)
        assert_row(&policies[i],
            &(struct row){ line, "", FAULT_FILTER_PARAMETER, 19, "parameters" });
}

/* Nor because there was no memory to look at it: whatever is left, it is refused. */
static void
without_memory_nothing_passes(void **state)
{
    const struct condition conditions[] = {
        { PART_URL, .test = TEST_CONTAINS, .text = WORD("~") },
        { PART_COOKIE, WORD("c"), TEST_CONTAINS, .text = WORD("~") },
    };
    const struct mitigation mitigations[] = {
        { "PM-1", .conditions = conditions, .condition_count = 1 },
        { "PM-2", .conditions = conditions + 1, .condition_count = 1 },
    };
    const struct path_rule rules[] = {
        { .id = "D", .action = RULE_DENY, .paths = WORDS(WORD("/a/b")) },
        { .id = "A", .paths = WORDS(WORD("/**")), .only_parameters = true },
    };
    const struct filter_policy policies[] = {
        { .denied_in_query = WORDS(WORD("x y")) },
        { .mitigations = mitigations, .mitigation_count = 1 },
        { .mitigations = mitigations + 1, .mitigation_count = 1 },
        { .has_model = true, .rules = rules, .rule_count = 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct judged judged = { .source = { .ss_family = AF_UNSPEC } };
        enum fault fault;

        judged_read(&judged, &policies[i], "GET /a//b?x+y%2526%257E",
            "Cookie: c=%7e\r\n");
        filter_judge(&judged.input, &judged.verdict);
        fault = judged.verdict.refused.fault;
        assert_true(fault != FAULT_NONE && fault != FAULT_MEMORY);
        for (size_t bytes = 0; judged.verdict.refused.fault != fault || bytes == 0;
             bytes += 16) {
            judged.arena.limit = judged.arena.used + bytes;
            filter_judge(&judged.input, &judged.verdict);
            assert_true(judged.verdict.refused.fault == fault ||
                judged.verdict.refused.fault == FAULT_MEMORY);
        }
        arena_clear(&judged.arena);
    }
}

/*
 * What is missing for want of memory must not look like another fault of the request,
 * nor be reported as one: here a parameter that is refused, without which the grammar
 * would be what is wrong.
 */
static void
want_of_memory_is_a_reason_of_its_own(void **state)
{
    const struct parameter_rule parameters[] = { { .name = WORD("action") } };
    const struct path_rule rules[] = {
        { .id = "A",
            .paths = WORDS(WORD("/**")),
            .parameters = parameters,
            .parameter_count = 1,
            .only_parameters = true,
            .grammar = GRAMMAR_OWA_SERVICE },
    };
    const struct filter_policy policies[] = {
        { .has_model = true, .rules = rules, .rule_count = 1 },
        { .has_model = true,
            .rules = rules,
            .rule_count = 1,
            .model_reports_only = true,
            .report_only_until = NOW + 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct judged judged = { .source = { .ss_family = AF_UNSPEC } };
        bool is_whole = false;

        judged_read(&judged, &policies[i], "GET /s?action=%41&wrong=%42",
            "Action: B\r\n");
        for (size_t bytes = 0; !is_whole; bytes += 16) {
            const struct finding *found = &judged.verdict.refused;

            judged.arena.limit = judged.arena.used + bytes;
            filter_judge(&judged.input, &judged.verdict);
            is_whole = found->fault != FAULT_MEMORY;
            if (!is_whole)
                assert_int_equal(judged.verdict.reported_count, 0);
            else if (i == 1)
                found = &judged.verdict.reported[0];
            assert_fault(found->fault,
                is_whole ? FAULT_FILTER_PARAMETER : FAULT_MEMORY);
        }
        arena_clear(&judged.arena);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_are_refused_by_name),
        cmocka_unit_test(faults_are_those_of_generic_strictness),
        cmocka_unit_test(lengths_have_a_bound_and_one_more_is_refused),
        cmocka_unit_test(methods_are_those_of_the_list),
        cmocka_unit_test(fields_are_denied_however_cgi_would_spell_them),
        cmocka_unit_test(sequences_are_found_raw_and_decoded),
        cmocka_unit_test(extensions_are_read_as_a_server_reads_them),
        cmocka_unit_test(mitigations_hold_when_all_conditions_do),
        cmocka_unit_test(a_mitigation_reports_until_its_date),
        cmocka_unit_test(each_check_stands_alone),
        cmocka_unit_test(too_many_parameters_are_refused),
        cmocka_unit_test(without_memory_nothing_passes),
        cmocka_unit_test(want_of_memory_is_a_reason_of_its_own),
    };

    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
