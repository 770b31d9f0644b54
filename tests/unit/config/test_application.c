/*
 * tests/unit/config/test_application.c - presets, what extends them, and mitigations become the filter's policy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "config/check_application.h"
#include "config/config.h"
#include "config/freeze.h"
#include "config/value.h"
#include "http/url_policy.h"

static struct loaded *loaded;
static struct diagnostics d;
static struct snapshot *s;

static int
begin(void **state)
{
    (void)state;
    loaded = require_zeroed(1, sizeof(*loaded));
    diagnostics_init(&d);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    snapshot_unref(&s);
    diagnostics_fini(&d);
    loaded_fini(loaded);
    free(loaded);
    return 0;
}

static const char small[] =
    "application: small\n"
    "version: \"7\"\n"
    "title: A small webmail\n"
    "path_case: ignored\n"
    "model: true\n"
    "limits: {url: 2KiB, query: 1KiB, header: 16KiB, headers: 40, "
    "fields: {authorization: 8KiB, Cookie: 4KiB}}\n"
    "allow_oddities: [encoded-slash, bad-escape]\n"
    "deny_oddities: [high-bit]\n"
    "methods: [GET, POST]\n"
    "extensions: {allow: [., .php], deny: .exe, refuse_ambiguous: true}\n"
    "deny_in_path: [\"..;\"]\n"
    "deny_in_query: [a, b]\n"
    "headers: {deny: X-Evil, strip: [X-Remote-*], set: {X-Https: \"1\"}, via: false}\n"
    "response: {remove: [X-Debug-*], replace: {Server: webmail}, "
    "set: {X-Content-Type-Options: nosniff, X-Off: \"\"}, "
    "refuse_executables: true}\n"
    "uploads: {deny_extensions: [.exe, .bat]}\n"
    "report_only_until: 2026-12-31\n"
    "pages: [.php, .inc]\n"
    "paths:\n"
    "  SM010:\n"
    "    path: [/, /index.php]\n"
    "    methods: POST\n"
    "    types: [multipart/*]\n"
    "    body: 10MiB\n"
    "    idle: 5m\n"
    "    when: {_task: utils, _mode: [x*, absent, \"\"]}\n"
    "    requires: [X-A, X-B]\n"
    "    parameters:\n"
    "      _task: {one_of: [mail, \"\"], required: true}\n"
    "      _action: {shape: \"[a-z]{1,64}\"}\n"
    "      _id*: {}\n"
    "    only_parameters: true\n"
    "    grammar: owa-service\n"
    "    report_only_until: 2027-01-01\n"
    "    source: index.php\n"
    "  SM020: {path: /installer/**, action: deny, unless_from: 10.0.0.0/8, source: x}\n"
    "  SM030: {path: /sync, files: [.css, .], from: [192.0.2.1, \"fd00::/8\"], "
    "source: x}\n"
    "  SM040: {path: /logs, action: deny, source: x}\n";

static const char larger[] = "application: larger\n"
                             "version: \"8\"\n"
                             "title: More\n"
                             "extends: small\n"
                             "limits: {url: 3KiB}\n"
                             "paths:\n"
                             "  LA010: {path: /more, source: x}\n"
                             "  SM030: {path: /sync2, source: x}\n";

static const char mitigations[] =
    "mitigations:\n"
    "  PM-1:\n"
    "    cve: CVE-2020-1\n"
    "    severity: high\n"
    "    applications: [small]\n"
    "    source: nowhere\n"
    "    when:\n"
    "      - {part: cookie, name: Evil*, test: contains, text: \"~\"}\n"
    "      - {part: url, test: contains_all, words: [one, two]}\n"
    "      - {part: parameter, name: f, test: not_shape, shape: \"[a]{1,9}\"}\n"
    "    vectors: [{url: /x}]\n"
    "    report_only_until: 2026-12-31\n"
    "  PM-2:\n"
    "    severity: low\n"
    "    applications: [larger, any]\n"
    "    source: nowhere\n"
    "    when: [{part: method, test: glob, text: \"*X*\"}]\n"
    "    vectors: [{url: /x}]\n";

/* A configuration that publishes one host with this application. */
static void
load(const char *application)
{
    char text[2048];
    struct source sources[] = {
        { .name = "main.yaml" },
        { .role = SOURCE_PRESET,
            .name = "presets/small.yaml",
            .text = bytes_of_string(small) },
        { .role = SOURCE_PRESET,
            .name = "presets/larger.yaml",
            .text = bytes_of_string(larger) },
        { .role = SOURCE_MITIGATIONS,
            .name = "mitigations.yaml",
            .text = bytes_of_string(mitigations) },
    };

    assert_true((size_t)snprintf(text, sizeof(text),
                    "version: 1\nlisteners: {l: {address: \"*:443\", publish: {m: "
                    "{certificate: /m.pem, upstream: u, application: %s}}}}\n"
                    "upstreams: {u: {servers: https://u}}\n",
                    application) < sizeof(text));
    sources[0].text = bytes_of_string(text);
    loaded_parse_all(loaded, sources, 4, &d);
    for (unsigned i = 0; i < loaded->list.count; i++) /* text does not outlive this */
        loaded->list.sources[i].text =
            bytes_of_string(stash_copy(&loaded->stash, loaded->list.sources[i].text));
}

