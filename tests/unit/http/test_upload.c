/*
 * tests/unit/http/test_upload.c - request bodies, looked into while they stream past.
 *
 * Each body is fed whole, byte by byte and in threes; the verdict is always the same.
 */
#include "http_test.h"

#include <stdlib.h>

#include "http/head.h"
#include "http/upload.h"

#define PROGRAM                                                                        \
    "\x7f"                                                                             \
    "ELF\x02\x01\x01"
#define PART(head, data) "--b\r\n" head "\r\n\r\n" data "\r\n"
#define FIELD(name, data)                                                              \
    PART("Content-Disposition: form-data; name=\"" name "\"", data)
#define FILE_PART(name, type, data)                                                    \
    PART("Content-Disposition: form-data; name=\"f\"; filename=\"" name                \
         "\"\r\nContent-Type: " type,                                                  \
        data)
#define LAST "--b--\r\n"

static const char multipart[] = "multipart/form-data; boundary=b";
static const char form[] = "application/x-www-form-urlencoded; charset=UTF-8";

static const struct bytes words[] = { { ".exe", 4 }, { ".php", 4 } };
static struct filter_policy policy;
static struct path_rule rule;
static struct filter_verdict verdict;
static struct arena arena;
static struct upload *upload;
static struct finding finding;

static int
setup(void **state)
{
    (void)state;
    policy = (struct filter_policy){ .has_model = true,
        .upload_extensions_denied = { words, 2 } };
    arena_init(&arena, 64 * 1024);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    arena_clear(&arena);
    assert_int_equal(chunk_pool_lent(), 0);
    return 0;
}

static void
begin(const char *type)
{
    struct http_field field = { .name = BYTES("Content-Type"),
        .value = bytes_of_string(type),
        .id = FIELD_CONTENT_TYPE };
    struct http_head head = { .fields = &field,
        .field_count = 1,
        .framing = { .kind = HTTP_CHUNKED } };
    struct filter_input input = { .policy = &policy, .head = &head, .arena = &arena };

    arena_clear(&arena);
    verdict = (struct filter_verdict){ .rule = policy.has_model ? &rule : NULL };
    upload = upload_new(&input, &verdict, &finding);
}

/* Memory of just the piece's size, so that a sanitizer sees one byte too many. */
static void
feed(struct bytes body, size_t step)
{
    while (body.length > 0) {
        size_t length = body.length < step ? body.length : step;
        char *piece = require_alloc(length);

        memcpy(piece, body.at, length);
        upload_feed(upload, bytes_of(piece, length), &finding);
        free(piece);
        body = bytes_of(body.at + length, body.length - length);
    }
    upload_end(upload, &finding);
}

static void
judge(const char *type, struct bytes body, enum fault fault, const char *part)
{
    static const size_t steps[] = { 1, 3, SIZE_MAX };

    for (unsigned i = 0; i < 3; i++) {
        begin(type);
        assert_non_null(upload);
        feed(body, steps[i]);
        assert_fault(finding.fault, fault);
        assert_bytes(finding.part, part);
    }
}

#define passes(literal) judge(multipart, BYTES(literal), FAULT_NONE, "")
#define refuses(literal, flaw)                                                         \
    judge(multipart, BYTES(literal), FAULT_FILTER_UPLOAD_FORM, flaw)

static void
what_browsers_send_passes(void **state)
{
    (void)state;
    passes(LAST);
    passes("--b--");
    passes(FIELD("_token", "x") FIELD("_empty", "") LAST);
    passes(FILE_PART("a.pdf", "application/pdf", "%PDF-1.7 ...") LAST);
    passes(FILE_PART("", "application/octet-stream", "") LAST);
    passes(PART("content-disposition:form-data ; name=f ;filename=a.txt", "x") LAST);
    passes(PART("Content-Transfer-Encoding: binary\r\nX-Other: \t\"y\r\n"
                "Content-Disposition: form-data; name=f",
        "x") LAST);
    judge("Multipart/Form-Data; charset=UTF-8; boundary=\"a (b):'c'\"",
        BYTES("--a (b):'c'--"), FAULT_NONE, "");
}

