/*
 * tests/unit/http/test_filter_model.c - the positive list of paths: which rule decides,
 * what it asks for, and what is only reported.
 */
#include "filter_test.h"

#define ALPHA                                                                          \
    {                                                                                  \
        .set = { [12] = 0xfe, 0xff, 0xff, 0x07 }, .minimum = 1, .maximum = 8           \
    }

static const struct parameter_rule parameters[] = {
    { WORD("_task"), true,
        { VALUE_ONE_OF, .one_of = WORDS(WORD("mail"), WORD("k*")) } },
    { WORD("_action"), false, { VALUE_SHAPE, .shape = ALPHA } },
    { WORD("_x*"), false, { VALUE_ANY, .shape = ALPHA } },
};

static const struct network inside[] = {
    { { [10] = 0xff, 0xff, 10 }, 104 },
    { { 0xfd }, 8 },
    { { [10] = 0xff, 0xff, 192, 0, 2, 0x80 }, 121 },
    { { 0x20, 0x01, [15] = 7 }, 128 },
};

static const struct path_rule rules[] = {
    { .id = "D1", .action = RULE_DENY, .paths = WORDS(WORD("/app/admin/**")) },
    { .id = "D2",
        .action = RULE_DENY,
        .paths = WORDS(WORD("/app/status")),
        .from = inside,
        .from_count = 4,
        .from_is_exception = true },
    { .id = "D3",
        .action = RULE_DENY,
        .paths = WORDS(WORD("/app/public")),
        .from = inside,
        .from_count = 4 },
    { .id = "D4", .action = RULE_DENY, .paths = WORDS(WORD("/app/**/secret.php")) },
    { .id = "A1",
        .paths = WORDS(WORD("/"), WORD("/index.php")),
        .methods = WORDS(WORD("GET"), WORD("POST")),
        .types = WORDS(WORD("application/x-www-form-urlencoded"), WORD("text/*")),
        .body_bytes = 100,
        .parameters = parameters,
        .parameter_count = 3,
        .only_parameters = true },
    { .id = "A2", .paths = WORDS(WORD("/only")), .from = inside, .from_count = 4 },
    { .id = "A3",
        .paths = WORDS(WORD("/mapi/")),
        .methods = WORDS(WORD("POST")),
        .required_headers = WORDS(WORD("X-RequestType")),
        .grammar = GRAMMAR_MAPI },
    { .id = "A6", .paths = WORDS(WORD("/st*ar-and-more")) },
    { .id = "A7",
        .paths = WORDS(WORD("/dav")),
        .methods = WORDS(WORD("PUT")),
        .types = WORDS(WORD("text/*"), WORD("absent")),
        .body_bytes = 100 },
    { .id = "A5",
        .paths = WORDS(WORD("/named")),
        .required_headers = WORDS(WORD("X-A")) },
    { .id = "A4", .paths = WORDS(WORD("/app/**"), WORD("/only")) },
};

static const struct filter_policy sensitive = { .has_model = true,
    .rules = rules,
    .rule_count = sizeof rules / sizeof *rules };
static const struct filter_policy insensitive = { .has_model = true,
    .ignores_case = true,
    .rules = rules,
    .rule_count = sizeof rules / sizeof *rules };

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

static void
only_published_paths_pass(void **state)
{
    static const struct row rows[] = {
        { "GET /?_task=mail", "", PASSES },
        { "GET /app/x/y.js", "", PASSES },
        { "GET /app/", "", PASSES },
        { "GET /star-and-more", "", PASSES },
        { "GET /start-ar-and-more", "", PASSES },
        { "GET /star-and-less", "", FAULT_FILTER_PATH, 0, "paths" },
        { "HEAD /app/", "", PASSES },
        { "GET /app", "", FAULT_FILTER_PATH, 0, "paths" },
        { "GET /App/", "", FAULT_FILTER_PATH, 0, "paths" },
        { "GET /other", "", FAULT_FILTER_PATH, 0, "paths" },
        { "POST /other", "", FAULT_FILTER_PATH, 0, "paths" },
    };
    static const struct row insensitive_rows[] = {
        { "GET /APP/x", "", PASSES },
        { "GET /Index.PHP?_TASK=Mail", "", PASSES },
        { "GET /App/ADMIN/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/%ef%bd%81dmin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/%25ef%25bc%25a1DMIN/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/%ef%bd%81b.pdf", "", PASSES },
        { "GET /%ef%bd%81pp/x.pdf", "", FAULT_FILTER_PATH, 0, "paths" },
    };

    (void)state;
    ASSERT_ROWS(&sensitive, rows);
    ASSERT_ROWS(&insensitive, insensitive_rows);
}

