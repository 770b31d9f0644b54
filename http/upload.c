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
};

struct upload {
    const struct filter_policy *policy;
    struct finding found; /* the first fault is the one that counts */
    bool is_form;
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
read_boundary(struct bytes parameters, struct bytes *boundary)
{
    struct mime_parameter parameter;
    enum mime_found found;

    *boundary = BYTES("");
    while ((found = mime_next(&parameters, &parameter)) == MIME_PARAMETER) {
        bool is_boundary = bytes_equal_nocase(parameter.name, BYTES("boundary"));

        if (is_boundary ? boundary->length > 0
                        : !bytes_equal_nocase(parameter.name, BYTES("charset")) ||
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

    if (!bytes_equal_nocase(mime_word(&content_type), BYTES("multipart/form-data")) ||
        !read_boundary(content_type, &boundary) ||
        !multipart_begin(&upload->walk.multipart, boundary))
        return malformed("a Content-Type without one legal boundary");
    return nothing;
}

/*
 * By prefix, where there is nothing to be strict about yet: PHP also reads
 * "multipart/form-data,x" as a form.
 */
static bool
is_multipart(struct bytes content_type)
{
    return bytes_has_prefix_nocase(content_type, BYTES("multipart/form-data"));
}

static bool
is_form(struct bytes content_type)
{
    return bytes_has_prefix_nocase(content_type,
        BYTES("application/x-www-form-urlencoded"));
}

struct upload *
upload_new(const struct filter_policy *policy, const struct http_head *head,
    struct arena *arena, struct finding *finding)
{
    const struct http_field *type = http_head_field(head, FIELD_CONTENT_TYPE);
    struct upload *upload;

    *finding = nothing;
    if (type == NULL ||
        !(is_multipart(type->value) || (policy->has_model && is_form(type->value))))
        return NULL;
    upload = arena_take(arena, sizeof *upload);
    if (upload == NULL) {
        finding->fault = FAULT_MEMORY;
        return NULL;
    }
    *upload = (struct upload){ .policy = policy, .is_form = is_form(type->value) };
    if (!upload->is_form)
        *finding = begin_multipart(upload, type->value);
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
    struct finding found = nothing;
    enum mime_found next;

    if ((upload->part & PART_HAS_DISPOSITION) != 0)
        return malformed("two Content-Disposition in a part");
    upload->part |= PART_HAS_DISPOSITION;
    if (!bytes_equal_nocase(mime_word(&value), BYTES("form-data")))
        return malformed("a Content-Disposition other than form-data");
    while (found.fault == FAULT_NONE &&
        (next = mime_next(&value, &parameter)) != MIME_END) {
        unsigned flag = next == MIME_MALFORMED ? 0 : flag_of_parameter(parameter.name);

        if (flag == 0 || (upload->part & flag) != 0)
            return malformed("a Content-Disposition that can be read in two ways");
        upload->part |= flag;
        if (flag == PART_HAS_FILE_NAME)
            found = judge_name(upload, parameter.value, parameter.value);
        if (flag == PART_HAS_EXTENDED_FILE_NAME)
            found = judge_extended_name(upload, parameter.value);
    }
    return found;
}

static struct finding
take_type(struct upload *upload, struct bytes value)
{
    struct bytes type = mime_word(&value);

    if ((upload->part & PART_HAS_TYPE) != 0)
        return malformed("two Content-Type in a part");
    upload->part |= PART_HAS_TYPE;
    if (bytes_has_prefix_nocase(type, BYTES("multipart/")))
        return malformed("a part that has parts itself");
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
    if ((upload->part & PART_HAS_NAME) == 0)
        return malformed("a part without a name");
    if (upload->file != NULL)
        memcpy(upload->file->declared, upload->declared, sizeof upload->declared);
    return nothing;
}

/* See the head of upload.h. A script is text, so that text does not lie about it. */
static bool
is_false_friend(struct bytes declared, enum magic_family real)
{
    static const char *const harmless[] = { "image/", "audio/", "video/", "font/",
        "application/pdf" };

    if (real != MAGIC_EXECUTABLE && real != MAGIC_SCRIPT)
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
    if (!is_false_friend(bytes_of_string(file->declared), magic->family))
        return nothing;
    return refuse_file(file, FAULT_FILTER_UPLOAD_TYPE, "uploads");
}

static struct finding
take_data(struct upload *upload, struct bytes text)
{
    size_t room = MAGIC_BYTES - upload->start_bytes;

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
take_form(struct upload *upload, struct bytes piece)
{
    const char *flaw = form_walk_take(&upload->walk.form, piece);

    return flaw == NULL ? nothing : malformed(flaw);
}

void
upload_feed(struct upload *upload, struct bytes piece, struct finding *finding)
{
    if (upload->found.fault == FAULT_NONE && piece.length > 0)
        upload->found =
            upload->is_form ? take_form(upload, piece) : take_multipart(upload, piece);
    *finding = upload->found;
}

void
upload_end(struct upload *upload, struct finding *finding)
{
    if (upload->found.fault == FAULT_NONE) {
        const char *flaw = NULL;

        if (upload->is_form)
            flaw = form_walk_end(&upload->walk.form);
        else if (!multipart_may_end(&upload->walk.multipart))
            flaw = "no last boundary";
        if (flaw != NULL)
            upload->found = malformed(flaw);
    }
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