/* Data of which we hold back what may be a boundary, and count every byte. */
#define ALMOST "\r\n--\r\n-\n-\r\r\n\n--c--b\r--b\r\n-\r"

static void
data_that_begins_like_a_boundary_is_data(void **state)
{
    unsigned count;

    (void)state;
    passes(FILE_PART("a", "x/y", ALMOST) LAST);
    assert_int_equal(upload_files(upload, &count)->bytes, sizeof ALMOST - 1);
    passes(FILE_PART("a", "x/y", "-\r\n-\r\n") LAST);
    assert_int_equal(upload_files(upload, &count)->bytes, 6);
    passes(FILE_PART("a", "x/y", "--") LAST);
    assert_int_equal(upload_files(upload, &count)->bytes, 2);
}

static void
a_body_with_two_readings_is_refused(void **state)
{
    (void)state;
    refuses("", "no last boundary");
    refuses(FIELD("a", "x"), "no last boundary");
    refuses("--b-", "no last boundary");
    refuses("--b--\r", "no last boundary");
    refuses("x--b--", "something before the first boundary");
    refuses("\r\n--b--", "something before the first boundary");
    refuses("--b--x", "something behind the last boundary");
    refuses("--b--\r\nx", "something behind the last boundary");
    refuses("--b \r\n", "something behind a boundary");
    refuses("--b\n", "something behind a boundary");
    refuses("--b-\r\n", "something behind a boundary");
    refuses(FIELD("a", "x\r\n--bc") LAST, "something behind a boundary");
    refuses(FIELD("a", "x\n--b") LAST, "a boundary without a CRLF of its own");
    refuses("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--",
        "a boundary without a CRLF of its own");
}

static void
the_head_of_a_part_is_strict(void **state)
{
    (void)state;
    refuses(PART("Content-Disposition: form-data; name=a\nX: y", ""),
        "a bare line feed in the head of a part");
    refuses("--b\r\n\n", "a bare line feed in the head of a part");
    refuses(PART("Content-Disposition: form-data\r\n ; name=a", ""),
        "a folded line in the head of a part");
    refuses(PART("Content-Disposition: form-data; name=\"a\0\"", ""),
        "a control character in the head of a part");
    refuses(PART("X: \r y", ""), "a control character in the head of a part");
    refuses(PART("X", ""), "a line without a field in the head of a part");
    refuses(PART("X : y", ""), "a line without a field in the head of a part");
    refuses("--b\r\n\r\nx\r\n" LAST, "a part without a name");
    refuses(PART("Content-Type: a/b", "x"), "a part without a name");
    refuses(PART("Content-Disposition: form-data; filename=x", ""),
        "a part without a name");
    refuses(PART("Content-Disposition: form-data; name=a\r\n"
                 "Content-Disposition: form-data; name=a",
                ""),
        "two Content-Disposition in a part");
    refuses(PART("Content-Type: a/b\r\nContent-Type: a/b", ""),
        "two Content-Type in a part");
    refuses(PART("Content-Disposition: attachment; name=a", ""),
        "a Content-Disposition other than form-data");
    refuses(PART("Content-Type: multipart/mixed; boundary=c", ""),
        "a part that has parts itself");
    refuses(FILE_PART("a.mhtml", "multipart/related; BOUNDARY=c", ""),
        "a part that has parts itself");
    refuses(PART("Content-Type: multipart/related\r\n"
                 "Content-Disposition: form-data; name=a",
                ""),
        "a part that has parts itself");
    passes(FILE_PART("a.mhtml", "multipart/related", "From: <Saved>") LAST);
    passes(FILE_PART("a.eml", "message/rfc822", "From: kim") LAST);
    refuses(PART("Content-Transfer-Encoding: base64", ""), "an encoded part");
}

