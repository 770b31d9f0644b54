/*
 * tests/unit/http/test_form_judge.c - the fields of a form, under rules and mitigations.
 *
 * Each body is fed whole, byte by byte and in sevens; the verdict is always the same.
 */
#include "filter_test.h"

#include <stdlib.h>

#include "http/form_judge.h"
#include "http/upload.h"

#define ALPHA(least, most)                                                             \
    {                                                                                  \
        .set = { [12] = 0xfe, 0xff, 0xff, 0x07 }, .minimum = (least),                  \
        .maximum = (most)                                                              \
    }

static const struct parameter_rule parameters[] = {
    { WORD("_task"), true,
        { VALUE_ONE_OF, .one_of = WORDS(WORD("mail"), WORD("plugin.*")) } },
    { WORD("_action"), false, { VALUE_SHAPE, .shape = ALPHA(1, 2000) } },
    { WORD("_draft_id"), false, { VALUE_SHAPE, .shape = ALPHA(0, 8) } },
    { WORD("_x*"), false, { .kind = VALUE_ANY } },
};

static const struct condition evil_when[] = {
    { .part = PART_PATH, .test = TEST_CONTAINS, .text = WORD("app") },
    { .part = PART_PARAMETER,
        .name = WORD("_from"),
        .test = TEST_CONTAINS_ALL,
        .words = WORDS(WORD("evil"), WORD("!")) },
    { .part = PART_PARAMETER, .name = WORD("_host"), .test = TEST_PRESENT },
};
static const struct condition like_when[] = {
    { .part = PART_PARAMETER,
        .name = WORD("_like"),
        .test = TEST_GLOB,
        .text = WORD("a*b?c*d") },
};
static const struct condition shape_when[] = {
    { .part = PART_PARAMETER,
        .name = WORD("_id"),
        .test = TEST_NOT_SHAPE,
        .shape = ALPHA(1, 2000) },
};
static const struct condition other_when[] = {
    { .part = PART_PATH, .test = TEST_CONTAINS, .text = WORD("elsewhere") },
    { .part = PART_PARAMETER, .name = WORD("_any"), .test = TEST_PRESENT },
};
static struct mitigation mitigations[] = {
    { .id = "PM-EVIL", .conditions = evil_when, .condition_count = 3 },
    { .id = "PM-LIKE", .conditions = like_when, .condition_count = 1 },
    { .id = "PM-SHAPE", .conditions = shape_when, .condition_count = 1 },
    { .id = "PM-OTHER", .conditions = other_when, .condition_count = 2 },
};

static const struct path_rule read_rule = { .id = "A1",
    .paths = WORDS(WORD("/app")),
    .methods = WORDS(WORD("POST")),
    .types =
        WORDS(WORD("application/x-www-form-urlencoded"), WORD("multipart/form-data")),
    .body_bytes = 100000,
    .parameters = parameters,
    .parameter_count = 4,
    .form = FORM_READ };
static struct path_rule rule;
static struct filter_policy policy;

static const char urlencoded[] =
    "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
    "Transfer-Encoding: chunked\r\n";
static const char multipart[] =
    "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n";

static int
setup(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        mitigations[i].report_only_until = 0;
    rule = read_rule;
    policy = (struct filter_policy){ .has_model = true,
        .rules = &rule,
        .rule_count = 1,
        .mitigations = mitigations,
        .mitigation_count = 4 };
    return 0;
}

/* Memory of just the piece's size, so that a sanitizer sees one byte too many. */
static void
feed(struct upload *upload, struct bytes body, size_t step, struct finding *finding)
{
    while (body.length > 0) {
        size_t length = body.length < step ? body.length : step;
        char *piece = require_alloc(length);

        memcpy(piece, body.at, length);
        upload_feed(upload, bytes_of(piece, length), finding);
        free(piece);
        body = bytes_of(body.at + length, body.length - length);
    }
    upload_end(upload, finding);
    upload_end(upload, finding); /* asked twice, it says the same */
}

