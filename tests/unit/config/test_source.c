/*
 * tests/unit/config/test_source.c - which bytes a YAML reader gets to see, and where lines are.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/source.h"

static struct mark mark;

static const char *
flaw_of(const char *text, size_t length)
{
    struct source source = { .name = "x", .text = bytes_of(text, length) };

    return source_flaw(&source, &mark);
}

#define FLAW(literal) flaw_of(literal, sizeof(literal) - 1)

static void
lets_good_text_pass(void **state)
{
    (void)state;
    assert_null(FLAW(""));
    assert_null(FLAW("a: 1\r\nb:\t2\n"));
    assert_null(FLAW("\xef\xbb\xbf"
                     "a: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x92\n"));
}

static void
refuses_bytes_that_are_no_text(void **state)
{
    (void)state;
    assert_non_null(FLAW("a\0b"));
    assert_non_null(FLAW("a\rb"));
    assert_non_null(FLAW("a\r"));
    assert_non_null(FLAW("\x1b[31m"));
    assert_non_null(FLAW("\x7f"));
    assert_non_null(FLAW("\xc2\x9b"
                         "31m")); /* CSI as one character */
}

static void
refuses_what_is_not_utf8(void **state)
{
    (void)state;
    assert_non_null(FLAW("\x80"));
    assert_non_null(FLAW("\xc0\x80"));         /* over-long */
    assert_non_null(FLAW("\xe0\x9f\xbf"));     /* over-long */
    assert_non_null(FLAW("\xed\xa0\x80"));     /* surrogate */
    assert_non_null(FLAW("\xf0\x8f\xbf\xbf")); /* over-long */
    assert_non_null(FLAW("\xf4\x90\x80\x80")); /* beyond U+10FFFF */
    assert_non_null(FLAW("\xf5\x80\x80\x80"));
    assert_non_null(FLAW("\xe2\x82")); /* cut off */
    assert_non_null(FLAW("\xe2\x28\xa1"));
}

static void
says_where(void **state)
{
    (void)state;
    assert_non_null(FLAW("ab\ncd\xff"));
    assert_int_equal(mark.line, 2);
    assert_int_equal(mark.column, 3);
}

static void
bounds_the_size(void **state)
{
    char *text = malloc(SOURCE_BYTES_MAX + 1);

    (void)state;
    for (size_t i = 0; i <= SOURCE_BYTES_MAX; i++)
        text[i] = ' ';
    assert_null(flaw_of(text, SOURCE_BYTES_MAX));
    assert_non_null(flaw_of(text, SOURCE_BYTES_MAX + 1));
    free(text);
}

static void
finds_lines_and_columns(void **state)
{
    struct source source = { .name = "x", .text = BYTES("one\r\nz\xc3\xbcri: b\n") };
    struct mark made;

    (void)state;
    assert_true(bytes_equal(source_line(&source, 1), BYTES("one")));
    assert_true(bytes_equal(source_line(&source, 2), BYTES("z\xc3\xbcri: b")));
    assert_int_equal(source_line(&source, 3).length, 0);
    assert_int_equal(source_line(&source, 9).length, 0);
    assert_int_equal(source_column(&source, 2, 3),
        4); /* the third character is the fourth byte */
    made = source_mark(&source, 12, 14, 2);
    assert_int_equal(made.column, 8);
    assert_int_equal(made.length, 1); /* not past the end of the line */
}

static void
refuses_what_is_no_file(void **state)
{
    struct source source;
    struct stash stash;

    (void)state;
    stash_init(&stash);
    assert_false(source_read(&source, "/", &stash));
    assert_false(source_read(&source, "/dev/zero", &stash));
    assert_string_equal(source_error(errno), "it is not an ordinary file");
    assert_false(source_read(&source, "/nowhere/postern.yaml", &stash));
    assert_string_equal(source_error(errno), strerror(ENOENT));
    stash_fini(&stash);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_good_text_pass),
        cmocka_unit_test(refuses_bytes_that_are_no_text),
        cmocka_unit_test(refuses_what_is_not_utf8),
        cmocka_unit_test(says_where),
        cmocka_unit_test(bounds_the_size),
        cmocka_unit_test(finds_lines_and_columns),
        cmocka_unit_test(refuses_what_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