static void
closed_paths_stay_closed_however_they_are_spelled(void **state)
{
    static const struct row rows[] = {
        { "GET /app/admin/", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "DELETE /app/admin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/%61dmin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app//admin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app;a=b/admin;c/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/y/../admin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/administrator", "", PASSES },
        /* a server behind a server decodes again */
        { "GET /app/%2561dmin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/%252561dmin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app//%2561dmin;a/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/admin%253bx/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app%2fadmin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/x%2541%25.pdf", "", PASSES },
        { "GET /%256fther", "", FAULT_FILTER_PATH, 0, "paths" },
        { "GET /app/%ef%bd%81dmin/x", "", PASSES }, /* fullwidth: on Windows alone */
        { "GET /app/x/secret.php", "", FAULT_FILTER_PATH_DENIED, 8, "D4" },
        { "GET /app/secret.php", "", FAULT_FILTER_PATH_DENIED, 8, "D4" },
        { "GET /app/x;a=b/y//secret.php;c", "", FAULT_FILTER_PATH_DENIED, 8, "D4" },
        { "GET /app/admin./x", "", PASSES },
        { "GET /app/Admin:x/y", "", PASSES },
    };
    static const struct row windows_rows[] = {
        { "GET /app/Admin./x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/admin%20.%20/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app./admin/", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/admin::$INDEX_ALLOCATION/x", "", FAULT_FILTER_PATH_DENIED, 8,
            "D1" },
        { "GET /app/admin.;a./x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/.../admin/x", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /app/x/secret.PHP.", "", FAULT_FILTER_PATH_DENIED, 8, "D4" },
        { "GET /app/x/secret.php::$DATA", "", FAULT_FILTER_PATH_DENIED, 8, "D4" },
        { "GET /app/.admin/x", "", PASSES },
        { "GET /app/admin.x/y", "", PASSES },
    };

    (void)state;
    ASSERT_ROWS(&sensitive, rows);
    ASSERT_ROWS(&insensitive, windows_rows);
}

static const struct when when_text[] = {
    { WORD("_task"), WORDS(WORD("utils")), false },
    { WORD("_action"), WORDS(WORD("html2text"), WORD("plugin.*")), false },
};
static const struct when when_list[] = {
    { WORD("_action"), WORDS(WORD("list")), true },
};
static const struct when when_closed[] = {
    { WORD("_task"), WORDS(WORD("closed")), false },
    { WORD("_mode"), WORDS(WORD("open")), true },
};

static const struct path_rule when_rules[] = {
    { .id = "D1",
        .action = RULE_DENY,
        .paths = WORDS(WORD("/")),
        .when = when_closed,
        .when_count = 2 },
    { .id = "A1",
        .paths = WORDS(WORD("/")),
        .methods = WORDS(WORD("POST")),
        .when = when_text,
        .when_count = 2 },
    { .id = "A2", .paths = WORDS(WORD("/")), .when = when_list, .when_count = 1 },
    { .id = "A3", .paths = WORDS(WORD("/")), .methods = WORDS(WORD("PUT")) },
};

static const struct filter_policy when_policy = { .has_model = true,
    .rules = when_rules,
    .rule_count = sizeof when_rules / sizeof *when_rules };
static const struct filter_policy when_insensitive = { .has_model = true,
    .ignores_case = true,
    .rules = when_rules,
    .rule_count = sizeof when_rules / sizeof *when_rules };

/* Of the rules that allow only one takes the method, so that it shows which was chosen. */
static void
parameters_choose_the_rule(void **state)
{
    static const struct row rows[] = {
        { "POST /?_task=utils&_action=html2text", "", PASSES },
        { "POST /?_action=plugin.x&a=b&_task=%75tils", "", PASSES },
        { "POST /?_task=utils&_action=plugin.", "", PASSES },
        { "GET /?_task=utils&_action=html2text", "", FAULT_FILTER_METHOD, 6, "A1" },
        { "GET /", "", PASSES },
        { "GET /?_task=utils", "", PASSES },
        { "GET /?_action=list", "", PASSES },
        { "PUT /?_action=list", "", FAULT_FILTER_METHOD, 6, "A2" },
        { "PUT /?_action=", "", PASSES },
        { "PUT /?_action=other", "", PASSES },
        { "PUT /?_task=mail&_action=html2text", "", PASSES },
        { "PUT /?_task=UTILS&_action=html2text", "", PASSES },
        { "PUT /?_TASK=utils&_action=html2text", "", PASSES },
    };
    static const struct row insensitive_rows[] = {
        { "POST /?_TASK=Utils&_Action=PLUGIN.X", "", PASSES },
        { "POST /?_task=utils&_TASK=utils&_action=html2text", "",
            FAULT_FILTER_PARAMETER, 19, "A1" },
    };

    (void)state;
    ASSERT_ROWS(&when_policy, rows);
    ASSERT_ROWS(&when_insensitive, insensitive_rows);
}

/* PHP takes the last of several, Java the first, ASP.NET all of them. */
static void
what_servers_read_in_different_ways_chooses_no_rule(void **state)
{
    static const struct row rows[] = {
        { "POST /?_task=utils&_action=html2text&_task=mail", "", FAULT_FILTER_PARAMETER,
            19, "A1" },
        { "POST /?_task=mail&_action=html2text&_task=utils", "", FAULT_FILTER_PARAMETER,
            19, "A1" },
        { "POST /?_task=utils&_action=html2text&_action[]=x", "",
            FAULT_FILTER_PARAMETER, 19, "A1" },
        { "POST /?_task[]=utils&_action=html2text", "", FAULT_FILTER_PARAMETER, 19,
            "A1" },
        { "POST /?%20_task=utils&_action=html2text", "", FAULT_FILTER_PARAMETER, 19,
            "A1" },
        { "POST /?.task=utils&_action=html2text", "", FAULT_FILTER_PARAMETER, 19,
            "A1" },
        { "GET /?_action=list&_action=list", "", FAULT_FILTER_PARAMETER, 19, "A2" },
        { "GET /?+_action=x", "", FAULT_FILTER_PARAMETER, 19, "A2" },
        { "PUT /?_action=x&_action=y", "", PASSES },
        { "PUT /?_task=utils&_task=utils&_action=x", "", PASSES },
    };

    (void)state;
    ASSERT_ROWS(&when_policy, rows);
}

static void
a_closed_value_is_closed_wherever_it_stands(void **state)
{
    static const struct row rows[] = {
        { "GET /?_task=closed", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /?_task=mail&_task=closed", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /?_task=closed&_task=mail", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /?_task[a]=closed", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /?_task=closed&_mode=open", "", FAULT_FILTER_PATH_DENIED, 8, "D1" },
        { "GET /?_task=closed&_mode=x&_mode=open", "", FAULT_FILTER_PATH_DENIED, 8,
            "D1" },
        { "GET /?_task=closed&_mode=x", "", PASSES },
        { "GET /?_task=mail", "", PASSES },
        { "GET /?a=closed", "", PASSES },
    };

    (void)state;
    ASSERT_ROWS(&when_policy, rows);
}

static const struct path_rule file_rules[] = {
    { .id = "F1",
        .paths = WORDS(WORD("/favicon.ico"), WORD("/skins/**"), WORD("/app/*/x/**")),
        .files = WORDS(WORD(".css"), WORD(".js")) },
    { .id = "F2", .paths = WORDS(WORD("/modern/**")), .files = WORDS(WORD(".")) },
    { .id = "F3", .paths = WORDS(WORD("/**")) },
};
static const struct filter_policy file_policy = { .has_model = true,
    .pages = WORDS(WORD(".php"), WORD(".phtml")),
    .rules = file_rules,
    .rule_count = sizeof file_rules / sizeof *file_rules };
static const struct filter_policy file_insensitive = { .has_model = true,
    .ignores_case = true,
    .pages = WORDS(WORD(".aspx")),
    .rules = file_rules,
    .rule_count = sizeof file_rules / sizeof *file_rules };

static void
files_are_known_by_every_segment_of_their_path(void **state)
{
    static const char *const good[] = { "/favicon.ico", "/skins/a.css",
        "/skins/elastic/deps/a-b_c.min.JS", "/skins/15.1.2507.6/x%20y/a.css",
        "/skins/tinymce-5.10/a.b.c.css", "/skins/a.5x/b.css", "/skins/~a/(b)/c@2.css",
        "/skins/php/a.js", "/skins/a.phpx.css", "/app/a/x/a.css", "/app/1.2/x/a.css",
        "/modern/a", "/modern/email/Inbox/412", "/other/a.php" };
    static const char *const bad[] = { "/skins/", "/skins/a", "/skins/a.png",
        "/skins/a.php", "/skins/a.php.css", "/skins/a.PHP.css", "/skins/a.b.phtml.css",
        "/skins/a.css.php", "/skins/.css", "/skins/.a.css", "/skins/a.css.",
        "/skins/a.css%20", "/skins/a.css/", "/skins/a.css/b.css", "/skins/a.php/b.css",
        "/skins/5.x/b.css", "/skins/.git/b.css", "/skins/a./b.css", "/skins/a%20/b.css",
        "/skins//b.css", "/skins/a:b.css", "/skins/a;b/c.css", "/skins/a%3bb.css",
        "/skins/a%25b.css", "/skins/a%01.css", "/skins/a%c3%a4.css", "/skins/a%5cb.css",
        "/skins/a%2fb.css", "/skins/a%3f.css", "/skins/a%22.css", "/skins/a.css::$DATA",
        "/app/a.b/x/a.css", "/app/a.php/x/a.css", "/modern/a.b", "/modern/",
        "/modern/.a", "/modern/a.css" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        bool is_good = i < sizeof good / sizeof *good;
        const char *path = is_good ? good[i] : bad[i - sizeof good / sizeof *good];
        struct judged judged;
        char line[64];

        (void)snprintf(line, sizeof line, "GET %s", path);
        judged_read(&judged, &file_policy, line, "");
        filter_judge(&judged.input, &judged.verdict);
        if ((judged.verdict.refused.fault == FAULT_NONE) != is_good)
            fail_msg("%s", path);
        if (!is_good)
            assert_fault(judged.verdict.refused.fault, FAULT_FILTER_EXTENSION);
        arena_clear(&judged.arena);
    }
}

static void
what_is_wrong_with_a_file_is_told(void **state)
{
    static const struct row windows_rows[] = {
        { "GET /SKINS/A.Css", "", PASSES },
        { "GET /SKINS/A.ASPX.Css", "", FAULT_FILTER_EXTENSION, 7, "F1" },
        { "GET /App/A.x/x/a.css", "", FAULT_FILTER_EXTENSION, 7, "F1" },
        { "POST /skins/a.css", "", FAULT_FILTER_METHOD, 6, "F1" },
    };
    static const char *const parts[][2] = {
        { "GET /skins/a.php/b.css", "a.php" },
        { "GET /skins/a/b.php.css", "b.php.css" },
        { "GET /skins/a/b%2fc.css", "/skins/a/b%2fc.css" },
        { "GET /app/a.b/x/c.css", "a.b" },
    };

    (void)state;
    ASSERT_ROWS(&file_insensitive, windows_rows);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct judged judged;

        judged_read(&judged, &file_policy, parts[i][0], "");
        filter_judge(&judged.input, &judged.verdict);
        assert_fault(judged.verdict.refused.fault, FAULT_FILTER_EXTENSION);
        assert_true(
            bytes_equal(judged.verdict.refused.part, bytes_of_string(parts[i][1])));
        arena_clear(&judged.arena);
    }
}