struct outcome {
    enum fault fault;
    const char *rule, *part;
    unsigned reports;
};

#define GOOD                                                                           \
    (struct outcome)                                                                   \
    {                                                                                  \
        FAULT_NONE, "", "", 0                                                          \
    }
#define PARAMETER(part)                                                                \
    (struct outcome)                                                                   \
    {                                                                                  \
        FAULT_FILTER_PARAMETER, "A1", (part), 0                                        \
    }
#define MITIGATED(id, part)                                                            \
    (struct outcome)                                                                   \
    {                                                                                  \
        FAULT_FILTER_MITIGATION, (id), (part), 0                                       \
    }
#define MALFORMED(part)                                                                \
    (struct outcome)                                                                   \
    {                                                                                  \
        FAULT_FILTER_UPLOAD_FORM, "uploads", (part), 0                                 \
    }

static void
judge_on(const char *target, const char *fields, struct bytes body, struct outcome want)
{
    static const size_t steps[] = { 1, 7, SIZE_MAX };

    for (unsigned i = 0; i < 3; i++) {
        struct judged judged = { .source = { .ss_family = AF_UNSPEC } };
        struct finding finding;
        struct upload *upload;
        char line[256];

        snprintf(line, sizeof line, "POST %s", target);
        judged_read(&judged, &policy, line, fields);
        filter_judge(&judged.input, &judged.verdict);
        assert_fault(judged.verdict.refused.fault, FAULT_NONE);
        upload = upload_new(&judged.input, &judged.verdict, &finding);
        if (upload != NULL)
            feed(upload, body, steps[i], &finding);
        if (finding.fault != want.fault)
            fail_msg("%s: %s, wanted %s (%.*s)", target, fault_symbol(finding.fault),
                fault_symbol(want.fault), BYTES_ARG(finding.part));
        assert_string_equal(finding.rule == NULL ? "" : finding.rule, want.rule);
        assert_bytes(finding.part, want.part);
        assert_int_equal(judged.verdict.reported_count, want.reports);
        arena_clear(&judged.arena);
        assert_int_equal(chunk_pool_lent(), 0);
    }
}

#define judge(body, want) judge_on("/app?_task=mail", urlencoded, BYTES(body), (want))

/* prefix, `count` times `unit`, suffix */
static void
judge_repeated(const char *prefix, const char *unit, unsigned count, const char *suffix,
    struct outcome want)
{
    size_t room = strlen(prefix) + strlen(unit) * count + strlen(suffix) + 1;
    char *text = require_alloc(room), *at = stpcpy(text, prefix);

    while (count-- > 0)
        at = stpcpy(at, unit);
    stpcpy(at, suffix);
    judge_on("/app?_task=mail", urlencoded, bytes_of_string(text), want);
    free(text);
}

static void
fields_are_judged_as_the_query_is(void **state)
{
    (void)state;
    judge("", GOOD);
    judge("_task=mail&_action=list&other=%00", GOOD);
    judge("_task=plugin.vacation", GOOD);
    judge("a=b&_task=settings&c=d", PARAMETER("_task"));
    judge("_task=", PARAMETER("_task"));
    judge("_task", PARAMETER("_task"));
    judge("a&_task", PARAMETER("_task"));
    judge("_task=mail&_task=settings", PARAMETER("_task"));
    judge("_task=settings&_task=mail", PARAMETER("_task"));
    judge("_action=a.b", PARAMETER("_action"));
    judge("_action=", PARAMETER("_action"));
    judge("_x1=%&", MALFORMED("a malformed escape"));
    judge("_task=settings&%", PARAMETER("_task"));
}

