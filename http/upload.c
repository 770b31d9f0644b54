/*
 * http/upload.c - looking into a request body while it streams past.
 *
 * Takes what http/multipart.c finds and decides what it means: which parts are files,
 * how they are called, what they claim to be and what they are. Does no I/O and does
 * not know who feeds it. Owns nothing; lives in the exchange's arena.
 *
 * Trust: the bytes come from the network.
 */
#include "http/upload.h"

#include "http/body_kind.h"
#include "http/form_judge.h"
#include "http/form_walk.h"
#include "http/magic.h"
#include "http/mime.h"
#include "http/multipart.h"
#include "http/scan.h"
#include "http/upload_name.h"

/* What the head of a part has said so far. */
enum part_flag {
    PART_HAS_DISPOSITION = 1,
    PART_HAS_TYPE = 2,
    PART_HAS_NAME = 4,
    PART_HAS_FILE_NAME = 8,
    PART_HAS_EXTENDED_FILE_NAME = 16,
    PART_HAS_CHARSET = 32, /* one in which its bytes are not what they look like */
    PART_IS_MULTIPART = 64,
};

struct upload {
    const struct filter_policy *policy;
    struct form_judge *judge; /* of the fields; NULL: nobody asks for them */
    struct finding found;     /* the first fault is the one that counts */
    bool is_form;
    bool is_mail;  /* multipart, and not form-data: parts may be as mails have them */
    bool is_field; /* the present part is one, and no file */
    unsigned part; /* enum part_flag */
    unsigned file_count;
    unsigned start_bytes;
    struct upload_file *file; /* of the present part, or NULL */
    struct upload_file files[UPLOAD_FILES_MAX];
    char declared[sizeof((struct upload_file *)0)
                      ->declared]; /* may come before the name */
    char start[MAGIC_BYTES];
    union {
        struct multipart multipart;
        struct form_walk form;
    } walk;
};

_Static_assert(sizeof(struct upload) <= 2048, "an upload costs 2 KiB");
_Static_assert(MULTIPART_LINE_BYTES <= UPLOAD_NAME_BYTES, "a name fits its room");

static const struct finding nothing = { .fault = FAULT_NONE };

static struct finding
malformed(const char *flaw)
{
    return (struct finding){ .fault = FAULT_FILTER_UPLOAD_FORM,
        .rule = "uploads",
        .part = bytes_of_string(flaw) };
}

static struct finding
refuse_file(const struct upload_file *file, enum fault fault, const char *rule)
{
    return (struct finding){ .fault = fault,
        .rule = rule,
        .part = bytes_of_string(file->name) };
}

/* The text up to a NUL or to what fits. */
static void
keep_text(char *to, size_t size, struct bytes text)
{
    const char *nul = text.length == 0 ? NULL : memchr(text.at, '\0', text.length);
    size_t length = nul == NULL ? text.length : (size_t)(nul - text.at);

    if (length >= size)
        length = size - 1;
    if (length > 0)
        memcpy(to, text.at, length);
    to[length] = '\0';
}

/*
 * Nothing but charset may stand beside the boundary: PHP takes the first "boundary" that
 * occurs anywhere in the field.
 */
static bool
read_boundary(struct bytes parameters, bool is_mail, struct bytes *boundary)
{
    struct mime_parameter parameter;
    enum mime_found found;

    *boundary = BYTES("");
    while ((found = mime_next(&parameters, &parameter)) == MIME_PARAMETER) {
        bool is_boundary = bytes_equal_nocase(parameter.name, BYTES("boundary"));

        if (is_boundary
                ? boundary->length > 0
                : !(is_mail || bytes_equal_nocase(parameter.name, BYTES("charset"))) ||
                    bytes_contains_nocase(parameter.value, BYTES("boundary")))
            return false;
        if (is_boundary)
            *boundary = parameter.value;
    }
    return found == MIME_END;
}

