/*
 * tests/unit/config/test_pin.c - fingerprints in all the ways that tools show them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "config/pin.h"

/* SHA-256 of nothing. */
#define BASE64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define COLONS                                                                         \
    "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:"   \
    "99:1B:78:52:B8:55"

static void
reads_base64_and_hexadecimal(void **state)
{
    static const char *const texts[] = { "sha256/" BASE64, "sha256/" HEX,
        "sha256/" COLONS };
    char text[PIN_TEXT_BYTES];
    struct tls_pin pin;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_null(pin_read(texts[i], &pin));
        assert_string_equal(pin_print(&pin, text), "sha256/" BASE64);
        assert_string_equal(pin_print_hex(&pin, text), COLONS);
    }
}

static void
says_what_to_write(void **state)
{
    static const struct {
        const char *text, *hint; /* part of it */
    } rows[] = {
        { BASE64, "write sha256/ before it" },
        { COLONS, "write sha256/ before it" },
        { "sha256/", "openssl x509" },
        { "sha256/x", "openssl x509" },
        { "sha256/" HEX "00", "openssl x509" },
        { "sha256/" COLONS ":", "openssl x509" },
        { "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", "openssl x509" },
        { "sha256/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", "openssl x509" },
        { "DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09", "SHA-1" },
        { "sha1/da39a3ee5e6b4b0d3255bfef95601890afd80709", "openssl x509" },
        { "da39a3ee5e6b4b0d3255bfef95601890afd80709", "SHA-1" },
    };
    struct tls_pin pin;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *hint = pin_read(rows[i].text, &pin);

        if (hint == NULL || strstr(hint, rows[i].hint) == NULL)
            fail_msg("%s: %s", rows[i].text, hint == NULL ? "is taken" : hint);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_base64_and_hexadecimal),
        cmocka_unit_test(says_what_to_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