/* main/php_variables.c, php_register_variable_ex */
static void
names_are_read_as_the_server_does(void **state)
{
    (void)state;
    judge("%5Ftask=settings", PARAMETER("_task"));
    judge("+_task=settings", PARAMETER(" _task"));
    judge("%20+_task=settings", PARAMETER("  _task"));
    judge(".task=settings", PARAMETER(".task"));
    judge("_task[]=settings", PARAMETER("_task[]"));
    judge("_task%5Bx%5D[y]=settings", PARAMETER("_task[x][y]"));
    judge("_draft.id=1", PARAMETER("_draft.id"));
    judge("_draft+id=1", PARAMETER("_draft id"));
    judge("_draft[id=1", PARAMETER("_draft[id"));
    judge("_taskx=settings&task=settings&_Task=settings", GOOD);
    policy.ignores_case = true;
    judge("_Task=settings", PARAMETER("_Task"));
}

static void
what_is_not_listed_may_be_closed(void **state)
{
    (void)state;
    rule.only_parameters = true;
    judge("_action=list&_xyz=1&_charset_=utf-8", GOOD);
    judge("_action=list&y=1", PARAMETER("y"));
    judge("&&_xa", GOOD);
    judge("=1", PARAMETER(""));
    judge("%7B%22password%22%3A%22geheim%22%7D",
        PARAMETER("a field whose name is no word"));
    judge_repeated("", "geheim", 11, "=1", PARAMETER("a field whose name is no word"));
    judge("_charset_=ibm037", PARAMETER("_charset_"));
}

static void
a_required_field_may_come_in_either_place(void **state)
{
    (void)state;
    judge_on("/app?_task=mail", urlencoded, BYTES("a=b"), GOOD);
    judge_on("/app", urlencoded, BYTES("a=b&_task=mail"), GOOD);
    judge_on("/app", urlencoded, BYTES("a=b"), PARAMETER("_task"));
    judge_on("/app", urlencoded, BYTES(""), PARAMETER("_task"));
    judge_on("/app", multipart,
        BYTES("--b\r\nContent-Disposition: form-data; name=\"_task\"\r\n\r\nmail\r\n"
              "--b--\r\n"),
        GOOD);
    judge_on("/app", multipart, BYTES("--b--\r\n"), PARAMETER("_task"));
}

#define FIELD(head, data)                                                              \
    "--b\r\nContent-Disposition: form-data; " head "\r\n\r\n" data "\r\n"

static void
fields_of_multipart_bodies_count(void **state)
{
    static const char target[] = "/app?_task=mail";

    (void)state;
    judge_on(target, multipart,
        BYTES(FIELD("name=\"_task\"", "mail") FIELD("name=\"_action\"", "list")
                FIELD("name=\"_task\"; filename=\"a.txt\"", "settings") "--b--\r\n"),
        GOOD);
    judge_on(target, multipart, BYTES(FIELD("name=\"_task\"", "settings") "--b--\r\n"),
        PARAMETER("_task"));
    judge_on(target, multipart,
        BYTES(FIELD("name=\" _task[]\"", "mail\r\n") "--b--\r\n"),
        PARAMETER(" _task[]"));
    /* PHP knows no filename*: a field. */
    judge_on(target, multipart,
        BYTES(FIELD("name=\"_task\"; filename*=UTF-8''a.txt", "settings") "--b--\r\n"),
        PARAMETER("_task"));
    judge_on(target, multipart,
        BYTES(FIELD("name=\"_task\"\r\nContent-Type: text/plain; charset=utf-16",
            "m\0") "--b--\r\n"),
        MALFORMED("a field in another character set"));
    judge_on(target, multipart,
        BYTES(FIELD("name=\"f\"; filename=\"a.txt\"\r\n"
                    "Content-Type: text/plain; charset=utf-16",
            "m\0") "--b--\r\n"),
        GOOD);
}

