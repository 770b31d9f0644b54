/*
 * http/framing.c - where does this message's body end?
 *
 * The only place that answers. First what the framing fields claim, then what the
 * message makes of it (RFC 9112, 6.3). Anything two readers could understand
 * differently is refused (11.2): two lengths, even equal ones; a length beside a
 * coding; any coding but "chunked", and any coding in HTTP/1.0.
 *
 * Trust: the head comes from the network, from either side. Owns nothing, safe to fuzz.
 */
#include "http/head_priv.h"
#include "http/scan.h"

enum fault
framing_read_claim(const struct http_head *head, struct framing_claim *claim,
    struct note *note)
{
    struct bytes length = { 0 };
    struct bytes coding = { 0 };
    unsigned lengths = 0;
    unsigned codings = 0;

    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];

        if (field->id == FIELD_CONTENT_LENGTH) {
            length = field->value;
            lengths++;
        } else if (field->id == FIELD_TRANSFER_ENCODING) {
            coding = field->value;
            codings++;
        }
    }
    *claim =
        (struct framing_claim){ .has_length = lengths > 0, .is_chunked = codings > 0 };
    if (lengths > 0 && codings > 0)
        return FAULT_HTTP_TWO_LENGTHS;
    if (lengths > 1)
        return FAULT_HTTP_LENGTH_TWICE;
    if (lengths == 1 && !bytes_to_u64(length, INT64_MAX, &claim->length)) {
        head_note_text(note, "Content-Length", length, 0);
        return FAULT_HTTP_LENGTH;
    }
    if (codings > 0 &&
        (codings > 1 || head->minor == 0 ||
            !bytes_equal_nocase(coding, BYTES("chunked")))) {
        head_note_text(note,
            head->minor == 0 ? "Transfer-Encoding in HTTP/1.0" : "Transfer-Encoding",
            coding, SCAN_HOST);
        return FAULT_HTTP_TRANSFER_ENCODING;
    }
    return FAULT_NONE;
}

static struct http_framing
framing_of_claim(const struct framing_claim *claim, enum http_framing_kind otherwise)
{
    if (claim->is_chunked)
        return (struct http_framing){ .kind = HTTP_CHUNKED };
    if (claim->has_length)
        return (struct http_framing){ .kind = HTTP_LENGTH, .length = claim->length };
    return (struct http_framing){ .kind = otherwise };
}

enum fault
framing_of_request(const struct http_head *head, const struct framing_claim *claim,
    struct http_framing *framing)
{
    *framing = framing_of_claim(claim, HTTP_NO_BODY);
    /*
     * RFC 1945, 8.3: HTTP/1.0 demands a length with these. Some servers read such a
     * body until close, where we would see the next request.
     */
    if (head->minor == 0 && framing->kind == HTTP_NO_BODY &&
        (head->method_id == HTTP_METHOD_POST || head->method_id == HTTP_METHOD_PUT ||
            head->method_id == HTTP_METHOD_PATCH))
        return FAULT_HTTP_LENGTH;
    return FAULT_NONE;
}

enum fault
framing_of_response(const struct http_head *head, enum http_method to,
    const struct framing_claim *claim, struct http_framing *framing)
{
    bool is_interim = head->status < 200;
    bool is_bodiless = is_interim || head->status == 204 || head->status == 304;

    /* 304 may tell the coding that a 200 would have had (RFC 9112, 6.1); 1xx and 204 not. */
    if (is_bodiless && head->status != 304 && claim->is_chunked)
        return FAULT_HTTP_TRANSFER_ENCODING;
    /*
     * A length here is forbidden (RFC 9110, 8.6), and some readers would wait for that
     * body. "204, Content-Length: 0" is common and reads the same everywhere; 304 may
     * tell the length that a 200 would have had.
     */
    if (is_interim && claim->has_length)
        return FAULT_HTTP_LENGTH;
    if (head->status == 204 && claim->length > 0)
        return FAULT_HTTP_LENGTH;

    if (head->status == 101)
        *framing = (struct http_framing){ .kind = HTTP_TUNNEL };
    else if (is_bodiless || to == HTTP_METHOD_HEAD)
        *framing = (struct http_framing){ .kind = HTTP_NO_BODY };
    else
        *framing = framing_of_claim(claim, HTTP_UNTIL_CLOSE);
    return FAULT_NONE;
}