static struct finding
begin_multipart(struct upload *upload, struct bytes content_type)
{
    struct bytes boundary;
    struct bytes type = mime_word(&content_type);

    upload->is_mail = !bytes_has_prefix_nocase(type, BYTES("multipart/form-data"));
    if (!(upload->is_mail || bytes_equal_nocase(type, BYTES("multipart/form-data"))) ||
        !read_boundary(content_type, upload->is_mail, &boundary) ||
        !multipart_begin(&upload->walk.multipart, boundary))
        return malformed("a Content-Type without one legal boundary");
    return nothing;
}

/*
 * What a server decodes otherwise than we do would be judged as something that it is not:
 * some read a form in the character set that its type names, EBCDIC and UTF-16 too.
 */
static bool
is_plain_charset(struct bytes charset)
{
    static const char *const plain[] = { "utf-8", "utf8", "us-ascii", "iso-8859-1",
        "iso-8859-15", "windows-1252" };

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (bytes_equal_nocase(charset, bytes_of_string(plain[i])))
            return true;
    return false;
}

static bool
has_plain_charset(struct bytes content_type)
{
    struct mime_parameter parameter;

    if (!bytes_contains_nocase(content_type, BYTES("charset")))
        return true;
    mime_word(&content_type);
    while (mime_next(&content_type, &parameter) == MIME_PARAMETER)
        if (bytes_equal_nocase(parameter.name, BYTES("charset")))
            return is_plain_charset(parameter.value) &&
                !bytes_contains_nocase(content_type, BYTES("charset"));
    return false;
}

static bool
is_encoded(const struct http_head *head)
{
    for (unsigned i = 0; i < head->field_count; i++)
        if (bytes_equal_nocase(head->fields[i].name, BYTES("Content-Encoding")) &&
            !bytes_equal_nocase(head->fields[i].value, BYTES("identity")))
            return true;
    return false;
}

static struct finding
begin(struct upload *upload, const struct http_head *head)
{
    struct bytes type = http_head_field(head, FIELD_CONTENT_TYPE)->value;

    if (is_encoded(head))
        return malformed("a form under a Content-Encoding");
    if (upload->judge != NULL && !has_plain_charset(type))
        return malformed("a form in another character set");
    return upload->is_form ? nothing : begin_multipart(upload, type);
}

/* Nobody knows that it is a form: see form_judge.h. */
static bool
is_loose(const struct path_rule *rule)
{
    return rule == NULL || rule->form == FORM_LOOSE;
}

struct upload *
upload_new(const struct filter_input *input, struct filter_verdict *verdict,
    struct finding *finding)
{
    enum body_kind kind = body_kind_of(input->head);
    bool is_form = kind == BODY_FORM;
    struct form_judge *judge;
    struct upload *upload;

    *finding = nothing;
    if (!is_form && kind != BODY_MULTIPART)
        return NULL;
    judge = form_judge_new(input, verdict, finding);
    if (finding->fault != FAULT_NONE ||
        (is_form && judge == NULL && is_loose(verdict->rule)))
        return NULL;
    upload = arena_take(input->arena, sizeof *upload);
    if (upload == NULL) {
        finding->fault = FAULT_MEMORY;
        return NULL;
    }
    *upload =
        (struct upload){ .policy = input->policy, .judge = judge, .is_form = is_form };
    if (is_form)
        upload->walk.form.is_loose = is_loose(verdict->rule);
    *finding = begin(upload, input->head);
    return finding->fault == FAULT_NONE ? upload : NULL;
}

/* The record of the present part, which is a file. */
static struct upload_file *
file_of_part(struct upload *upload)
{
    if (upload->file == NULL) {
        unsigned last = UPLOAD_FILES_MAX - 1;

        upload->file =
            &upload->files[upload->file_count < last ? upload->file_count : last];
        *upload->file = (struct upload_file){ .real = "" };
        upload->file_count++;
    }
    return upload->file;
}

static struct finding
judge_name(struct upload *upload, struct bytes name, struct bytes shown)
{
    struct upload_file *file = file_of_part(upload);
    const char *knob =
        upload_name_judge(&upload->policy->upload_extensions_denied, name);

    keep_text(file->name, sizeof file->name, shown);
    return knob == NULL ? nothing : refuse_file(file, FAULT_FILTER_UPLOAD_NAME, knob);
}

