/*
 * http/head.c - field lines to fields, and the questions one asks of a head.
 *
 * What requests and responses have in common. Syntax first: a line is either
 * exactly name ":" OWS value OWS CRLF, or it is refused.
 *
 * Trust: the bytes come from the network, from either side. Memory is the arena's.
 */
#include "http/head.h"

#include "http/head_priv.h"
#include "http/scan.h"

#define FIRST_FIELDS 24 /* ordinary heads need no second array */

enum fault
head_reader_begin(struct head_reader *reader, struct bytes raw,
    const struct http_limits *limits, struct arena *arena, struct http_head *head,
    struct note *note)
{
    *reader = (struct head_reader){
        .at = raw.at,
        .end = raw.at + raw.length,
        .limits = limits,
        .arena = arena,
        .head = head,
        .note = note,
    };
    *head = (struct http_head){ 0 };
    note_set(note, "%s", "");
    if (raw.length > limits->head_bytes) {
        note_set(note, "%zu bytes, the limit is %u", raw.length, limits->head_bytes);
        return FAULT_HTTP_HEAD_LONG;
    }
    if (raw.length < 4 || memcmp(reader->end - 4, "\r\n\r\n", 4) != 0)
        return FAULT_HTTP_REQUEST_LINE;
    return FAULT_NONE;
}

enum fault
head_line_end(struct head_reader *reader, const char *at, enum fault otherwise)
{
    if (*at == '\r') {
        if (at + 1 == reader->end || at[1] != '\n')
            return FAULT_HTTP_BARE_CR;
        reader->at = at + 2;
        return FAULT_NONE;
    }
    if (*at == '\n')
        return FAULT_HTTP_BARE_LF;
    return *at == '\0' ? FAULT_HTTP_NUL : otherwise;
}

void
head_note_text(struct note *note, const char *what, struct bytes text,
    unsigned harmless)
{
    if (text.length <= 64 && scan_all(text, harmless))
        note_set(note, "%s: %.*s", what, BYTES_ARG(text));
    else
        note_set(note, "%s: a text of %zu bytes", what, text.length);
}

enum fault
head_fault_of_answer(enum fault fault)
{
    if (fault == FAULT_HTTP_HEAD_LONG)
        return FAULT_UPSTREAM_HEAD_LONG;
    if (fault == FAULT_HTTP_FIELD_COUNT)
        return FAULT_UPSTREAM_FIELD_COUNT;
    return fault == FAULT_HTTP_FIELD_LONG ? FAULT_UPSTREAM_FIELD_LONG
                                          : FAULT_UPSTREAM_MALFORMED;
}

/* Says why no colon follows the token that ends at `at`. */
static enum fault
name_fault(struct head_reader *reader, const char *at)
{
    if (at == reader->at && (*at == ' ' || *at == '\t'))
        return FAULT_HTTP_FIELD_FOLDED;
    if (at > reader->at && (*at == ' ' || *at == '\t'))
        return FAULT_HTTP_FIELD_SPACE;
    if (*at == '\r' && at[1] == '\n')
        return FAULT_HTTP_FIELD_NAME;
    return head_line_end(reader, at, FAULT_HTTP_FIELD_NAME);
}

static enum fault
read_field(struct head_reader *reader, struct http_field *field)
{
    const char *name = reader->at;
    const char *colon = scan_while(name, reader->end, SCAN_TOKEN);
    const char *stop;
    enum fault fault;

    field->name = bytes_of(name, (size_t)(colon - name));
    while (reader->is_response && colon > name && (*colon == ' ' || *colon == '\t'))
        colon++; /* a proxy takes it away (RFC 9112, 5.1) */
    if (colon == name || *colon != ':')
        return name_fault(reader, name + field->name.length);
    stop = scan_text(colon + 1, reader->end);
    field->value = bytes_trim(bytes_of(colon + 1, (size_t)(stop - colon - 1)));
    fault = head_line_end(reader, stop, FAULT_HTTP_FIELD_VALUE);
    if (fault == FAULT_NONE &&
        (field->name.length > reader->limits->name_bytes ||
            field->value.length > reader->limits->value_bytes)) {
        struct bytes shown =
            bytes_of(field->name.at, field->name.length < 64 ? field->name.length : 64);

        note_set(reader->note, "field %.*s: %zu + %zu bytes, the limits are %u + %u",
            BYTES_ARG(shown), field->name.length, field->value.length,
            reader->limits->name_bytes, reader->limits->value_bytes);
        return FAULT_HTTP_FIELD_LONG;
    }
    if (fault != FAULT_NONE)
        note_set(reader->note, "field %.*s", BYTES_ARG(field->name));
    return fault;
}

