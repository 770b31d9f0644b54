/*
 * Forms are read the same however the network cuts them, and what is no form is
 * refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/demo_form.h"

#define TYPE "multipart/form-data; boundary=\"a b\""
#define TEXT_PART                                                                      \
    "--a b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhello\r\n"
#define FILE_HEAD                                                                      \
    "--a b\r\ncontent-disposition: form-data; name=\"file\"; "                         \
    "filename=\"a;b\\\"c.txt\"\r\nContent-Type: text/plain\r\n\r\n"
#define END "\r\n--a b--\r\n"

/* SHA-256 of "abc": FIPS 180-2, appendix B.1. */
#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_NOTHING                                                                 \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Feeds `body` in pieces of `piece` bytes. */
static bool
upload(struct bytes body, size_t piece, struct demo_file *file)
{
    struct demo_upload *u = demo_upload_new(BYTES(TYPE));
    bool good = true;

    assert_non_null(u);
    for (size_t at = 0; good && at < body.length; at += piece) {
        size_t left = body.length - at;

        good = demo_upload_add(u, bytes_of(body.at + at, left < piece ? left : piece));
    }
    good = good && demo_upload_end(u, file);
    demo_upload_free(&u);
    assert_null(u);
    return good;
}

static void
file_is_the_same_however_it_is_cut(void **state)
{
    struct bytes body = BYTES("preamble\r\n" TEXT_PART FILE_HEAD "abc" END "epilogue");

    (void)state;
    for (size_t piece = 1; piece <= body.length; piece++) {
        struct demo_file file;

        assert_true(upload(body, piece, &file));
        assert_string_equal(file.name, "a;b\\\"c.txt");
        assert_int_equal(file.bytes, 3);
        assert_string_equal(file.sha256, SHA256_ABC);
    }
}

static void
empty_file_has_no_bytes(void **state)
{
    struct demo_file file;

    (void)state;
    assert_true(upload(BYTES(FILE_HEAD END), 5, &file));
    assert_int_equal(file.bytes, 0);
    assert_string_equal(file.sha256, SHA256_NOTHING);
}

static void
half_boundaries_belong_to_the_file(void **state)
{
    struct demo_file file;

    (void)state;
    assert_true(upload(BYTES(FILE_HEAD "\r\n--a \r\n--a\r\r\n-" END), 1, &file));
    assert_int_equal(file.bytes, strlen("\r\n--a \r\n--a\r\r\n-"));
}

static void
file_larger_than_the_window_is_counted(void **state)
{
    static char body[sizeof(FILE_HEAD) - 1 + 100000 + sizeof(END) - 1];
    struct demo_file file;

    (void)state;
    memset(body, 'x', sizeof body);
    memcpy(body, FILE_HEAD, sizeof(FILE_HEAD) - 1);
    memcpy(body + sizeof body - (sizeof(END) - 1), END, sizeof(END) - 1);
    assert_true(upload(bytes_of(body, sizeof body), 16384, &file));
    assert_int_equal(file.bytes, 100000);
}

static void
only_the_first_file_counts(void **state)
{
    struct demo_file file;

    (void)state;
    assert_true(upload(BYTES(FILE_HEAD "abc\r\n" FILE_HEAD "second" END), 7, &file));
    assert_int_equal(file.bytes, 3);
    assert_string_equal(file.sha256, SHA256_ABC);
}

static void
broken_forms_are_refused(void **state)
{
    const struct bytes broken[] = {
        BYTES(""),
        BYTES("no boundary at all"),
        BYTES(FILE_HEAD "abc"),
        BYTES(FILE_HEAD "abc\r\n--a bX"),
        BYTES(TEXT_PART "--a b--\r\n"),
        BYTES("--a b\r\nContent-Disposition: form-data; filename=\"\"\r\n\r\n" END),
    };
    static char long_head[20000];
    struct demo_file file;

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_false(upload(broken[i], 3, &file));
    memset(long_head, 'x', sizeof long_head);
    memcpy(long_head, "--a b\r\n", 7);
    assert_false(upload(bytes_of(long_head, sizeof long_head), 4096, &file));
}

static void
boundary_must_be_usable(void **state)
{
    (void)state;
    assert_null(demo_upload_new(BYTES("multipart/form-data")));
    assert_null(demo_upload_new(BYTES("multipart/form-data; boundary=")));
    assert_null(demo_upload_new(BYTES("text/plain; boundary=x")));
    assert_null(
        demo_upload_new(BYTES("multipart/form-data; boundary="
                              "01234567890123456789012345678901234567890123456789"
                              "012345678901234567890")));
}

static void
fields_are_found_and_decoded(void **state)
{
    const struct bytes form = BYTES("user=J%C3%B8rn+Dahl&empty=&password=a%26b");
    char value[16];

    (void)state;
    assert_true(demo_form_field(form, "user", value, sizeof value));
    assert_string_equal(value, "J\xc3\xb8rn Dahl");
    assert_true(demo_form_field(form, "password", value, sizeof value));
    assert_string_equal(value, "a&b");
    assert_true(demo_form_field(form, "empty", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(demo_form_field(form, "use", value, sizeof value));
}

static void
fields_that_do_not_fit_or_are_broken_are_refused(void **state)
{
    char value[4];

    (void)state;
    assert_true(demo_form_field(BYTES("a=123"), "a", value, sizeof value));
    assert_false(demo_form_field(BYTES("a=1234"), "a", value, sizeof value));
    assert_false(demo_form_field(BYTES("a=%2"), "a", value, sizeof value));
    assert_false(demo_form_field(BYTES("a=%zz"), "a", value, sizeof value));
    assert_false(demo_form_field(BYTES("a=%00"), "a", value, sizeof value));
    assert_false(demo_form_field(BYTES(""), "a", value, sizeof value));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_the_same_however_it_is_cut),
        cmocka_unit_test(empty_file_has_no_bytes),
        cmocka_unit_test(half_boundaries_belong_to_the_file),
        cmocka_unit_test(file_larger_than_the_window_is_counted),
        cmocka_unit_test(only_the_first_file_counts),
        cmocka_unit_test(broken_forms_are_refused),
        cmocka_unit_test(boundary_must_be_usable),
        cmocka_unit_test(fields_are_found_and_decoded),
        cmocka_unit_test(fields_that_do_not_fit_or_are_broken_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