static const struct filter_policy *
policy_of(const char *application)
{
    load(application);
    if (d.errors > 0)
        fail_msg("%s", d.rows[0].text);
    s = freeze(loaded);
    return s->listeners[0].publishes[0].filter;
}

static void
assert_words(struct word_list list, const char *wanted)
{
    struct bytes rest = bytes_of_string(wanted);
    unsigned i = 0;

    while (rest.length > 0) {
        struct bytes word = bytes_cut(&rest, ' ');

        assert_true(i < list.count);
        assert_true(bytes_equal(list.words[i++], word));
    }
    assert_int_equal(list.count, i);
}

static void
any_is_the_strictness_that_holds_for_all(void **state)
{
    const struct filter_policy *p = policy_of("any");

    (void)state;
    assert_string_equal(p->application, "any");
    assert_string_equal(p->version, "");
    assert_false(p->has_model);
    assert_false(p->ignores_case);
    assert_false(p->model_reports_only);
    assert_int_equal(p->url_bytes, 16 << 10);
    assert_int_equal(p->query_bytes, 16 << 10);
    assert_int_equal(p->header_bytes, 64 << 10);
    assert_int_equal(p->headers, 100);
    assert_int_equal(p->url_oddities, URL_ODDITIES_DEFAULT);
    assert_int_equal(p->query_oddities, URL_QUERY_ODDITIES_DEFAULT);
    assert_int_equal(p->header_limit_count, 0);
    assert_words(p->methods,
        "GET HEAD POST PUT DELETE OPTIONS PATCH PROPFIND PROPPATCH MKCOL COPY MOVE "
        "LOCK "
        "UNLOCK REPORT ACL MKCALENDAR SEARCH");
    assert_int_equal(p->stripped_headers.count, 0);
    assert_false(p->hides_via);
    assert_int_equal(p->rule_count, 0);
    assert_int_equal(p->mitigation_count, 1);
    assert_string_equal(p->mitigations[0].id, "PM-2");
}

static void
a_preset_fills_every_knob(void **state)
{
    const struct filter_policy *p = policy_of("small");

    (void)state;
    assert_string_equal(p->application, "small");
    assert_string_equal(p->version, "7");
    assert_true(p->has_model);
    assert_true(p->ignores_case);
    assert_true(p->model_reports_only);
    assert_int_equal(p->report_only_until, 1798761600);
    assert_int_equal(p->url_bytes, 2 << 10);
    assert_int_equal(p->query_bytes, 1 << 10);
    assert_int_equal(p->header_bytes, 16 << 10);
    assert_int_equal(p->headers, 40);
    assert_int_equal(p->header_limit_count, 2);
    assert_true(bytes_equal(p->header_limits[1].name, BYTES("Cookie")));
    assert_int_equal(p->header_limits[1].bytes, 4 << 10);
    assert_words(p->methods, "GET POST");
    assert_words(p->extensions_allowed, ". .php");
    assert_words(p->extensions_denied, ".exe");
    assert_true(p->refuses_ambiguous_extension);
    assert_words(p->denied_in_path, "..;");
    assert_words(p->denied_in_query, "a b");
    assert_words(p->denied_headers, "X-Evil");
    assert_words(p->stripped_headers, "X-Remote-*");
    assert_true(p->hides_via);
    assert_int_equal(p->set_header_count, 1);
    assert_true(bytes_equal(p->set_headers[0].name, BYTES("X-Https")));
    assert_true(bytes_equal(p->set_headers[0].value, BYTES("1")));
    assert_words(p->removed_response_headers, "X-Debug-*");
    assert_int_equal(p->replaced_response_header_count, 1);
    assert_true(bytes_equal(p->replaced_response_headers[0].value, BYTES("webmail")));
    assert_int_equal(p->added.count, 2);
    assert_true(bytes_equal(p->added.fields[0].value, BYTES("nosniff")));
    assert_true(p->refuses_executables);
    assert_words(p->upload_extensions_denied, ".exe .bat");
}