/* UTF-8'en'na%C3%AFve.txt (RFC 8187); a character set of 16 bits would hide a name. */
static struct finding
judge_extended_name(struct upload *upload, struct bytes value)
{
    struct bytes charset = bytes_cut(&value, '\'');
    char room[UPLOAD_NAME_BYTES];

    bytes_cut(&value, '\'');
    if (value.at == NULL || memchr(value.at, '\'', value.length) != NULL ||
        !(bytes_equal_nocase(charset, BYTES("UTF-8")) ||
            bytes_equal_nocase(charset, BYTES("ISO-8859-1"))))
        return malformed("a filename* that is not UTF-8 or ISO-8859-1");
    return judge_name(upload, value, upload_name_decode(value, room));
}

/* The flag of a parameter of Content-Disposition, 0 for one that no browser sends. */
static unsigned
flag_of_parameter(struct bytes name)
{
    if (bytes_equal_nocase(name, BYTES("name")))
        return PART_HAS_NAME;
    if (bytes_equal_nocase(name, BYTES("filename")))
        return PART_HAS_FILE_NAME;
    if (bytes_equal_nocase(name, BYTES("filename*")))
        return PART_HAS_EXTENDED_FILE_NAME;
    return 0;
}

static struct finding
take_disposition(struct upload *upload, struct bytes value)
{
    struct mime_parameter parameter;
    struct bytes name = BYTES("");
    struct finding found = nothing;
    enum mime_found next;

    if ((upload->part & PART_HAS_DISPOSITION) != 0)
        return malformed("two Content-Disposition in a part");
    upload->part |= PART_HAS_DISPOSITION;
    if (!bytes_equal_nocase(mime_word(&value), BYTES("form-data")) && !upload->is_mail)
        return malformed("a Content-Disposition other than form-data");
    while (found.fault == FAULT_NONE &&
        (next = mime_next(&value, &parameter)) != MIME_END) {
        unsigned flag = next == MIME_MALFORMED ? 0 : flag_of_parameter(parameter.name);

        if (flag == 0 && next == MIME_PARAMETER && upload->is_mail)
            continue; /* size, creation-date: RFC 2183 */
        if (flag == 0 || (upload->part & flag) != 0)
            return malformed("a Content-Disposition that can be read in two ways");
        upload->part |= flag;
        if (flag == PART_HAS_NAME)
            name = parameter.value;
        if (flag == PART_HAS_FILE_NAME)
            found = judge_name(upload, parameter.value, parameter.value);
        if (flag == PART_HAS_EXTENDED_FILE_NAME)
            found = judge_extended_name(upload, parameter.value);
    }
    /* PHP does not know filename*, so that such a part is a field to it. */
    upload->is_field =
        (upload->part & (PART_HAS_NAME | PART_HAS_FILE_NAME)) == PART_HAS_NAME;
    if (found.fault == FAULT_NONE && upload->is_field && upload->judge != NULL)
        found = form_judge_name(upload->judge, name);
    return found;
}

static struct finding
take_type(struct upload *upload, struct bytes value)
{
    struct bytes whole = value;
    struct bytes type = mime_word(&value);

    if ((upload->part & PART_HAS_TYPE) != 0)
        return malformed("two Content-Type in a part");
    upload->part |= PART_HAS_TYPE;
    if (!has_plain_charset(whole))
        upload->part |= PART_HAS_CHARSET;
    if (bytes_has_prefix_nocase(type, BYTES("multipart/"))) {
        upload->part |= PART_IS_MULTIPART;
        if (bytes_contains_nocase(whole, BYTES("boundary")))
            return malformed("a part that has parts itself");
    }
    keep_text(upload->declared, sizeof upload->declared, type);
    return nothing;
}

/* An encoded part (RFC 7578, 4.7: not to be sent) would not be what its bytes look like. */
static struct finding
take_encoding(struct bytes value)
{
    if (bytes_equal_nocase(value, BYTES("7bit")) ||
        bytes_equal_nocase(value, BYTES("8bit")) ||
        bytes_equal_nocase(value, BYTES("binary")))
        return nothing;
    return malformed("an encoded part");
}