static void
a_form_in_another_character_set_is_refused(void **state)
{
#define TYPE(text) "Content-Type: " text "\r\nTransfer-Encoding: chunked\r\n"
    static const char target[] = "/app?_task=mail";
    static const char flaw[] = "a form in another character set";

    (void)state;
    judge_on(target, TYPE("application/x-www-form-urlencoded; charset=ibm037"),
        BYTES(""), MALFORMED(flaw));
    judge_on(target, TYPE("application/x-www-form-urlencoded; charset=\"UTF-16\""),
        BYTES(""), MALFORMED(flaw));
    judge_on(target,
        TYPE("application/x-www-form-urlencoded; charset=utf-8; charset=x"), BYTES(""),
        MALFORMED(flaw));
    judge_on(target, TYPE("multipart/form-data; charset=ibm037; boundary=b"),
        BYTES("--b--"), MALFORMED(flaw));
    judge_on(target, TYPE("application/x-www-form-urlencoded;"), BYTES(""), GOOD);
    judge_on(target, TYPE("application/x-www-form-urlencoded; charset=iso-8859-1"),
        BYTES(""), GOOD);
    judge_on(target,
        TYPE("application/x-www-form-urlencoded\r\nContent-Encoding: gzip"), BYTES(""),
        MALFORMED("a form under a Content-Encoding"));
    judge_on(target,
        TYPE("application/x-www-form-urlencoded\r\nContent-Encoding: identity"),
        BYTES(""), GOOD);
}

/* Longer than FORM_WINDOW_BYTES, so that no value is held whole. */
static void
long_values_are_judged_in_windows(void **state)
{
    (void)state;
    judge_repeated("_action=", "a", 1024, "", GOOD);
    judge_repeated("_action=", "a", 2000, "", GOOD);
    judge_repeated("_action=", "a", 2001, "", PARAMETER("_action"));
    judge_repeated("_action=", "a", 1999, ".", PARAMETER("_action"));
    judge_repeated("_action=", "a", 1023, ".", PARAMETER("_action"));
    judge_repeated("_action=", "a", 1024, ".", PARAMETER("_action"));
    judge_repeated("_action=.", "a", 1024, "", PARAMETER("_action"));
    judge_repeated("_draft_id=", "a", 5000, "", PARAMETER("_draft_id"));
    judge_repeated("_task=plugin.", "a", 5000, "", GOOD);
    judge_repeated("_task=mail", "a", 5000, "", PARAMETER("_task"));
    judge_repeated("_action=", "%61", 2000, "", GOOD);
    judge_repeated("_other=", "+", 100000, "&_task=mail", GOOD);
    judge_repeated("_other=", "+", 100000, "&_task=x", PARAMETER("_task"));
}

static void
a_mitigation_waits_for_its_fields(void **state)
{
    (void)state;
    judge("_from=evil!", GOOD);
    judge("_host=x", GOOD);
    judge("_from=evil!&_host=x", MITIGATED("PM-EVIL", "_host"));
    judge("_host=x&_from=very+EVIL%21", MITIGATED("PM-EVIL", "_from"));
    judge("_from=evil&_from=!&_host=x", GOOD);
    judge_on("/app?_task=mail&_host=", urlencoded, BYTES("_from[]=!evil"),
        MITIGATED("PM-EVIL", "_from[]"));
    judge_on("/app?_task=mail&_from=!evil", urlencoded, BYTES("x=y&_HOST"),
        MITIGATED("PM-EVIL", "_HOST"));
    judge("_any=1", GOOD);
    judge("_id=good", GOOD);
    judge("_id=", MITIGATED("PM-SHAPE", "_id"));
    judge("_id=good&_id=b-d", MITIGATED("PM-SHAPE", "_id"));
    /* The mitigation comes first, as it does for the head. */
    rule.parameter_count = 0;
    rule.only_parameters = true;
    judge_on("/app", urlencoded, BYTES("_id=a."), PARAMETER("_id"));
    rule.only_parameters = false;
    judge_on("/app", urlencoded, BYTES("_id=a."), MITIGATED("PM-SHAPE", "_id"));
}