static void
a_disposition_with_two_readings_is_refused(void **state)
{
    static const char *const values[] = {
        "name=a;",
        "name=a; name=b",
        "name=a; filename=x; FileName=y",
        "name=a; size=3",
        "name=a; filename*0=x",
        "name=a b",
        "name",
        "name=",
        "name =a",
        "name=\"a",
        "name=\"a\"b",
        "name=\"a\\\"\"; filename=\"x.exe\"",
        "name=\"a\\\"; filename=b",
        "name=a'b",
        "name='; x=\"'; filename=x.exe; y=\"",
        "name=a; filename*=\"UTF-8''x\"",
    };
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int length = snprintf(body, sizeof body,
            "--b\r\nContent-Disposition: form-data; %s\r\n\r\n", values[i]);

        judge(multipart, bytes_of(body, (size_t)length), FAULT_FILTER_UPLOAD_FORM,
            "a Content-Disposition that can be read in two ways");
    }
}

static void
a_content_type_without_one_legal_boundary_is_refused(void **state)
{
    static const char *const types[] = {
        "multipart/form-data",
        "multipart/form-data;",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; charset=xboundary; boundary=a",
        "multipart/form-data; x-boundary=a; boundary=b",
        "multipart/form-data, x; boundary=b",
        "multipart/form-data; boundary=a b",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=\"a;b\"",
        "multipart/form-data; boundary=\"a\xe4\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        begin(types[i]);
        assert_null(upload);
        assert_fault(finding.fault, FAULT_FILTER_UPLOAD_FORM);
    }
    begin("multipart/form-data; boundary="
          "1234567890123456789012345678901234567890123456789012345678901234567890");
    assert_non_null(upload);
    begin("multipart/form-data; boundary="
          "12345678901234567890123456789012345678901234567890123456789012345678901");
    assert_null(upload);
}

/* `count` times the same text, between two others; free it. */
static struct bytes
repeated(const char *before, const char *text, size_t count, const char *after)
{
    size_t unit = strlen(text), first = strlen(before), length = first + count * unit;
    char *at = require_alloc(length + strlen(after) + 1);

    memcpy(at, before, first);
    for (size_t i = 0; i < count; i++)
        memcpy(at + first + i * unit, text, unit);
    memcpy(at + length, after, strlen(after) + 1);
    return bytes_of_string(at);
}

static void
judge_repeated(const char *type, struct bytes body, const char *flaw)
{
    judge(type, body, flaw[0] == '\0' ? FAULT_NONE : FAULT_FILTER_UPLOAD_FORM, flaw);
    free((void *)(uintptr_t)body.at);
}

static void
parts_fields_and_lines_are_counted(void **state)
{
    const char *disposition = "--b\r\nContent-Disposition: form-data; name=a\r\n";
    const char *line = "--b\r\nContent-Disposition: form-data; name=";
    size_t room = 862 - (strlen(line) - strlen("--b\r\n"));

    (void)state;
    judge_repeated(multipart, repeated("", FIELD("a", ""), 1024, LAST), "");
    judge_repeated(multipart, repeated("", FIELD("a", ""), 1025, LAST),
        "more than 1024 parts");
    judge_repeated(multipart, repeated(disposition, "X: y\r\n", 15, "\r\n\r\n" LAST),
        "");
    judge_repeated(multipart, repeated(disposition, "X: y\r\n", 16, "\r\n\r\n" LAST),
        "too many fields in the head of a part");
    judge_repeated(multipart, repeated(line, "x", room, "\r\n\r\n\r\n" LAST), "");
    judge_repeated(multipart, repeated(line, "x", room + 1, "\r\n\r\n\r\n" LAST),
        "the head of a part is too long");
}

static void
the_head_of_a_part_is_4_kib_at_most(void **state)
{
    const char *end = "Content-Disposition: form-data; name=a\r\n\r\n";
    struct bytes line = repeated("X: ", "x", 503, "\r\n"); /* 508 bytes */
    size_t padding = 4096 - 7 * line.length - strlen(end);

    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        struct bytes more = repeated("X", "x", padding - 4 + extra,
            ":\r\nContent-Disposition: "
            "form-data; name=a\r\n\r\n\r\n" LAST);

        judge_repeated(multipart, repeated("--b\r\n", line.at, 7, more.at),
            extra == 0 ? "" : "the head of a part is too long");
        free((void *)(uintptr_t)more.at);
    }
    free((void *)(uintptr_t)line.at);
}

