/*
 * The pages: whatever comes from outside is text, no page has a script, all are small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/demo_page.h"

#define PAGE_BYTES ((size_t)10 * 1024)

static struct chunk_queue page;

static int
begin_page(void **state)
{
    (void)state;
    chunk_queue_init(&page, CHUNK_BYTES);
    return 0;
}

static int
end_page(void **state)
{
    (void)state;
    chunk_queue_clear(&page);
    return chunk_pool_lent() == 0 ? 0 : -1;
}

/* What stands in the queue, as a string; valid until the next call. */
static const char *
written(void)
{
    static char text[64 * 1024];

    assert_true(page.length < sizeof text);
    chunk_queue_peek(&page, 0, text, page.length);
    text[page.length] = '\0';
    return text;
}

static void
assert_written(const char *part)
{
    if (strstr(written(), part) == NULL)
        fail_msg("not in the page: %s", part);
}

static void
assert_not_written(const char *part)
{
    if (strstr(written(), part) != NULL)
        fail_msg("in the page: %s", part);
}

static void
markup_in_text_is_escaped(void **state)
{
    (void)state;
    demo_page_escape(&page, BYTES("<b>\"Tom\" & 'Jerry'\x01\x7f\n"));
    assert_string_equal(written(),
        "&lt;b&gt;&quot;Tom&quot; &amp; &#39;Jerry&#39;&#xfffd;&#xfffd;\n");
}

static void
nul_in_text_is_escaped(void **state)
{
    (void)state;
    demo_page_escape(&page, BYTES("a\0b"));
    assert_string_equal(written(), "a&#xfffd;b");
}

static void
file_name_cannot_become_markup(void **state)
{
    struct demo_file file = { .name = "<script>{title}</script>", .bytes = 3 };

    (void)state;
    demo_page_received(&page, &file);
    assert_not_written("<script");
    assert_written("<dd>&lt;script&gt;{title}&lt;/script&gt;</dd>");
}

static void
secrets_are_not_shown(void **state)
{
    struct http_field fields[] = {
        { BYTES("Cookie"), BYTES("__Host-demo=0123"), FIELD_COOKIE },
        { BYTES("X-Forwarded-For"), BYTES("192.0.2.7"), FIELD_X_FORWARDED_FOR },
        { BYTES("Accept"), BYTES("*/*"), FIELD_OTHER },
    };
    const struct http_head head = {
        .method = BYTES("GET"),
        .target = BYTES("/request?<x>"),
        .minor = 1,
        .fields = fields,
        .field_count = 3,
    };

    (void)state;
    demo_page_request(&page, &head, BYTES("TLSv1.3"));
    assert_not_written("0123");
    assert_written("<td>(not shown)</td>");
    assert_written("GET /request?&lt;x&gt; HTTP/1.1");
    assert_written("<tr class=\"ours\"><th scope=\"row\">X-Forwarded-For</th>"
                   "<td>192.0.2.7</td>");
    assert_written("<tr><th scope=\"row\">Accept</th>");
}

static void
refused_login_is_announced(void **state)
{
    (void)state;
    demo_page_login(&page, true);
    assert_written("role=\"alert\"");
    assert_written("<title>Sign-in failed");
}

static void
write_page(unsigned number)
{
    static const struct demo_file file = { .name = "a.txt", .bytes = 1 };

    switch (number) {
    case 0:
        demo_page_login(&page, false);
        break;
    case 1:
        demo_page_mailbox(&page);
        break;
    case 2:
        demo_page_compose(&page);
        break;
    case 3:
        demo_page_received(&page, &file);
        break;
    case 4:
        demo_page_plain(&page, "Not Found", "There is no such page.");
        break;
    case 5:
        demo_page_live_begin(&page);
        demo_page_live_second(&page, 1);
        demo_page_live_end(&page);
        break;
    default:
        demo_page_message(&page, number - 5);
    }
}

static void
all_pages_are_whole_small_and_without_script(void **state)
{
    (void)state;
    for (unsigned number = 0; number <= 5 + DEMO_MESSAGES; number++) {
        write_page(number);
        assert_int_equal(strncmp(written(), "<!doctype html>\n<html lang=\"en\">", 32),
            0);
        assert_written("<title>");
        assert_written("<h1>");
        assert_written("</html>");
        assert_not_written("<script");
        assert_not_written("//");
        assert_not_written("style=");
        assert_true(page.length + demo_page_style().length < PAGE_BYTES);
        chunk_queue_clear(&page);
    }
}

#define WITH_PAGE(test) cmocka_unit_test_setup_teardown(test, begin_page, end_page)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAGE(markup_in_text_is_escaped),
        WITH_PAGE(nul_in_text_is_escaped),
        WITH_PAGE(file_name_cannot_become_markup),
        WITH_PAGE(secrets_are_not_shown),
        WITH_PAGE(refused_login_is_announced),
        WITH_PAGE(all_pages_are_whole_small_and_without_script),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
