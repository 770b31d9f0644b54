/*
 * http/response.c - a response head, from bytes to meaning.
 *
 * As strict as with requests: an upstream that can be made to emit a stray line
 * end must not be able to split our answer in two.
 *
 * Trust: the bytes come from an upstream that may be broken or taken over.
 */
#include "http/head_priv.h"
#include "http/scan.h"

static enum fault
read_status(struct head_reader *reader)
{
    const char *at = reader->at;
    unsigned status = 0;

    for (unsigned i = 0; i < 3; i++) {
        if (at[i] < '0' || at[i] > '9')
            return FAULT_HTTP_REQUEST_LINE;
        status = status * 10 + (unsigned)(at[i] - '0');
    }
    if (status < 100 || status > 599)
        return FAULT_HTTP_REQUEST_LINE;
    reader->head->status = status;
    reader->at = at + 3;
    return FAULT_NONE;
}

/* The space before an empty reason is often left out, and nobody reads that otherwise. */
static enum fault
read_reason(struct head_reader *reader)
{
    const char *stop;

    if (*reader->at == ' ') {
        stop = scan_text(reader->at + 1, reader->end);
        reader->head->reason =
            bytes_of(reader->at + 1, (size_t)(stop - reader->at - 1));
    } else {
        stop = reader->at;
    }
    return head_line_end(reader, stop, FAULT_HTTP_REQUEST_LINE);
}

static enum fault
read_status_line(struct head_reader *reader)
{
    struct bytes line = bytes_of(reader->at, (size_t)(reader->end - reader->at));
    bool is_1_1 = bytes_has_prefix(line, BYTES("HTTP/1.1 "));
    enum fault fault;

    if (!is_1_1 && !bytes_has_prefix(line, BYTES("HTTP/1.0 ")))
        return FAULT_HTTP_VERSION;
    reader->head->minor = is_1_1 ? 1 : 0;
    reader->at += sizeof "HTTP/1.1 " - 1;
    fault = read_status(reader);
    return fault == FAULT_NONE ? read_reason(reader) : fault;
}

static enum fault
settle(struct head_reader *reader, enum http_method to)
{
    struct http_head *head = reader->head;
    struct framing_claim claim;
    enum fault fault;

    if ((fault = framing_read_claim(head, &claim, reader->note)) != FAULT_NONE ||
        (fault = framing_of_response(head, to, &claim, &head->framing)) != FAULT_NONE)
        return fault;
    head->keep_alive = head_wants_keep_alive(head) &&
        head->framing.kind != HTTP_UNTIL_CLOSE && head->framing.kind != HTTP_TUNNEL;
    head->carries_connection_auth = head_carries_connection_auth(head);
    return opinion_confirm(head, &claim, true);
}

/*
 * To a client every broken response is one fault, and the log is told which it was; but a
 * bound of ours that an honest answer passed is a fault of its own.
 */
static enum fault
blame_upstream(enum fault fault, struct note *note)
{
    struct note detail = { "" };

    if (fault == FAULT_NONE || fault == FAULT_MEMORY)
        return fault;
    if (note != NULL)
        detail = *note;
    if (head_fault_of_answer(fault) != FAULT_UPSTREAM_MALFORMED)
        return head_fault_of_answer(fault); /* its note tells value and limit */
    note_set(note, "%s%s%s", fault_reason(fault), detail.text[0] == '\0' ? "" : ": ",
        detail.text);
    return FAULT_UPSTREAM_MALFORMED;
}

enum fault
http_response_parse(struct bytes raw, enum http_method to,
    const struct http_limits *limits, struct arena *arena, struct http_head *head,
    struct note *note)
{
    struct head_reader reader;
    enum fault fault;

    if ((fault = head_reader_begin(&reader, raw, limits, arena, head, note)) ==
        FAULT_NONE) {
        reader.is_response = true;
        fault = read_status_line(&reader);
    }
    if (fault == FAULT_NONE && (fault = head_read_fields(&reader)) == FAULT_NONE)
        fault = settle(&reader, to);
    return blame_upstream(fault, note);
}
