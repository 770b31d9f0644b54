/*
 * tests/unit/log/test_event_doc.c - docs/events.md says what the tables say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "log/event_doc.h"

static void
the_page_is_up_to_date(void **state)
{
    char *expected = NULL, *found;
    size_t length = 0, room;
    FILE *page = fopen(EVENTS_PAGE, "r"), *made;

    (void)state;
    if (page == NULL)
        fail_msg("%s is missing", EVENTS_PAGE);
    made = open_memstream(&expected, &length);
    assert_non_null(made);
    event_doc_print(made);
    fclose(made);

    room = length + 2;
    found = malloc(room);
    found[fread(found, 1, room - 1, page)] = '\0';
    fclose(page);
    if (strcmp(found, expected) != 0)
        fail_msg("run: postern events > docs/events.md");
    free(found);
    free(expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_page_is_up_to_date) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