static void
oddities_are_allowed_everywhere_and_denied_in_the_path(void **state)
{
    const struct filter_policy *p = policy_of("small");

    (void)state;
    assert_int_equal(p->url_oddities,
        (URL_ODDITIES_DEFAULT & ~(URL_HAS_ENCODED_SLASH | URL_HAS_BAD_ESCAPE)) |
            URL_HAS_HIGH_BIT | (p->ignores_case ? URL_HAS_BEST_FIT : 0));
    assert_int_equal(p->query_oddities,
        URL_QUERY_ODDITIES_DEFAULT & ~URL_HAS_BAD_ESCAPE);
}

static void
each_oddity_has_its_word(void **state)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } rows[] = {
        { "double-encoding", URL_HAS_DOUBLE_ENCODING },
        { "nul", URL_HAS_NUL },
        { "line-end", URL_HAS_LINE_END },
        { "control", URL_HAS_CONTROL },
        { "backslash", URL_HAS_BACKSLASH },
        { "encoded-slash", URL_HAS_ENCODED_SLASH },
        { "bad-utf8", URL_HAS_BAD_UTF8 },
        { "dot-segments", URL_HAS_DOT_SEGMENTS },
        { "climbs", URL_CLIMBS },
        { "parameters", URL_HAS_PARAMETERS },
        { "high-bit", URL_HAS_HIGH_BIT },
        { "empty-segments", URL_HAS_EMPTY_SEGMENTS },
        { "unicode-escape", URL_HAS_UNICODE_ESCAPE },
        { "bad-escape", URL_HAS_BAD_ESCAPE },
        { "disguised-dots", URL_HAS_DISGUISED_DOTS },
        { "unescaped", URL_HAS_UNESCAPED },
        { "tab", URL_HAS_TAB },
        { "best-fit", URL_HAS_BEST_FIT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t index = 99;

        assert_int_equal(value_read(schema_setting(SETTING_APPLICATION_DENY_ODDITIES),
                             rows[i].word, &index),
            VALUE_GOOD);
        assert_int_equal(1u << index, rows[i].bit);
        assert_int_equal(value_read(schema_setting(SETTING_APPLICATION_ALLOW_ODDITIES),
                             rows[i].word, &index),
            VALUE_GOOD);
        assert_int_equal(1u << index, rows[i].bit);
    }
}

static void
rules_that_deny_stand_first(void **state)
{
    const struct filter_policy *p = policy_of("small");

    (void)state;
    assert_int_equal(p->rule_count, 4);
    assert_string_equal(p->rules[0].id, "SM020");
    assert_int_equal(p->rules[0].action, RULE_DENY);
    assert_true(p->rules[0].from_is_exception);
    assert_int_equal(p->rules[0].from_count, 1);
    assert_int_equal(p->rules[0].from[0].bits, 96 + 8);
    assert_string_equal(p->rules[1].id, "SM040");
    assert_int_equal(p->rules[1].from_count, 0);
    assert_false(p->rules[1].from_is_exception);
    assert_string_equal(p->rules[2].id, "SM010");
    assert_string_equal(p->rules[3].id, "SM030");
    assert_int_equal(p->rules[3].from_count, 2);
    assert_false(p->rules[3].from_is_exception);
    assert_int_equal(p->rules[3].from[1].bits, 8);
    assert_words(p->rules[3].files, ".css .");
    assert_words(p->pages, ".php .inc");
    assert_int_equal(p->rules[3].when_count, 0);
    assert_int_equal(p->rules[3].methods.count, 0);
    assert_int_equal(p->rules[3].body_bytes, 0);
    assert_int_equal(p->rules[3].idle_ms, 0);
    assert_int_equal(p->rules[3].grammar, GRAMMAR_NONE);
}

