/*
 * tests/unit/http/test_scan.c - the byte classes are those that the RFCs print.
 */
#include "http_test.h"

#include "http/scan.h"

#define ALNUM "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define PCHAR ALNUM "-._~!$&'()*+,;=:@"

static void
check_class(enum scan_class class, const char *members)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        bool must = byte != 0 && strchr(members, (int)byte) != NULL;

        if (class == SCAN_TEXT)
            must = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        if (scan_is((char)byte, class) != must)
            fail_msg("byte %02x in class %d", byte, (int)class);
    }
}

static void
classes_hold_what_the_rfcs_print(void **state)
{
    (void)state;
    check_class(SCAN_TOKEN, "!#$%&'*+-.^_`|~" ALNUM);
    check_class(SCAN_TARGET, PCHAR "/?[]%");
    check_class(SCAN_HEX, "0123456789abcdefABCDEF");
    check_class(SCAN_HOST, ALNUM "-._");
    check_class(SCAN_UNRESERVED, ALNUM "-._~");
    check_class(SCAN_PATH, PCHAR);
    check_class(SCAN_UNESCAPED, "|^`{}\\");
    check_class(SCAN_TEXT, "");
}

/* Eight bytes at a time must see what one at a time sees, wherever it stands. */
static void
text_ends_at_the_first_control(void **state)
{
    char text[40];

    (void)state;
    for (unsigned byte = 0; byte < 256; byte++)
        for (size_t at = 0; at < sizeof text; at++) {
            bool is_text = scan_is((char)byte, SCAN_TEXT);

            memset(text, 0xe4, sizeof text);
            text[at] = (char)byte;
            assert_ptr_equal(scan_text(text, text + sizeof text),
                text + (is_text ? sizeof text : at));
        }
}

static void
hex_digits_have_their_values(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(scan_hex("0123456789abcdef"[i]), i);
        assert_int_equal(scan_hex("0123456789ABCDEF"[i]), i);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_hold_what_the_rfcs_print),
        cmocka_unit_test(text_ends_at_the_first_control),
        cmocka_unit_test(hex_digits_have_their_values),
    };

    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