static void
a_mitigation_looks_through_long_values(void **state)
{
    static const struct outcome like = { FAULT_FILTER_MITIGATION, "PM-LIKE", "_like",
        0 };

    (void)state;
    for (unsigned count = 1010; count < 1030; count++) {
        judge_repeated("_host&_from=!", "e", count, "vil",
            MITIGATED("PM-EVIL", "_from"));
        judge_repeated("_host&_from=!", "e", count, "vi", GOOD);
        judge_repeated("_id=", "a", count, "", GOOD);
        judge_repeated("_id=", "a", count, "-", MITIGATED("PM-SHAPE", "_id"));
    }
    judge_repeated("_host&_from=evil", "x", 9000, "!", MITIGATED("PM-EVIL", "_from"));
    judge_repeated("_host&_from=evil!", "x", 9000, "", MITIGATED("PM-EVIL", "_from"));
    judge_repeated("_id=", "a", 2001, "", MITIGATED("PM-SHAPE", "_id"));
    judge("_like=a-b?c-d", like);
    judge("_like=ab?cd", like);
    judge("_like=ab?c", GOOD);
    judge_repeated("_like=a", "x", 2000, "B?C.d", like);
    judge_repeated("_like=ab?c", "x", 2000, "D", like);
    judge_repeated("_like=ab?c", "x", 2000, "", GOOD);
    judge_repeated("_like=xab?c", "x", 2000, "d", GOOD);
    judge_repeated("_like=a", "x", 2000, "d", GOOD);
}

static void
loose_bodies_are_read_as_servers_read_them(void **state)
{
    (void)state;
    rule.form = FORM_LOOSE;
    rule.only_parameters = true;
    judge("<?xml version=\"1.0\"?>\n<spell a='%'>100% &amp; \"&#xe4;</spell>", GOOD);
    judge("<x y='&_task=settings", PARAMETER("_task"));
    judge("<x>\0%&_tas%6b=%", PARAMETER("_task"));
    judge("_task%00&", PARAMETER("_task"));
    judge("_task%00.x=mail", GOOD);
    judge("\1%0_task=mail%&_action=%4", PARAMETER("_action"));
    judge("_action=a%4", PARAMETER("_action"));
    judge_repeated("", "+", 300, "_task=x", PARAMETER("_task"));
    judge_repeated("_task[", "x", 300, "]=x",
        PARAMETER("a field whose name is no word"));
    judge_repeated("a", "&a=b", 2000, "&_task=x", PARAMETER("_task"));
    judge_repeated("", "a", 3000, "", GOOD);
    judge("_host&_from=evil!", MITIGATED("PM-EVIL", "_from"));
}

static const struct when choosers[] = {
    { WORD("_do"), WORDS(WORD("list"), WORD("plugin.*")), false },
    { WORD("_no"), { NULL, 0 }, true },
    { WORD("*:method"), { NULL, 0 }, true }, /* SOPE: a button that leads elsewhere */
};

static void
what_chose_the_rule_is_not_overruled(void **state)
{
    static const char target[] = "/app?_task=mail&_do=list";

    (void)state;
    rule.when = choosers;
    rule.when_count = 3;
    judge_on(target, urlencoded, BYTES("x:methods=y:method&method"), GOOD);
    judge_on(target, urlencoded, BYTES("x%3Amethod=Go"), PARAMETER("x:method"));
    judge_on(target, urlencoded, BYTES("_do=list&_do=plugin.x&x=y"), GOOD);
    judge_on(target, urlencoded, BYTES("_do=send"), PARAMETER("_do"));
    judge_on(target, urlencoded, BYTES("_do=list&.do[]=send"), PARAMETER(".do[]"));
    judge_on(target, urlencoded, BYTES("_no="), PARAMETER("_no"));
    rule.form = FORM_LOOSE;
    rule.parameter_count = 0;
    judge_on(target, urlencoded, BYTES("%&_do=send"), PARAMETER("_do"));
    rule.form = FORM_CHECKED;
    judge_on(target, urlencoded, BYTES("_do=list&_task=x&_host&_from=evil!"), GOOD);
    judge_on(target, urlencoded, BYTES("_do=send"), PARAMETER("_do"));
    judge_on(target, multipart, BYTES(FIELD("name=\"_do\"", "send") "--b--\r\n"),
        PARAMETER("_do"));
}