static void
a_rule_has_all_that_is_written(void **state)
{
    const struct path_rule *rule = &policy_of("small")->rules[2];

    (void)state;
    assert_string_equal(rule->source, "index.php");
    assert_int_equal(rule->action, RULE_ALLOW);
    assert_words(rule->paths, "/ /index.php");
    assert_words(rule->methods, "POST");
    assert_words(rule->types, "multipart/*");
    assert_words(rule->required_headers, "X-A X-B");
    assert_int_equal(rule->files.count, 0);
    assert_int_equal(rule->when_count, 2);
    assert_true(bytes_equal(rule->when[0].name, BYTES("_task")));
    assert_words(rule->when[0].words, "utils");
    assert_false(rule->when[0].may_be_absent);
    assert_int_equal(rule->when[1].words.count, 2);
    assert_true(bytes_equal(rule->when[1].words.words[0], BYTES("x*")));
    assert_int_equal(rule->when[1].words.words[1].length, 0);
    assert_true(rule->when[1].may_be_absent);
    assert_int_equal(rule->body_bytes, 10 << 20);
    assert_int_equal(rule->idle_ms, 300000);
    assert_true(rule->only_parameters);
    assert_int_equal(rule->grammar, GRAMMAR_OWA_SERVICE);
    assert_int_equal(rule->report_only_until, 1798848000); /* 2027-01-02 */
    assert_int_equal(rule->parameter_count, 3);
    assert_true(rule->parameters[0].required);
    assert_int_equal(rule->parameters[0].value.kind, VALUE_ONE_OF);
    assert_int_equal(rule->parameters[0].value.one_of.count, 2);
    assert_int_equal(rule->parameters[0].value.one_of.words[1].length, 0);
    assert_false(rule->parameters[1].required);
    assert_int_equal(rule->parameters[1].value.kind, VALUE_SHAPE);
    assert_int_equal(rule->parameters[1].value.shape.maximum, 64);
    assert_int_equal(rule->parameters[2].value.kind, VALUE_ANY);
    assert_true(bytes_equal(rule->parameters[2].name, BYTES("_id*")));
}

static void
each_grammar_has_its_word(void **state)
{
    static const char *const words[GRAMMAR_COUNT] = {
        [GRAMMAR_ACTIVESYNC] = "activesync",
        [GRAMMAR_MAPI] = "mapi",
        [GRAMMAR_OWA_SERVICE] = "owa-service",
        [GRAMMAR_EWS] = "ews",
        [GRAMMAR_AUTODISCOVER_JSON] = "autodiscover-json",
        [GRAMMAR_RPC_PROXY] = "rpc-proxy",
    };

    (void)state;
    for (unsigned i = 1; i < GRAMMAR_COUNT; i++) {
        uint64_t index = 99;

        assert_int_equal(
            value_read(schema_setting(SETTING_PATH_RULE_GRAMMAR), words[i], &index),
            VALUE_GOOD);
        assert_int_equal(index + 1, i);
    }
}

static void
a_preset_extends_another(void **state)
{
    const struct filter_policy *p = policy_of("larger");

    (void)state;
    assert_string_equal(p->application, "larger");
    assert_string_equal(p->version, "8");
    assert_int_equal(p->url_bytes, 3 << 10);
    assert_int_equal(p->query_bytes, 1 << 10);
    assert_int_equal(p->rule_count, 5);
    assert_string_equal(p->rules[2].id, "LA010"); /* in front of what it extends */
    assert_string_equal(p->rules[3].id, "SM010");
    assert_string_equal(p->rules[4].id, "SM030"); /* where the replaced one stood */
    assert_words(p->rules[4].paths, "/sync2");
    assert_int_equal(p->rules[4].from_count, 0); /* replaced as a whole */
    assert_int_equal(p->mitigation_count, 2);    /* small's hold, too */
}

static void
a_host_extends_a_preset(void **state)
{
    const struct filter_policy *p =
        policy_of("{extends: larger, path_case: sensitive, methods: [], "
                  "report_only_until: 2026-12-30, limits: {fields: {cookie: 5KiB}}, "
                  "paths: {MY010: {path: /my, source: x}, LA010: {path: /less, source: "
                  "y}}, response: {replace: {server: web}}}");

    (void)state;
    assert_string_equal(p->application, "larger");
    assert_false(p->ignores_case);
    assert_int_equal(p->methods.count, 0);
    assert_int_equal(p->report_only_until, 1798761600 - 86400);
    assert_int_equal(p->url_bytes, 3 << 10);
    assert_int_equal(p->header_limit_count, 2);
    assert_int_equal(p->header_limits[1].bytes, 5 << 10);
    assert_int_equal(p->replaced_response_header_count, 1);
    assert_true(bytes_equal(p->replaced_response_headers[0].value, BYTES("web")));
    assert_int_equal(p->rule_count, 6);
    assert_string_equal(p->rules[2].id, "MY010");
    assert_string_equal(p->rules[3].id, "LA010");
    assert_words(p->rules[3].paths, "/less");
}