static void
names_are_judged(void **state)
{
    (void)state;
    judge(multipart, BYTES(FILE_PART("C:\\x\\Setup.EXE", "a/b", "")),
        FAULT_FILTER_UPLOAD_NAME, "C:\\x\\Setup.EXE");
    assert_string_equal(finding.rule, "uploads.deny_extensions");
    judge(multipart, BYTES(FILE_PART("../x.txt", "a/b", "")), FAULT_FILTER_UPLOAD_NAME,
        "../x.txt");
    assert_string_equal(finding.rule, "uploads");
    judge(multipart,
        BYTES(PART("Content-Disposition: form-data; name=a; filename=x.txt; "
                   "filename*=utf-8'en'%78%2ephp",
            "")),
        FAULT_FILTER_UPLOAD_NAME, "x.php");
    refuses(PART("Content-Disposition: form-data; name=a; filename*=UTF-16''x", ""),
        "a filename* that is not UTF-8 or ISO-8859-1");
    refuses(PART("Content-Disposition: form-data; name=a; filename*=UTF-8'x", ""),
        "a filename* that is not UTF-8 or ISO-8859-1");
    refuses(PART("Content-Disposition: form-data; name=a; filename*=UTF-8'''x", ""),
        "a filename* that is not UTF-8 or ISO-8859-1");
    passes(FIELD("x.exe", "not a file") LAST);
}

static void
false_friends_are_refused(void **state)
{
    static const struct {
        const char *declared, *start;
        bool is_refused;
    } rows[] = {
        { "image/png", PROGRAM, true },
        { "IMAGE/JPEG; x=y", "#!/bin/sh\n", true },
        { "image/gif", " \r\n<HTML>", true },
        { "audio/mpeg", "<?php", true },
        { "video/mp4", PROGRAM, true },
        { "font/woff2", PROGRAM, true },
        { "application/pdf", "\xef\xbb\xbf<!DOCTYPE html>", true },
        { "text/plain", PROGRAM, true },
        { "text/x-sh", "#!/bin/sh\n", false },
        { "text/plain", "<html>", false },
        { "application/octet-stream", PROGRAM, false },
        { "application/x-sh", "#!/bin/sh\n", false },
        { "image/png", "GIF89a", false },
        { "application/pdf", "PK\x03\x04", false },
        { "image/svg+xml", "<svg", false },
        { "image/png", "plain text", false },
        { "video/mp2t", "#!/usr/bin/env ts-node\n", false },
        { "Video/MP2T", "import x from 'y'\n", false },
        { "video/vnd.dlna.mpeg-tts", "#!/usr/bin/env -S deno run\n", false },
        { "video/mp2t", "<html>", true },
        { "video/mp2t", PROGRAM, true },
        { "video/mp2tx", "#!/bin/sh\n", true },
        { "image/png", "", false },
    };
    char body[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int length = snprintf(body, sizeof body, FILE_PART("n", "%s", "%s") LAST,
            rows[i].declared, rows[i].start);
        bool is_refused = rows[i].is_refused;

        judge(multipart, bytes_of(body, (size_t)length),
            is_refused ? FAULT_FILTER_UPLOAD_TYPE : FAULT_NONE, is_refused ? "n" : "");
    }
    passes(
        PART("Content-Disposition: form-data; name=a; filename=x", "#!/bin/sh") LAST);
    passes(PART("Content-Disposition: form-data; name=a\r\nContent-Type: image/png",
        "#! not a file") LAST);
}

static void
a_long_false_friend_is_refused_before_it_ends(void **state)
{
    struct bytes head = BYTES("--b\r\nContent-Type: image/png\r\nContent-Disposition: "
                              "form-data; name=a; filename=x.png\r\n\r\n" PROGRAM);
    char rest[64 - sizeof PROGRAM + 1] = { 0 };

    (void)state;
    begin(multipart);
    upload_feed(upload, head, &finding);
    upload_feed(upload, bytes_of(rest, sizeof rest - 1), &finding);
    assert_fault(finding.fault, FAULT_NONE);
    upload_feed(upload, BYTES("\0"), &finding);
    assert_fault(finding.fault, FAULT_FILTER_UPLOAD_TYPE);
    upload_feed(upload, BYTES("\r\n" LAST), &finding);
    assert_fault(finding.fault, FAULT_FILTER_UPLOAD_TYPE);
    upload_end(upload, &finding);
    assert_fault(finding.fault, FAULT_FILTER_UPLOAD_TYPE);
    assert_bytes(finding.part, "x.png");
}