static const struct when closed_when[] = {
    { WORD("_do"), WORDS(WORD("install"), WORD("plugin.*")), false },
    { WORD("_no"), { NULL, 0 }, true },
    { WORD("_how"), WORDS(WORD(""), WORD("all")), false },
};

#define DENIED(part)                                                                   \
    (struct outcome)                                                                   \
    {                                                                                  \
        FAULT_FILTER_PATH_DENIED, "D1", (part), 0                                      \
    }

static const struct path_rule deny_rule = {
    .id = "D1",
    .action = RULE_DENY,
    .paths = WORDS(WORD("/app")),
    .when = closed_when,
};
static const struct bytes elsewhere[] = { WORD("/other") };

/* The deny rule D1 stands in front of `rule`, which has no wishes of its own. */
static void
close_app(struct path_rule rules[2], unsigned when_count)
{
    rules[0] = deny_rule;
    rules[0].when_count = when_count;
    rules[1] = read_rule;
    rules[1].parameter_count = 0;
    policy.rules = rules;
    policy.rule_count = 2;
    policy.mitigation_count = 0;
}

static void
what_is_closed_in_the_query_is_closed_in_a_form(void **state)
{
    static const char target[] = "/app?a=b";
    struct path_rule rules[2];

    (void)state;
    close_app(rules, 1);
    judge_on(target, urlencoded, BYTES("x=install&_do=list&_dont=install"), GOOD);
    judge_on(target, urlencoded, BYTES("x=y&_do=install"), DENIED("_do"));
    judge_on(target, urlencoded, BYTES("_do=list&+_do%5B]=%69nstall&x"),
        DENIED(" _do[]"));
    judge_repeated("_do=install", "x", 2000, "", GOOD);
    judge_repeated("_do=plugin.", "x", 2000, "", DENIED("_do"));
    judge_on(target, multipart, BYTES(FIELD("name=\"_do\"", "install") "--b--\r\n"),
        DENIED("_do"));
    judge_on(target, multipart,
        BYTES(FIELD("name=\"_do\"; filename=\"x\"", "install") "--b--\r\n"), GOOD);
    rules[1].form = FORM_LOOSE;
    judge_on(target, urlencoded, BYTES("<\1%&_do=install"), DENIED("_do"));
    rules[1].form = FORM_CHECKED;
    judge_on(target, urlencoded, BYTES("_do=install"), DENIED("_do"));
}

static void
query_and_form_close_together(void **state)
{
    struct path_rule rules[2];

    (void)state;
    close_app(rules, 3);
    judge_on("/app", urlencoded, BYTES("_do=install"), GOOD);
    judge_on("/app", urlencoded, BYTES("_how=none&_do=install&_how"), DENIED("_how"));
    judge_on("/app?_how=", urlencoded, BYTES("x=y&_do=install"), DENIED("_do"));
    judge_on("/app?_do=install", urlencoded, BYTES("_how=all"), DENIED("_how"));
    judge_on("/app?_do=install&_no=1", urlencoded, BYTES("_how=all"), GOOD);
    rules[0].report_only_until = NOW + 1;
    judge_on("/app?_do=install", urlencoded, BYTES("_how=all&_how=all"),
        ((struct outcome){ FAULT_NONE, "", "", 1 }));
    rules[0].report_only_until = 0;
    rules[0].paths.words = elsewhere;
    judge_on("/app?_do=install", urlencoded, BYTES("_how=all"), GOOD);
}