static void
paths_count_from_the_prefix(void **state)
{
    const struct filter_policy *p = policy_of("{extends: small, prefix: /webmail}");

    (void)state;
    assert_words(p->rules[0].paths, "/webmail/installer/**");
    assert_words(p->rules[2].paths, "/webmail/ /webmail /webmail/index.php");
}

static void
a_mitigation_has_its_conditions(void **state)
{
    const struct mitigation *m = policy_of("small")->mitigations;

    (void)state;
    assert_string_equal(m->id, "PM-1");
    assert_string_equal(m->cve, "CVE-2020-1");
    assert_string_equal(m->severity, "high");
    assert_string_equal(m->source, "nowhere");
    assert_int_equal(m->report_only_until, 1798761600);
    assert_int_equal(m->condition_count, 3);
    assert_int_equal(m->conditions[0].part, PART_COOKIE);
    assert_int_equal(m->conditions[0].test, TEST_CONTAINS);
    assert_true(bytes_equal(m->conditions[0].name, BYTES("Evil*")));
    assert_true(bytes_equal(m->conditions[0].text, BYTES("~")));
    assert_int_equal(m->conditions[1].part, PART_URL);
    assert_int_equal(m->conditions[1].test, TEST_CONTAINS_ALL);
    assert_words(m->conditions[1].words, "one two");
    assert_int_equal(m->conditions[2].part, PART_PARAMETER);
    assert_int_equal(m->conditions[2].test, TEST_NOT_SHAPE);
    assert_int_equal(m->conditions[2].shape.maximum, 9);
}

/* A child has nothing but the seal. */
static void
crosses_processes_with_its_presets(void **state)
{
    struct snapshot *other;
    struct diagnostics others;
    int fd;

    (void)state;
    policy_of("larger");
    fd = loaded_seal(loaded);
    diagnostics_init(&others);
    other = config_unseal(fd, &others);
    close(fd);
    assert_non_null(other);
    assert_int_equal(other->listeners[0].publishes[0].filter->rule_count, 5);
    assert_int_equal(other->listeners[0].publishes[0].filter->mitigation_count, 2);
    snapshot_unref(&other);
    diagnostics_fini(&others);
}

static void
messages_name_the_file_they_are_about(void **state)
{
    (void)state;
    load("{extends: small, limits: {url: 1}}");
    assert_int_equal(d.errors, 1);
    assert_string_equal(d.rows[0].file, "main.yaml");
    loaded_fini(loaded);
    diagnostics_fini(&d);
    diagnostics_init(&d);
    load("smaller");
    assert_int_equal(d.errors, 1);
    assert_string_equal(d.rows[0].code, "C013");
    assert_non_null(strstr(d.rows[0].hint, "small larger any"));
}

static void
report_only_dates_are_looked_at(void **state)
{
    const int64_t last_day = 1798761600 - 1; /* 2026-12-31T23:59:59Z */

    (void)state;
    load("small");
    presets_check_dates(&loaded->presets, loaded->root, last_day);
    assert_int_equal(d.count, 0);
    presets_check_dates(&loaded->presets, loaded->root, last_day + 1);
    assert_int_equal(d.count, 1);
    assert_string_equal(d.rows[0].code, "S012");
    assert_string_equal(d.rows[0].file, "presets/small.yaml");
    check_dates(loaded->mitigations, last_day + 1, &d);
    assert_int_equal(d.warnings, 2);
    assert_int_equal(d.errors, 0);
    presets_check_dates(&loaded->presets, loaded->root, last_day - 500 * 86400);
    assert_string_equal(d.rows[d.count - 1].code, "N003");
    assert_int_equal(d.warnings, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_is_the_strictness_that_holds_for_all),
        TEST(a_preset_fills_every_knob),
        TEST(oddities_are_allowed_everywhere_and_denied_in_the_path),
        TEST(each_oddity_has_its_word),
        TEST(rules_that_deny_stand_first),
        TEST(a_rule_has_all_that_is_written),
        TEST(each_grammar_has_its_word),
        TEST(a_preset_extends_another),
        TEST(a_host_extends_a_preset),
        TEST(paths_count_from_the_prefix),
        TEST(a_mitigation_has_its_conditions),
        TEST(crosses_processes_with_its_presets),
        TEST(messages_name_the_file_they_are_about),
        TEST(report_only_dates_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
