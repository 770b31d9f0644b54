/*
 * tests/unit/http/test_upload_name.c - names of files that may and may not be uploaded.
 */
#include "http_test.h"

#include "http/upload_name.h"

static const struct bytes words[] = { { ".exe", 4 }, { ".php", 4 }, { ".com", 4 },
    { ".htaccess", 9 } };
static const struct word_list denied = { words, 4 };

static void
ordinary_names_pass(void **state)
{
    static const char *const names[] = {
        "",
        "report.pdf",
        "README",
        "C:\\fakepath\\report.pdf",
        "folder/Bericht f\xc3\xbcr M\xc3\xa4rz.docx",
        "archive.tar.gz",
        "www.example.com.pdf",
        "exe",
        "php.txt",
        "100%.txt",
        "100%2",
        "a..b.txt",
        "x.exe.d/readme.txt",
        "...and so on.txt",
        "x. exe",
        "q&a 'quoted' =?.txt",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (upload_name_judge(&denied, bytes_of_string(names[i])) != NULL)
            fail_msg("%s was refused", names[i]);
}

static void
denied_extensions_are_found_wherever_a_server_finds_them(void **state)
{
    static const char *const names[] = {
        "setup.exe",
        "Setup.EXE",
        "photo.jpg.exe",
        "shell.php.jpg",
        "x.pHp.",
        "x.exe . .",
        "x.php::$DATA",
        "x.php;.jpg",
        "x.exe/",
        "d/x.exe\\/",
        "C:\\x\\y.exe",
        "run.com",
        ".htaccess",
        "x%2ephp",
        "x.ph%70",
        "x.txt%2f.exe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *knob = upload_name_judge(&denied, bytes_of_string(names[i]));

        if (knob == NULL)
            fail_msg("%s passed", names[i]);
        assert_string_equal(knob, "uploads.deny_extensions");
    }
}

static void
control_characters_and_climbing_are_refused(void **state)
{
    static const struct bytes names[] = {
        { "a\0b", 3 },
        { "a\x7f", 2 },
        { "a\tb", 3 },
        { "a%00.txt", 8 },
        { "a%0d%0ab", 8 },
        { "..", 2 },
        { "../x", 4 },
        { "..\\x", 4 },
        { "x/../y", 6 },
        { "x/..", 4 },
        { "x\\.. /y", 7 },
        { ". ./x", 5 },
        { "%2e%2e/x", 8 },
        { "..%5cx", 6 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *knob = upload_name_judge(&denied, names[i]);

        if (knob == NULL)
            fail_msg("%.*s passed", BYTES_ARG(names[i]));
        assert_string_equal(knob, "uploads");
    }
}

static void
a_dot_alone_means_names_without_an_extension(void **state)
{
    static const struct bytes dot[] = { { ".", 1 } };
    static const struct word_list no_extension = { dot, 1 };

    (void)state;
    assert_non_null(upload_name_judge(&no_extension, BYTES("README")));
    assert_non_null(upload_name_judge(&no_extension, BYTES("README.")));
    assert_null(upload_name_judge(&no_extension, BYTES("a.b")));
    assert_null(upload_name_judge(&no_extension, BYTES("a.b.c")));
}

static void
escapes_are_decoded_once(void **state)
{
    char room[UPLOAD_NAME_BYTES];

    (void)state;
    assert_bytes(upload_name_decode(BYTES("%41%2562%zz%4"), room), "A%62%zz%4");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_names_pass),
        cmocka_unit_test(denied_extensions_are_found_wherever_a_server_finds_them),
        cmocka_unit_test(control_characters_and_climbing_are_refused),
        cmocka_unit_test(a_dot_alone_means_names_without_an_extension),
        cmocka_unit_test(escapes_are_decoded_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