static void
files_are_told(void **state)
{
    const struct upload_file *files;
    unsigned count;

    (void)state;
    passes(FILE_PART("a", "text/plain", "12") FIELD("b", "x")
            FILE_PART("c", "image/png; x=y", "\x89PNG\r\n\x1a\n") LAST);
    files = upload_files(upload, &count);
    assert_int_equal(count, 2);
    assert_string_equal(files[0].name, "a");
    assert_string_equal(files[0].declared, "text/plain");
    assert_string_equal(files[0].real, "");
    assert_int_equal(files[0].bytes, 2);
    assert_string_equal(files[1].declared, "image/png");
    assert_string_equal(files[1].real, "image/png");
    assert_int_equal(files[1].bytes, 8);

    passes(FILE_PART("1", "a/b", "") FILE_PART("2", "a/b", "") FILE_PART("3", "a/b", "")
            FILE_PART("4", "a/b", "x") FIELD("f", "")
                PART("Content-Disposition: form-data; name=a; filename=5", "") LAST);
    files = upload_files(upload, &count);
    assert_int_equal(count, UPLOAD_FILES_MAX);
    assert_string_equal(files[2].name, "3");
    assert_string_equal(files[3].name, "5");
    assert_string_equal(files[3].declared, "");
    assert_int_equal(files[3].bytes, 0);
}

static void
long_names_and_types_are_cut(void **state)
{
    struct upload_file file;
    struct bytes name =
        repeated("\r\nContent-Disposition: form-data; name=a; filename=", "y",
            sizeof file.name, "\r\n\r\n\r\n" LAST);

    (void)state;
    judge_repeated(multipart,
        repeated("--b\r\nContent-Type: ", "x", sizeof file.declared, name.at), "");
    free((void *)(uintptr_t)name.at);
    file = upload_files(upload, &(unsigned){ 0 })[0];
    assert_int_equal(strlen(file.name), sizeof file.name - 1);
    assert_int_equal(strlen(file.declared), sizeof file.declared - 1);
}

static void
forms_are_walked(void **state)
{
    static const char control[] = "a control character in the name of a field";

    (void)state;
    judge(form, BYTES(""), FAULT_NONE, "");
    judge(form, BYTES("a=b&_mbox=INBOX&c=%20%0a+=&&=x&%41"), FAULT_NONE, "");
    judge(form, BYTES("a=\t\xc3\xa4"), FAULT_NONE, "");
    judge(form, BYTES("a=%0"), FAULT_FILTER_UPLOAD_FORM, "a malformed escape");
    judge(form, BYTES("a=%"), FAULT_FILTER_UPLOAD_FORM, "a malformed escape");
    judge(form, BYTES("a=%4&b"), FAULT_FILTER_UPLOAD_FORM, "a malformed escape");
    judge(form, BYTES("%zz=1"), FAULT_FILTER_UPLOAD_FORM, "a malformed escape");
    judge(form, BYTES("a%00=1"), FAULT_FILTER_UPLOAD_FORM, control);
    judge(form, BYTES("a&%7f=1"), FAULT_FILTER_UPLOAD_FORM, control);
    judge(form, BYTES("a=b\0c"), FAULT_FILTER_UPLOAD_FORM, "a control character");
    judge(form, BYTES("a\r\n=b"), FAULT_FILTER_UPLOAD_FORM, "a control character");
    judge_repeated(form, repeated("a=", "x", 10000, ""), "");
    judge_repeated(form, repeated("a=b&", "%41", 256, "=x"), "");
    judge_repeated(form, repeated("a=b&", "%41", 257, "=x"),
        "the name of a field is too long");
    judge_repeated(form, repeated("", "a", 257, ""), "the name of a field is too long");
    judge_repeated(form, repeated("a=b", "&a=b", 999, ""), "");
    judge_repeated(form, repeated("a=b", "&a=b", 1000, ""), "too many fields");
}