static void
rules_hold_for_their_sources(void **state)
{
    static const struct {
        const char *from, *path;
        enum fault fault;
    } rows[] = {
        { "10.1.2.3", "/app/status", FAULT_NONE },
        { "::ffff:10.1.2.3", "/app/status", FAULT_NONE },
        { "fd00::1", "/app/status", FAULT_NONE },
        { "192.0.2.129", "/app/status", FAULT_NONE },
        { "2001::7", "/app/status", FAULT_NONE },
        { "2001::6", "/app/status", FAULT_FILTER_PATH_DENIED },
        { "192.0.2.127", "/app/status", FAULT_FILTER_PATH_DENIED },
        { "11.1.2.3", "/app/status", FAULT_FILTER_PATH_DENIED },
        { "fe80::1", "/app/status", FAULT_FILTER_PATH_DENIED },
        { "", "/app/status", FAULT_FILTER_PATH_DENIED },
        { "10.1.2.3", "/app/public", FAULT_FILTER_PATH_DENIED },
        { "11.1.2.3", "/app/public", FAULT_NONE },
        { "", "/app/public", FAULT_NONE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct judged judged;
        char line[64];

        (void)snprintf(line, sizeof line, "GET %s", rows[i].path);
        judged_from(&judged, rows[i].from);
        judged_read(&judged, &sensitive, line, "");
        filter_judge(&judged.input, &judged.verdict);
        assert_fault(judged.verdict.refused.fault, rows[i].fault);
        arena_clear(&judged.arena);
    }
}

static void
the_first_rule_for_path_and_source_decides(void **state)
{
    struct judged judged;

    (void)state;
    judged_from(&judged, "10.0.0.1");
    judged_read(&judged, &sensitive, "GET /only", "");
    filter_judge(&judged.input, &judged.verdict);
    assert_string_equal(judged.verdict.rule->id, "A2");
    judged_from(&judged, "11.0.0.1");
    filter_judge(&judged.input, &judged.verdict);
    assert_string_equal(judged.verdict.rule->id, "A4");
    arena_clear(&judged.arena);
}

static void
a_rule_says_method_type_and_size(void **state)
{
    static const struct row rows[] = {
        { "POST /?_task=mail", "", PASSES },
        { "POST /?_task=mail", FORM "Content-Length: 100\r\n", PASSES },
        { "POST /?_task=mail", FORM "Transfer-Encoding: chunked\r\n", PASSES },
        { "POST /?_task=mail", "Content-Type: TEXT/x;a=b\r\nContent-Length: 1\r\n",
            PASSES },
        { "POST /?_task=mail", "Content-Type: image/png\r\nContent-Length: 0\r\n",
            PASSES },
        { "PUT /?_task=mail", "", FAULT_FILTER_METHOD, 6, "A1" },
        { "POST /app/", "", FAULT_FILTER_METHOD, 6, "A4" },
        { "POST /?_task=mail", "Content-Length: 1\r\n", FAULT_FILTER_TYPE, 0, "A1" },
        { "PUT /dav", "Content-Length: 1\r\n", PASSES },
        { "PUT /dav", "Content-Length: 1\r\nContent-Type: \r\n", PASSES },
        { "PUT /dav", "Content-Length: 1\r\nContent-Type: text/a\r\n", PASSES },
        { "PUT /dav", "Content-Length: 1\r\nContent-Type: absent\r\n",
            FAULT_FILTER_TYPE, 0, "A7" },
        { "PUT /dav", "Content-Length: 101\r\n", FAULT_HTTP_BODY_LARGE, 1, "A7" },
        { "POST /?_task=mail", "Content-Type: image/png\r\nContent-Length: 1\r\n",
            FAULT_FILTER_TYPE, 0, "A1" },
        { "GET /app/", FORM "Transfer-Encoding: chunked\r\n", FAULT_FILTER_TYPE, 0,
            "A4" },
        { "POST /?_task=mail", FORM "Content-Length: 101\r\n", FAULT_HTTP_BODY_LARGE, 1,
            "A1" },
    };

    (void)state;
    ASSERT_ROWS(&sensitive, rows);
}

static void
a_rule_says_fields_parameters_and_grammar(void **state)
{
    static const struct row rows[] = {
        { "GET /?_task=mail&_action=list&_x=!&_xy=1", "", PASSES },
        { "GET /?_task=kolab&&_action=a", "", PASSES },
        { "GET /", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_TASK=mail", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=Mail", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=mail&_task=x", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=mail&.task=x", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=mail&_task[]=x", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=mail&_action=list%21", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=mail&_action=", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=mail&_action=abcdefghi", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /?_task=mail&other=1", "", FAULT_FILTER_PARAMETER, 19, "A1" },
        { "GET /named", "x-a:\r\n", PASSES },
        { "GET /named", "X-AB: 1\r\n", FAULT_FILTER_GRAMMAR, 19, "A5" },
        { "POST /mapi/", "X-RequestType: Connect\r\n", PASSES },
        { "POST /mapi/", "", FAULT_FILTER_GRAMMAR, 19, "A3" },
        { "POST /mapi/", "X-RequestType: Connected\r\n", FAULT_FILTER_GRAMMAR, 19,
            "A3" },
    };

    (void)state;
    ASSERT_ROWS(&sensitive, rows);
}

/* What each date of a policy makes of three requests that a strict one refuses. */
static void
report_only_ends_with_its_date(void **state)
{
    static const struct {
        int64_t rule, model;
        bool closed_passes, method_passes, unknown_passes, expired;
    } rows[] = {
        { 0, 0, false, false, false, false },
        { NOW + 1, 0, true, true, false, false },
        { NOW, 0, false, false, false, true },
        { 0, NOW + 1, true, true, true, false },
        { 0, NOW, false, false, false, true },
        { NOW - 1, NOW + 1, true, true, true, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct path_rule two[] = {
            { .id = "D",
                .action = RULE_DENY,
                .paths = WORDS(WORD("/closed")),
                .report_only_until = rows[i].rule },
            { .id = "A",
                .paths = WORDS(WORD("/*d")),
                .report_only_until = rows[i].rule },
        };
        const struct filter_policy policy = { .has_model = true,
            .rules = two,
            .rule_count = 2,
            .model_reports_only = rows[i].model != 0,
            .report_only_until = rows[i].model };
        const struct {
            const char *line;
            bool passes;
        } requests[] = { { "GET /closed", rows[i].closed_passes },
            { "POST /d", rows[i].method_passes }, { "GET /", rows[i].unknown_passes } };

        for (size_t at = 0; at < 3; at++) {
            struct judged judged = { .source = { .ss_family = AF_UNSPEC } };

            judged_read(&judged, &policy, requests[at].line, "");
            filter_judge(&judged.input, &judged.verdict);
            assert_int_equal(judged.verdict.refused.fault == FAULT_NONE,
                requests[at].passes);
            assert_int_equal(judged.verdict.reported_count, requests[at].passes);
            if (at < 2)
                assert_int_equal(judged.verdict.report_expired, rows[i].expired);
            arena_clear(&judged.arena);
        }
    }
}

/* More findings than there is room for are still findings. */
static void
reports_are_bounded(void **state)
{
    const struct word_list all = WORDS(WORD("/**"));
    struct path_rule many[FILTER_REPORTS_MAX + 2];
    const struct filter_policy policy = { .has_model = true,
        .rules = many,
        .rule_count = FILTER_REPORTS_MAX + 2 };
    struct judged judged = { .source = { .ss_family = AF_UNSPEC } };

    (void)state;
    for (unsigned i = 0; i < FILTER_REPORTS_MAX + 2; i++)
        many[i] = (struct path_rule){ .id = "D",
            .action = RULE_DENY,
            .paths = all,
            .report_only_until = NOW + 1 };
    many[FILTER_REPORTS_MAX + 1].report_only_until = 0;
    judged_read(&judged, &policy, "GET /", "");
    filter_judge(&judged.input, &judged.verdict);
    assert_int_equal(judged.verdict.reported_count, FILTER_REPORTS_MAX);
    assert_fault(judged.verdict.refused.fault, FAULT_FILTER_PATH_DENIED);
    arena_clear(&judged.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_published_paths_pass),
        cmocka_unit_test(closed_paths_stay_closed_however_they_are_spelled),
        cmocka_unit_test(parameters_choose_the_rule),
        cmocka_unit_test(what_servers_read_in_different_ways_chooses_no_rule),
        cmocka_unit_test(a_closed_value_is_closed_wherever_it_stands),
        cmocka_unit_test(files_are_known_by_every_segment_of_their_path),
        cmocka_unit_test(what_is_wrong_with_a_file_is_told),
        cmocka_unit_test(rules_hold_for_their_sources),
        cmocka_unit_test(the_first_rule_for_path_and_source_decides),
        cmocka_unit_test(a_rule_says_method_type_and_size),
        cmocka_unit_test(a_rule_says_fields_parameters_and_grammar),
        cmocka_unit_test(report_only_ends_with_its_date),
        cmocka_unit_test(reports_are_bounded),
    };

    return cmocka_run_group_tests_name("filter_model", tests, NULL, NULL);
}
