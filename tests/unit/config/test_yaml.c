/*
 * tests/unit/config/test_yaml.c - bytes to a tree, with the right places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "config/yaml.h"

static struct stash stash;
static struct diagnostics d;
static struct source source;

static struct node *
read_text(const char *text)
{
    source = (struct source){ .name = "x.yaml", .text = bytes_of_string(text) };
    return yaml_read(&source, &stash, &d);
}

static int
begin(void **state)
{
    (void)state;
    stash_init(&stash);
    diagnostics_init(&d);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    diagnostics_fini(&d);
    stash_fini(&stash);
    return 0;
}

static void
builds_maps_lists_and_texts(void **state)
{
    const struct node *root = read_text("a: 1\nb:\n  - x\n  - {y: \"z w\"}\nc:\n"), *b,
                      *item;

    (void)state;
    assert_non_null(root);
    assert_int_equal(d.count, 0);
    assert_string_equal(tree_entry(root, "a")->text, "1");
    b = tree_entry(root, "b");
    assert_int_equal(b->kind, NODE_LIST);
    assert_string_equal(b->first->text, "x");
    item = tree_entry(b->last, "y");
    assert_string_equal(item->text, "z w");
    assert_true(item->quoted);
    assert_false(b->first->quoted);
    assert_string_equal(tree_entry(root, "c")->text, "");
    assert_null(tree_entry(root, "d"));
}

static void
points_at_bytes_quotes_included(void **state)
{
    const struct node *root =
        read_text("\xc3\xa9: \"\xc3\xbc\" # c\nb: 'q'\nlong:\n  in: 12345\n");
    const struct node *node = root->first;

    (void)state;
    assert_int_equal(node->key_mark.column, 1);
    assert_int_equal(node->key_mark.length, 2);
    assert_int_equal(node->mark.column, 5);
    assert_int_equal(node->mark.length, 4);
    assert_int_equal(node->next->mark.line, 2);
    assert_int_equal(node->next->mark.column, 4);
    assert_int_equal(node->next->mark.length, 3);
    node = tree_entry(tree_entry(root, "long"), "in");
    assert_int_equal(node->mark.line, 4);
    assert_int_equal(node->mark.column, 7);
    assert_int_equal(node->mark.length, 5);
}

static void
types_are_not_its_business(void **state)
{
    const struct node *root = read_text("a: NO\nb: 0443\nc: ~\nd: 12:30:45\n");

    (void)state;
    assert_string_equal(tree_entry(root, "a")->text, "NO");
    assert_string_equal(tree_entry(root, "b")->text, "0443");
    assert_string_equal(tree_entry(root, "c")->text, "~");
    assert_string_equal(tree_entry(root, "d")->text, "12:30:45");
}

/* Each is refused with the code and at the place given. */
static void
refuses(const char *text, const char *code, unsigned line, unsigned column)
{
    begin(NULL);
    read_text(text);
    if (d.errors == 0)
        fail_msg("accepted: %s", text);
    report_finish(&d);
    if (strcmp(d.rows[0].code, code) != 0 || d.rows[0].line != line ||
        d.rows[0].column != column)
        fail_msg("%s: %s at %u:%u", text, d.rows[0].code, d.rows[0].line,
            d.rows[0].column);
    end(NULL);
}

static void
refuses_what_is_not_our_language(void **state)
{
    (void)state;
    refuses("a: &x 1\n", "C004", 1, 5);
    refuses("a: *:443\n", "C004", 1, 4);
    refuses("a: [b, *c]\n", "C004", 1, 8);
    refuses("a: !!str 1\n", "C004", 1, 4);
    refuses("a: 1\n<<: {b: 1}\n", "C004", 2, 1);
    refuses("a: 1\n---\nb: 1\n", "C004", 2, 1);
    refuses("[a]: 1\n", "C010", 1, 1);
    refuses("? {a: 1}\n: 2\n", "C010", 1, 3);
    refuses("- a\n", "C010", 1, 1);
    refuses("just text\n", "C010", 1, 1);
    refuses("", "C010", 0, 0);
    refuses("# comment\n", "C010", 0, 0);
}

static void
shows_both_places_of_a_duplicate(void **state)
{
    (void)state;
    read_text("a: 1\nb: 2\na: 3\n");
    report_finish(&d);
    assert_int_equal(d.errors, 1);
    assert_int_equal(d.count, 2);
    assert_string_equal(d.rows[0].code, "Y002");
    assert_int_equal(d.rows[0].line, 3);
    assert_int_equal(d.rows[1].severity, SEVERITY_NOTE);
    assert_int_equal(d.rows[1].line, 1);
}

static void
points_at_the_opening_quote(void **state)
{
    (void)state;
    refuses("a: \"abc\nb: 1\n", "Y001", 1, 4);
    refuses("a: 'abc\nb: 1\n", "Y001", 1, 4);
    refuses("a: \"abc", "Y001", 1, 4);
    refuses("\xc3\xa9: \"abc", "Y001", 1, 5);
    refuses("a: [1, 2\n", "Y001", 1, 4);
    refuses("a: [1, 2\nb: 3\n", "Y001", 1, 4);
    refuses("a:\n\tb: 1\n", "Y001", 2, 1);
}

static void
bounds_depth_and_width(void **state)
{
    char text[64 * 1024] = "a: ";
    size_t length = 3;

    (void)state;
    memset(text + length, '[', 1000);
    refuses(text, "Y004", 1, 19);
    length = 0;
    for (int i = 0; i <= YAML_ENTRIES_MAX + 1; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "a%d: 1\n", i);
    refuses(text, "Y004", 1, 1);
}

static void
knows_texts_of_many_lines(void **state)
{
    const struct node *root = read_text("a: |\n  one\n  two\nb: \"x\n  y\"\n");

    (void)state;
    assert_string_equal(tree_entry(root, "a")->text, "one\ntwo\n");
    assert_true(tree_entry(root, "a")->last_line >= 3);
    assert_string_equal(tree_entry(root, "b")->text, "x y");
    assert_int_equal(tree_entry(root, "b")->last_line, 5);
    assert_int_equal(tree_entry(root, "b")->mark.length, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(builds_maps_lists_and_texts, begin, end),
        cmocka_unit_test_setup_teardown(points_at_bytes_quotes_included, begin, end),
        cmocka_unit_test_setup_teardown(types_are_not_its_business, begin, end),
        cmocka_unit_test(refuses_what_is_not_our_language),
        cmocka_unit_test_setup_teardown(shows_both_places_of_a_duplicate, begin, end),
        cmocka_unit_test(points_at_the_opening_quote),
        cmocka_unit_test(bounds_depth_and_width),
        cmocka_unit_test_setup_teardown(knows_texts_of_many_lines, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