static void
other_bodies_need_no_inspection(void **state)
{
    struct http_head head = { .field_count = 0 };

    (void)state;
    begin("application/json");
    assert_null(upload);
    assert_fault(finding.fault, FAULT_NONE);
    assert_null(upload_new(
        &(struct filter_input){ .policy = &policy, .head = &head, .arena = &arena },
        &verdict, &finding));
    assert_fault(finding.fault, FAULT_NONE);
    policy.has_model = false;
    begin(form);
    assert_null(upload);
    assert_fault(finding.fault, FAULT_NONE);
    begin(multipart);
    assert_non_null(upload);
}

/* org.apache.commons.fileupload.FileUploadBase.isMultipartContent asks for no more. */
static void
other_multipart_types_are_looked_into_alike(void **state)
{
    static const char *const types[] = { "multipart/mixed; boundary=b",
        "Multipart/X-Mixed-Replace;boundary=\"b\"",
        "multipart/related; type=\"text/xml\"; start=\"<a@b>\"; boundary=b" };
    const struct bytes named = BYTES(FILE_PART("x.exe", "image/png", "MZ") LAST);
    const struct bytes disguised = BYTES(FILE_PART("x.png", "image/png", PROGRAM) LAST);
    const struct bytes attached = BYTES(
        PART("Content-Disposition: attachment; size=3; filename=x.php", "x") LAST);
    const struct bytes soap = BYTES(PART("Content-Type: text/xml\r\nContent-ID: <a@b>",
        "<x/>") PART("Content-Type: a/b\r\nContent-Disposition: inline", "x") LAST);
    const struct bytes nested =
        BYTES(PART("Content-Type: multipart/mixed; boundary=c", "--c--") LAST);

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        judge(types[i], named, FAULT_FILTER_UPLOAD_NAME, "x.exe");
        judge(types[i], disguised, FAULT_FILTER_UPLOAD_TYPE, "x.png");
        judge(types[i], attached, FAULT_FILTER_UPLOAD_NAME, "x.php");
        judge(types[i], soap, FAULT_NONE, "");
        judge(types[i], nested, FAULT_FILTER_UPLOAD_FORM,
            "a part that has parts itself");
        judge(types[i], BYTES(FIELD("a", "b") LAST), FAULT_NONE, "");
    }
    begin("multipart/mixed; boundary=b; boundary=c");
    assert_fault(finding.fault, FAULT_FILTER_UPLOAD_FORM);
    begin("multipart/related"); /* a file .mhtml, as it is */
    assert_null(upload);
    assert_fault(finding.fault, FAULT_NONE);
}

static void
memory_is_bounded_and_asked_for(void **state)
{
    (void)state;
    begin(multipart);
    assert_true(arena.used <= 2048);
    arena_clear(&arena);
    arena_init(&arena, 1024);
    begin(multipart);
    assert_null(upload);
    assert_fault(finding.fault, FAULT_MEMORY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_browsers_send_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(data_that_begins_like_a_boundary_is_data, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_body_with_two_readings_is_refused, setup,
            teardown),
        cmocka_unit_test_setup_teardown(the_head_of_a_part_is_strict, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disposition_with_two_readings_is_refused,
            setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_content_type_without_one_legal_boundary_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(parts_fields_and_lines_are_counted, setup,
            teardown),
        cmocka_unit_test_setup_teardown(the_head_of_a_part_is_4_kib_at_most, setup,
            teardown),
        cmocka_unit_test_setup_teardown(names_are_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(false_friends_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_false_friend_is_refused_before_it_ends,
            setup, teardown),
        cmocka_unit_test_setup_teardown(files_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(long_names_and_types_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(forms_are_walked, setup, teardown),
        cmocka_unit_test_setup_teardown(other_bodies_need_no_inspection, setup,
            teardown),
        cmocka_unit_test_setup_teardown(other_multipart_types_are_looked_into_alike,
            setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_bounded_and_asked_for, setup,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
