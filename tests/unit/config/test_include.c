/*
 * tests/unit/config/test_include.c - several files, one configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/load.h"

static char folder[] = "/tmp/postern-include-XXXXXX";
static struct loaded *loaded;
static struct diagnostics d;

static void
put(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
load_main(void)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/main.yaml", folder);
    loaded_read(loaded, path, &d);
    report_finish(&d);
}

static int
begin(void **state)
{
    char path[256];

    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/conf.d", folder);
    mkdir(path, 0755);
    loaded = require_zeroed(1, sizeof(*loaded));
    diagnostics_init(&d);
    return 0;
}

static int
end(void **state)
{
    static const char *const names[] = { "main.yaml", "conf.d/b.yaml", "conf.d/a.yaml",
        "conf.d", "" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        remove(path);
    }
    diagnostics_fini(&d);
    loaded_fini(loaded);
    free(loaded);
    return 0;
}

#define MAIN                                                                           \
    "version: 1\ninclude: conf.d/*.yaml\nlisteners:\n  l:\n    address: \"*:443\"\n"   \
    "    publish: {t: {upstream: u}}\n"

static void
names_are_joined(void **state)
{
    const struct node *upstreams;

    (void)state;
    put("main.yaml", MAIN);
    put("conf.d/b.yaml", "upstreams: {v: {servers: \"https://v\"}}\n");
    put("conf.d/a.yaml",
        "version: 1\nupstreams: {u: {servers: \"https://u\", bridge: tunnel}}\n");
    load_main();
    assert_int_equal(d.errors, 0);
    assert_int_equal(loaded->list.count, 3);
    upstreams = tree_entry(loaded->root, "upstreams");
    assert_string_equal(upstreams->first->key, "u"); /* in the order of file names */
    assert_string_equal(upstreams->last->key, "v");
    assert_string_equal(strrchr(upstreams->last->key_mark.source->name, '/'),
        "/b.yaml");
}

static void
one_name_in_two_files_shows_both(void **state)
{
    (void)state;
    put("main.yaml", MAIN "upstreams: {u: {servers: \"https://u\", bridge: tunnel}}\n");
    put("conf.d/a.yaml", "upstreams: {u: {servers: \"https://v\"}}\n");
    load_main();
    assert_int_equal(d.errors, 1);
    assert_int_equal(d.count, 2);
    assert_string_equal(d.rows[0].code, "C021");
    assert_string_equal(strrchr(d.rows[0].file, '/'), "/a.yaml");
    assert_string_equal(strrchr(d.rows[1].file, '/'), "/main.yaml");
    assert_int_equal(d.rows[1].line, 7);
}

static void
one_setting_in_two_files_is_refused(void **state)
{
    (void)state;
    put("main.yaml",
        MAIN "drain: 1s\nupstreams: {u: {servers: \"https://u\", bridge: tunnel}}\n");
    put("conf.d/a.yaml", "drain: 2s\n");
    load_main();
    assert_int_equal(d.errors, 1);
    assert_string_equal(d.rows[0].code, "C021");
}

static void
inclusion_ends_there(void **state)
{
    (void)state;
    put("main.yaml", MAIN "upstreams: {u: {servers: \"https://u\", bridge: tunnel}}\n");
    put("conf.d/a.yaml", "include: b.yaml\n");
    load_main();
    assert_int_equal(d.errors, 1);
    assert_string_equal(d.rows[0].code, "C026");
}

static void
another_format_is_refused_everywhere(void **state)
{
    (void)state;
    put("main.yaml", MAIN "upstreams: {u: {servers: \"https://u\", bridge: tunnel}}\n");
    put("conf.d/a.yaml", "version: 2\n");
    load_main();
    assert_int_equal(d.errors, 1);
    assert_string_equal(d.rows[0].code, "C003");
}

static void
no_match_is_no_mistake(void **state)
{
    (void)state;
    put("main.yaml", MAIN "upstreams: {u: {servers: \"https://u\", bridge: tunnel}}\n");
    load_main();
    assert_int_equal(d.errors, 0);
}

static const char *
said(void)
{
    static char text[8192];
    FILE *to = fmemopen(text, sizeof(text), "w");

    assert_non_null(to);
    diagnostics_print(&d, to, false);
    diagnostics_print_json(&d, to);
    fclose(to);
    return text;
}

static void
shows_nothing_of_a_file_that_fewer_may_read(void **state)
{
    char path[256];

    (void)state;
    put("main.yaml", "version: 1\ninclude: [shadow]\n");
    put("shadow", "root:$y$j9T$hash:19000:0:99999:7:::\nversion: geheim\n");
    snprintf(path, sizeof(path), "%s/shadow", folder);
    assert_int_equal(chmod(path, 0600), 0);
    load_main();
    assert_non_null(strstr(said(), "/shadow:1:1: error: "));
    assert_null(strstr(said(), "root"));
    assert_null(strstr(said(), "hash"));
    assert_null(strstr(said(), "geheim"));
}

static void
shows_lines_of_a_file_that_is_as_private_as_the_main_file(void **state)
{
    char path[256];

    (void)state;
    put("main.yaml", "version: 1\ninclude: [more.yaml]\n");
    put("more.yaml", "upstraems: {}\n");
    snprintf(path, sizeof(path), "%s/main.yaml", folder);
    assert_int_equal(chmod(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/more.yaml", folder);
    assert_int_equal(chmod(path, 0600), 0);
    load_main();
    assert_non_null(strstr(said(), "    1 | upstraems: {}\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_joined),
        TEST(one_name_in_two_files_shows_both),
        TEST(one_setting_in_two_files_is_refused),
        TEST(inclusion_ends_there),
        TEST(another_format_is_refused_everywhere),
        TEST(no_match_is_no_mistake),
        TEST(shows_nothing_of_a_file_that_fewer_may_read),
        TEST(shows_lines_of_a_file_that_is_as_private_as_the_main_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