static struct finding
take_field(struct upload *upload, struct bytes line)
{
    struct bytes name = bytes_cut(&line, ':');
    struct bytes value;

    if (line.at == NULL || !scan_all(name, SCAN_TOKEN))
        return malformed("a line without a field in the head of a part");
    value = bytes_trim(line);
    if (bytes_equal_nocase(name, BYTES("Content-Disposition")))
        return take_disposition(upload, value);
    if (bytes_equal_nocase(name, BYTES("Content-Type")))
        return take_type(upload, value);
    if (bytes_equal_nocase(name, BYTES("Content-Transfer-Encoding")))
        return take_encoding(value);
    return nothing;
}

static struct finding
end_head(struct upload *upload)
{
    if ((upload->part & PART_HAS_NAME) == 0 && !upload->is_mail)
        return malformed("a part without a name");
    /* Browsers declare a saved page (.mhtml) so, from its name, and with no boundary. */
    if ((upload->part & PART_IS_MULTIPART) != 0 && upload->file == NULL)
        return malformed("a part that has parts itself");
    if ((upload->part & PART_HAS_CHARSET) != 0 && upload->is_field &&
        upload->judge != NULL)
        return malformed("a field in another character set");
    if (upload->file != NULL)
        memcpy(upload->file->declared, upload->declared, sizeof upload->declared);
    return nothing;
}

/*
 * TypeScript, which may begin with "#!", bears the extension of transport streams: so its
 * type is to browsers what the desktop's table says of .ts and .mts (freedesktop.org's
 * shared-mime-info, Windows' registry). Nobody runs a file for that type.
 */
static bool
is_called_stream(struct bytes declared, const struct magic *magic)
{
    return bytes_equal(bytes_of_string(magic->type), BYTES("text/x-shellscript")) &&
        (bytes_equal_nocase(declared, BYTES("video/mp2t")) ||
            bytes_equal_nocase(declared, BYTES("video/vnd.dlna.mpeg-tts")));
}

/* See the head of upload.h. A script is text, so that text does not lie about it. */
static bool
is_false_friend(struct bytes declared, const struct magic *magic)
{
    const enum magic_family real = magic->family;
    static const char *const harmless[] = { "image/", "audio/", "video/", "font/",
        "application/pdf" };

    if ((real != MAGIC_EXECUTABLE && real != MAGIC_SCRIPT) ||
        is_called_stream(declared, magic))
        return false;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (bytes_has_prefix_nocase(declared, bytes_of_string(harmless[i])))
            return true;
    return real == MAGIC_EXECUTABLE &&
        bytes_has_prefix_nocase(declared, BYTES("text/"));
}

static struct finding
judge_start(struct upload *upload)
{
    struct upload_file *file = upload->file;
    const struct magic *magic =
        magic_find(bytes_of(upload->start, upload->start_bytes));

    if (magic == NULL)
        return nothing;
    file->real = magic->type;
    if (!is_false_friend(bytes_of_string(file->declared), magic))
        return nothing;
    return refuse_file(file, FAULT_FILTER_UPLOAD_TYPE, "uploads");
}

static struct finding
take_data(struct upload *upload, struct bytes text)
{
    size_t room = MAGIC_BYTES - upload->start_bytes;

    if (upload->is_field && upload->judge != NULL) {
        struct finding found = form_judge_value(upload->judge, text);

        if (found.fault != FAULT_NONE)
            return found;
    }
    if (upload->file == NULL)
        return nothing;
    upload->file->bytes += text.length;
    if (room == 0)
        return nothing;
    if (text.length < room)
        room = text.length;
    memcpy(upload->start + upload->start_bytes, text.at, room);
    upload->start_bytes += (unsigned)room;
    return upload->start_bytes == MAGIC_BYTES ? judge_start(upload) : nothing;
}

