/*
 * tests/unit/base/test_note.c - a note is short, ended, and may be unwanted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/note.h"

static void
a_note_replaces_and_is_cut(void **state)
{
    struct note note;

    (void)state;
    note_set(&note, "%d certificates for %s", 2, "mail.example.org");
    assert_string_equal(note.text, "2 certificates for mail.example.org");
    note_set(&note, "%s", "");
    assert_string_equal(note.text, "");
    note_set(&note, "%01000d", 1);
    assert_int_equal(strlen(note.text), NOTE_BYTES - 1);
    note_set(NULL, "nobody wants to know");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_replaces_and_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