static void
without_a_rule_mitigations_still_look(void **state)
{
    (void)state;
    policy.has_model = false;
    judge("\1%&_host&_from=evil!", MITIGATED("PM-EVIL", "_from"));
    judge("_task=settings&_host", GOOD);
    judge_on("/else", urlencoded, BYTES("_host&_from=evil!"), GOOD);
    policy.has_model = true;
    rule.form = FORM_CHECKED;
    judge("_host&_from=evil!&_task=x", GOOD);
    judge("_host&_from=%", MALFORMED("a malformed escape"));
    rule.form = FORM_READ;
    policy.mitigation_count = 0;
    rule.parameter_count = 0;
    judge("_host&_from=evil!&_task=x", GOOD);
}

static void
report_only_rules_report_once(void **state)
{
    (void)state;
    rule.report_only_until = NOW + 1;
    mitigations[2].report_only_until = NOW + 1;
    judge("_task=a&_task=b&_action=.&_id=.",
        ((struct outcome){ FAULT_NONE, "", "", 2 }));
    judge_on("/app", urlencoded, BYTES("a=b"),
        ((struct outcome){ FAULT_NONE, "", "", 1 }));
    rule.report_only_until = NOW;
    judge("_task=a", PARAMETER("_task"));
    rule.report_only_until = 0;
    policy.model_reports_only = true;
    policy.report_only_until = NOW + 1;
    judge("_task=a", ((struct outcome){ FAULT_NONE, "", "", 1 }));
}

static void
memory_is_bounded_and_asked_for(void **state)
{
    struct judged judged = { .source = { .ss_family = AF_UNSPEC } };
    struct path_rule rules[2];
    struct finding finding;
    size_t used, cost;

    (void)state;
    close_app(rules, 3);
    rules[1] = read_rule;
    policy.mitigation_count = 4;
    judged_read(&judged, &policy, "POST /app?_task=mail", urlencoded);
    filter_judge(&judged.input, &judged.verdict);
    used = judged.arena.used;
    assert_non_null(upload_new(&judged.input, &judged.verdict, &finding));
    assert_true(judged.arena.used - used < 5 * 1024);
    used = judged.arena.used; /* what is worked out once is there now */
    assert_non_null(upload_new(&judged.input, &judged.verdict, &finding));
    cost = judged.arena.used - used;
    for (size_t room = 0; room + 16 <= cost; room += 8) {
        judged.arena.limit = judged.arena.used + room;
        assert_null(upload_new(&judged.input, &judged.verdict, &finding));
        assert_fault(finding.fault, FAULT_MEMORY);
    }
    arena_clear(&judged.arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fields_are_judged_as_the_query_is, setup),
        cmocka_unit_test_setup(names_are_read_as_the_server_does, setup),
        cmocka_unit_test_setup(what_is_not_listed_may_be_closed, setup),
        cmocka_unit_test_setup(a_required_field_may_come_in_either_place, setup),
        cmocka_unit_test_setup(fields_of_multipart_bodies_count, setup),
        cmocka_unit_test_setup(a_form_in_another_character_set_is_refused, setup),
        cmocka_unit_test_setup(long_values_are_judged_in_windows, setup),
        cmocka_unit_test_setup(a_mitigation_waits_for_its_fields, setup),
        cmocka_unit_test_setup(a_mitigation_looks_through_long_values, setup),
        cmocka_unit_test_setup(loose_bodies_are_read_as_servers_read_them, setup),
        cmocka_unit_test_setup(what_chose_the_rule_is_not_overruled, setup),
        cmocka_unit_test_setup(what_is_closed_in_the_query_is_closed_in_a_form, setup),
        cmocka_unit_test_setup(query_and_form_close_together, setup),
        cmocka_unit_test_setup(without_a_rule_mitigations_still_look, setup),
        cmocka_unit_test_setup(report_only_rules_report_once, setup),
        cmocka_unit_test_setup(memory_is_bounded_and_asked_for, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