static struct finding
end_part(struct upload *upload)
{
    bool is_short_file = upload->file != NULL && upload->start_bytes < MAGIC_BYTES;
    struct finding found = is_short_file ? judge_start(upload) : nothing;

    if (found.fault == FAULT_NONE && upload->is_field && upload->judge != NULL)
        found = form_judge_end_field(upload->judge);
    upload->is_field = false;
    upload->part = 0;
    upload->file = NULL;
    upload->start_bytes = 0;
    upload->declared[0] = '\0';
    return found;
}

static struct finding
take_event(struct upload *upload, enum multipart_event event, struct bytes text)
{
    switch (event) {
    case MULTIPART_NEEDS_MORE:
        break;
    case MULTIPART_FIELD:
        return take_field(upload, text);
    case MULTIPART_HEAD_END:
        return end_head(upload);
    case MULTIPART_DATA:
        return take_data(upload, text);
    case MULTIPART_PART_END:
        return end_part(upload);
    case MULTIPART_MALFORMED:
        return malformed(upload->walk.multipart.flaw);
    }
    return nothing;
}

static struct finding
take_multipart(struct upload *upload, struct bytes piece)
{
    struct finding found = nothing;

    while (found.fault == FAULT_NONE && piece.length > 0) {
        struct bytes text = BYTES("");
        enum multipart_event event =
            multipart_next(&upload->walk.multipart, &piece, &text);

        found = take_event(upload, event, text);
    }
    return found;
}

static struct finding
take_form_event(struct upload *upload, enum form_event event, struct bytes text)
{
    struct form_judge *judge = upload->judge;
    struct finding found = nothing;

    switch (event) {
    case FORM_NEEDS_MORE:
        break;
    case FORM_NAME:
        if (judge != NULL)
            found = form_judge_name(judge, text);
        upload->walk.form.wants_value = judge != NULL && form_judge_listens(judge);
        return found;
    case FORM_VALUE:
        return form_judge_value(judge, text);
    case FORM_FIELD_END:
        return judge != NULL ? form_judge_end_field(judge) : nothing;
    case FORM_MALFORMED:
        return malformed(upload->walk.form.flaw);
    }
    return nothing;
}

static struct finding
take_form(struct upload *upload, struct bytes piece)
{
    struct finding found = nothing;

    while (found.fault == FAULT_NONE && piece.length > 0) {
        struct bytes text = BYTES("");
        enum form_event event = form_walk_next(&upload->walk.form, &piece, &text);

        found = take_form_event(upload, event, text);
    }
    return found;
}

void
upload_feed(struct upload *upload, struct bytes piece, struct finding *finding)
{
    if (upload->found.fault == FAULT_NONE && piece.length > 0)
        upload->found =
            upload->is_form ? take_form(upload, piece) : take_multipart(upload, piece);
    *finding = upload->found;
}

static struct finding
end_form(struct upload *upload)
{
    struct finding found = nothing;
    enum form_event event;

    do {
        struct bytes text = BYTES("");

        event = form_walk_last(&upload->walk.form, &text);
        found = take_form_event(upload, event, text);
    } while (event != FORM_NEEDS_MORE && found.fault == FAULT_NONE);
    return found;
}

static struct finding
end_body(struct upload *upload)
{
    struct finding found = nothing;

    if (upload->is_form)
        found = end_form(upload);
    else if (!multipart_may_end(&upload->walk.multipart))
        found = malformed("no last boundary");
    if (found.fault == FAULT_NONE && upload->judge != NULL)
        found = form_judge_end(upload->judge);
    return found;
}

void
upload_end(struct upload *upload, struct finding *finding)
{
    if (upload->found.fault == FAULT_NONE)
        upload->found = end_body(upload);
    *finding = upload->found;
}

const struct upload_file *
upload_files(const struct upload *upload, unsigned *count)
{
    *count =
        upload->file_count < UPLOAD_FILES_MAX ? upload->file_count : UPLOAD_FILES_MAX;
    return upload->files;
}

bool
upload_is_executable(struct bytes start)
{
    return magic_is_windows_program(start);
}