/* Twice the room, or the first. The old array stays behind in the arena. */
static enum fault
grow_fields(struct head_reader *reader, unsigned *room)
{
    struct http_head *head = reader->head;
    unsigned more = *room == 0 ? FIRST_FIELDS : *room * 2;
    struct http_field *fields = arena_take(reader->arena, more * sizeof *fields);

    if (fields == NULL)
        return FAULT_MEMORY;
    if (head->field_count > 0)
        memcpy(fields, head->fields, head->field_count * sizeof *fields);
    head->fields = fields;
    *room = more;
    return FAULT_NONE;
}

/* Identifies the field and counts it, or refuses a second one. */
static enum fault
admit_field(struct head_reader *reader, struct http_field *field)
{
    field->id = field_find(field->name);
    if (head_has_seen(reader, field->id) && (field_flags(field->id) & FIELD_FIRST) != 0)
        return FAULT_NONE; /* not counted: the next one takes its place */
    if (head_has_seen(reader, field->id) &&
        (field_flags(field->id) & FIELD_SINGLE) != 0) {
        note_set(reader->note, "field %s", field_name(field->id));
        return field->id == FIELD_HOST ? FAULT_HTTP_HOST_TWICE
                                       : FAULT_HTTP_SINGLE_TWICE;
    }
    reader->seen |= UINT64_C(1) << field->id;
    reader->head->field_count++;
    return FAULT_NONE;
}

enum fault
head_read_fields(struct head_reader *reader)
{
    struct http_head *head = reader->head;
    unsigned room = 0;
    enum fault fault = FAULT_NONE;

    while (*reader->at != '\r' && fault == FAULT_NONE) {
        if (head->field_count == reader->limits->fields) {
            note_set(reader->note, "more than %u fields (limits.fields)",
                reader->limits->fields);
            return FAULT_HTTP_FIELD_COUNT;
        }
        if (head->field_count == room)
            fault = grow_fields(reader, &room);
        if (fault == FAULT_NONE)
            fault = read_field(reader, &head->fields[head->field_count]);
        if (fault == FAULT_NONE)
            fault = admit_field(reader, &head->fields[head->field_count]);
    }
    if (fault == FAULT_NONE)
        fault = head_line_end(reader, reader->at, FAULT_HTTP_FIELD_NAME);
    if (fault == FAULT_NONE && reader->at != reader->end)
        fault = FAULT_HTTP_PARSERS_DISAGREE; /* the finder saw another end */
    return fault;
}

const struct http_field *
http_head_field(const struct http_head *head, enum field_id id)
{
    for (unsigned i = 0; i < head->field_count; i++)
        if (head->fields[i].id == id)
            return &head->fields[i];
    return NULL;
}

static bool
list_has(struct bytes list, struct bytes token)
{
    while (list.at != NULL)
        if (bytes_equal_nocase(bytes_trim(bytes_cut(&list, ',')), token))
            return true;
    return false;
}

bool
http_head_lists(const struct http_head *head, enum field_id id, struct bytes token)
{
    for (unsigned i = 0; i < head->field_count; i++)
        if (head->fields[i].id == id && list_has(head->fields[i].value, token))
            return true;
    return false;
}

bool
head_wants_keep_alive(const struct http_head *head)
{
    if (http_head_lists(head, FIELD_CONNECTION, BYTES("close")))
        return false;
    return head->minor == 1 ||
        http_head_lists(head, FIELD_CONNECTION, BYTES("keep-alive"));
}

/*
 * The schemes that authenticate a connection, not a request. By prefix, because
 * IIS also says "Nego2" and "NegoExtender". A comma inside a quoted realm may make us
 * pin a connection that needs no pin, never the reverse.
 */
static bool
names_connection_auth(struct bytes challenges)
{
    while (challenges.at != NULL) {
        struct bytes scheme = bytes_trim(bytes_cut(&challenges, ','));

        if (bytes_has_prefix_nocase(scheme, BYTES("NTLM")) ||
            bytes_has_prefix_nocase(scheme, BYTES("Nego")) ||
            bytes_has_prefix_nocase(scheme, BYTES("Kerberos")))
            return true;
    }
    return false;
}

bool
head_carries_connection_auth(const struct http_head *head)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        enum field_id id = head->fields[i].id;

        if ((id == FIELD_AUTHORIZATION || id == FIELD_PROXY_AUTHORIZATION ||
                id == FIELD_WWW_AUTHENTICATE || id == FIELD_PROXY_AUTHENTICATE) &&
            names_connection_auth(head->fields[i].value))
            return true;
    }
    return false;
}

bool
http_method_is_safe(enum http_method method)
{
    return method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD ||
        method == HTTP_METHOD_OPTIONS;
}
