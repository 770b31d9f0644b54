/*
 * tests/unit/config/test_schema.c - the table keeps its own promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "config/report.h"
#include "config/schema.h"
#include "config/value.h"

static void
every_default_is_a_value_in_range(void **state)
{
    (void)state;
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *s = schema_setting((enum setting_id)id);
        bool countable = s->type == TYPE_NUMBER || s->type == TYPE_FLAG ||
            s->type == TYPE_DURATION || s->type == TYPE_SIZE || s->type == TYPE_CHOICE;
        uint64_t number;

        if (schema_has_value(s) && countable &&
            value_read(s, s->initial, &number) != VALUE_GOOD)
            fail_msg("%s: the default '%s' is refused", s->key, s->initial);
    }
}

static void
every_setting_is_required_or_has_a_default(void **state)
{
    (void)state;
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *s = schema_setting((enum setting_id)id);

        if (s->type != TYPE_BLOCK && s->required != (s->initial == NULL))
            fail_msg("%s: required or a default, not both and not neither", s->key);
        if (s->type == TYPE_CHOICE && (s->detail == NULL || s->detail[0] == '\0'))
            fail_msg("%s: a choice without choices", s->key);
        if (strlen(s->text) < 10 || s->text[strlen(s->text) - 1] != '.')
            fail_msg("%s: no sentence of documentation", s->key);
    }
}

static void
names_are_found_once(void **state)
{
    (void)state;
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *s = schema_setting((enum setting_id)id);

        assert_ptr_equal(s->key[0] == '\0' ? s : schema_find(s->block, s->key), s);
        assert_false(schema_is_later(s->block, s->key));
        assert_null(schema_refusal(s->block, s->key));
    }
    assert_null(schema_find(BLOCK_FILE, "certificate"));
}

static void
later_words_are_known_by_name(void **state)
{
    const struct setting *to = schema_setting(SETTING_LOG_TO);

    (void)state;
    assert_true(schema_is_later(BLOCK_FILE, "logins"));
    assert_false(schema_is_later(BLOCK_LOG, "logins"));
    assert_true(schema_value_is_later(to, "journal"));
    assert_true(schema_value_is_later(to, "syslog+tls://siem:6514"));
    assert_false(schema_value_is_later(to, "journald"));
    assert_false(schema_value_is_later(schema_setting(SETTING_LOG_FORMAT), "journal"));
}

/* http/ works without a configuration, on its own default; both must say the same. */
static void
limits_are_those_of_http(void **state)
{
    const struct http_limits http = HTTP_LIMITS_DEFAULT;

    (void)state;
    assert_int_equal(value_default(schema_setting(SETTING_LIMITS_HEAD)),
        http.head_bytes);
    assert_int_equal(value_default(schema_setting(SETTING_LIMITS_TARGET)),
        http.target_bytes);
    assert_int_equal(value_default(schema_setting(SETTING_LIMITS_FIELDS)), http.fields);
    assert_int_equal(value_default(schema_setting(SETTING_LIMITS_FIELD_NAME)),
        http.name_bytes);
    assert_int_equal(value_default(schema_setting(SETTING_LIMITS_FIELD_VALUE)),
        http.value_bytes);
}

/* One place tells people, the other tells the filter. */
static void
the_usual_methods_are_those_of_the_table(void **state)
{
    static const char table[] = "GET"
#define METHOD(name, source) " " name
#include "config/method.def"
#undef METHOD
        ;
    const char *text = schema_setting(SETTING_APPLICATION_METHODS)->initial;
    const char *list = strstr(text, "GET ");

    (void)state;
    assert_non_null(list);
    /* "GET GET HEAD ... SEARCH" against "GET HEAD ... SEARCH)" */
    assert_int_equal(strlen(list) - 1, strlen(table) - 4);
    assert_memory_equal(list, table + 4, strlen(table) - 4);
}

/* ActiveSync's longest poll (MS-ASCMD, HeartbeatInterval) must not be cut. */
static void
idle_outlives_an_activesync_poll(void **state)
{
    (void)state;
    assert_true(value_default(schema_setting(SETTING_PUBLISH_IDLE)) > 59 * 60 * 1000);
}

static void
codes_are_unique_and_documented(void **state)
{
    (void)state;
    for (int a = 0; a < CODE_COUNT; a++) {
        assert_int_equal(strlen(code_name((enum code)a)), 4);
        assert_true(strlen(code_meaning((enum code)a)) > 10);
        assert_true(strlen(code_remedy((enum code)a)) > 2);
        for (int b = a + 1; b < CODE_COUNT; b++)
            assert_string_not_equal(code_name((enum code)a), code_name((enum code)b));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_a_value_in_range),
        cmocka_unit_test(every_setting_is_required_or_has_a_default),
        cmocka_unit_test(names_are_found_once),
        cmocka_unit_test(later_words_are_known_by_name),
        cmocka_unit_test(limits_are_those_of_http),
        cmocka_unit_test(the_usual_methods_are_those_of_the_table),
        cmocka_unit_test(idle_outlives_an_activesync_poll),
        cmocka_unit_test(codes_are_unique_and_documented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
