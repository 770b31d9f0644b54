/*
 * http/multipart.c - the parts of a multipart/form-data body, while it streams past.
 *
 * Knows boundaries and lines, and no field of a part. Owns nothing.
 *
 * A boundary is looked for at line feeds, as PHP does (main/rfc1867.c), which does not
 * ask for the carriage return: a boundary behind a bare line feed would be data to us and
 * a new part to it, so it is refused. A held-back beginning of a boundary need not be
 * stored, because it is a prefix of the delimiter; and as the delimiter has no second
 * line end, no search ever goes back.
 *
 * Trust: the bytes come from the network.
 */
#include "http/multipart.h"

#include "http/scan.h"

#define LINE_END 2u /* bytes of the delimiter before its dashes */

static enum multipart_event
refuse(struct multipart *multipart, const char *flaw)
{
    multipart->flaw = flaw;
    return MULTIPART_MALFORMED;
}

static char
take_byte(struct bytes *piece)
{
    piece->length--;
    return *piece->at++;
}

/* bchars (RFC 2046, 5.1.1); a space may not be the last. */
static bool
is_boundary(struct bytes boundary)
{
    static const char others[] = "'()+_,-./:=? ";

    if (boundary.length == 0 || boundary.length > MULTIPART_BOUNDARY_BYTES ||
        boundary.at[boundary.length - 1] == ' ')
        return false;
    for (size_t i = 0; i < boundary.length; i++) {
        char c = boundary.at[i], lower = ascii_lower(c);
        bool is_letter = lower >= 'a' && lower <= 'z';
        bool is_digit = c >= '0' && c <= '9';

        if (!is_letter && !is_digit && memchr(others, c, sizeof others - 1) == NULL)
            return false;
    }
    return true;
}

bool
multipart_begin(struct multipart *multipart, struct bytes boundary)
{
    if (!is_boundary(boundary))
        return false;
    multipart->state = MULTIPART_OPENING;
    multipart->parts = 0;
    multipart->matched = LINE_END;
    multipart->length = 4 + (unsigned)boundary.length;
    memcpy(multipart->delimiter, "\r\n--", 4);
    memcpy(multipart->delimiter + 4, boundary.at, boundary.length);
    return true;
}

typedef enum multipart_event
take_some(struct multipart *multipart, struct bytes *piece, struct bytes *text);

static enum multipart_event
take_opening(struct multipart *multipart, struct bytes *piece, struct bytes *text)
{
    (void)text;
    if (take_byte(piece) != multipart->delimiter[multipart->matched++])
        return refuse(multipart, "something before the first boundary");
    if (multipart->matched == multipart->length)
        multipart->state = MULTIPART_BOUNDARY;
    return MULTIPART_NEEDS_MORE;
}

static enum multipart_event
begin_part(struct multipart *multipart)
{
    if (++multipart->parts > MULTIPART_PARTS_MAX)
        return refuse(multipart, "more than 1024 parts");
    multipart->state = MULTIPART_HEAD;
    multipart->fields = 0;
    multipart->head_bytes = 0;
    multipart->line_bytes = 0;
    return MULTIPART_NEEDS_MORE;
}

/* The four bytes that may follow a boundary: CRLF, or two dashes with or without CRLF. */
static enum multipart_event
take_boundary(struct multipart *multipart, struct bytes *piece, struct bytes *text)
{
    char c = take_byte(piece);

    (void)text;
    if (multipart->state == MULTIPART_BOUNDARY_LF && c == '\n')
        return begin_part(multipart);
    if (multipart->state == MULTIPART_BOUNDARY && c == '\r')
        multipart->state = MULTIPART_BOUNDARY_LF;
    else if (multipart->state == MULTIPART_BOUNDARY && c == '-')
        multipart->state = MULTIPART_BOUNDARY_DASH;
    else if (multipart->state == MULTIPART_BOUNDARY_DASH && c == '-')
        multipart->state = MULTIPART_LAST;
    else
        return refuse(multipart, "something behind a boundary");
    return MULTIPART_NEEDS_MORE;
}

static enum multipart_event
take_last(struct multipart *multipart, struct bytes *piece, struct bytes *text)
{
    char c = take_byte(piece);

    (void)text;
    if (multipart->state == MULTIPART_LAST && c == '\r')
        multipart->state = MULTIPART_LAST_LF;
    else if (multipart->state == MULTIPART_LAST_LF && c == '\n')
        multipart->state = MULTIPART_OVER;
    else
        return refuse(multipart, "something behind the last boundary");
    return MULTIPART_NEEDS_MORE;
}

/* `line` ends with its line feed. */
static enum multipart_event
judge_line(struct multipart *multipart, struct bytes line, struct bytes *text)
{
    if (line.length < 2 || line.at[line.length - 2] != '\r')
        return refuse(multipart, "a bare line feed in the head of a part");
    line.length -= 2;
    if (line.length == 0) {
        multipart->state = MULTIPART_BODY;
        /* The head's line feed may not serve the boundary, too: PHP sees data there. */
        multipart->matched = multipart->kept = LINE_END;
        return MULTIPART_HEAD_END;
    }
    if (++multipart->fields > MULTIPART_FIELDS_MAX)
        return refuse(multipart, "too many fields in the head of a part");
    if (!scan_is(*line.at, SCAN_TOKEN))
        return refuse(multipart, "a folded line in the head of a part");
    if (!scan_all(line, SCAN_TEXT))
        return refuse(multipart, "a control character in the head of a part");
    *text = line;
    return MULTIPART_FIELD;
}

static enum multipart_event
take_head(struct multipart *multipart, struct bytes *piece, struct bytes *text)
{
    size_t room = MULTIPART_LINE_BYTES - multipart->line_bytes;
    size_t head_room = MULTIPART_HEAD_BYTES - multipart->head_bytes;
    size_t most = piece->length, taken;
    const char *end;
    struct bytes line;

    if (room > head_room)
        room = head_room;
    if (room == 0)
        return refuse(multipart, "the head of a part is too long");
    if (most > room)
        most = room;
    end = memchr(piece->at, '\n', most);
    taken = end == NULL ? most : (size_t)(end + 1 - piece->at);
    memcpy(multipart->line + multipart->line_bytes, piece->at, taken);
    piece->at += taken;
    piece->length -= taken;
    multipart->line_bytes += (unsigned)taken;
    multipart->head_bytes += (unsigned)taken;
    if (end == NULL)
        return MULTIPART_NEEDS_MORE;
    line = bytes_of(multipart->line, multipart->line_bytes);
    multipart->line_bytes = 0;
    return judge_line(multipart, line, text);
}

/* Goes on in a delimiter that has begun, or gives back what was held for it. */
static enum multipart_event
take_delimiter(struct multipart *multipart, struct bytes *piece, struct bytes *text)
{
    while (piece->length > 0 && multipart->matched < multipart->length &&
        *piece->at == multipart->delimiter[multipart->matched]) {
        take_byte(piece);
        multipart->matched++;
    }
    if (multipart->matched == multipart->length) {
        if (multipart->kept > 0)
            return refuse(multipart, "a boundary without a CRLF of its own");
        multipart->state = MULTIPART_BOUNDARY;
        return MULTIPART_PART_END;
    }
    if (piece->length == 0)
        return MULTIPART_NEEDS_MORE;
    *text = bytes_of(multipart->delimiter + multipart->kept,
        multipart->matched - multipart->kept);
    multipart->matched = 0;
    return text->length > 0 ? MULTIPART_DATA : MULTIPART_NEEDS_MORE;
}

/* Does `rest`, at a line feed, begin as the delimiter does behind its CR? */
static bool
may_be_delimiter(const struct multipart *multipart, struct bytes rest)
{
    size_t length = multipart->length - 1;

    if (rest.length < length)
        length = rest.length;
    /* The first dash alone, in between, halves the cost of what is all line feeds. */
    return length == 1 ||
        (rest.at[1] == '-' && memcmp(rest.at, multipart->delimiter + 1, length) == 0);
}

/* The first line feed that may belong to a delimiter, or NULL. */
static const char *
find_line_feed(const struct multipart *multipart, const char *at, const char *end)
{
    const char *found;

    while ((found = memchr(at, '\n', (size_t)(end - at))) != NULL &&
        !may_be_delimiter(multipart, bytes_of(found, (size_t)(end - found))))
        at = found + 1;
    return found;
}

static enum multipart_event
take_body(struct multipart *multipart, struct bytes *piece, struct bytes *text)
{
    const char *start = piece->at, *end = start + piece->length;
    const char *found;
    bool has_return;

    if (multipart->matched > 0)
        return take_delimiter(multipart, piece, text);
    found = find_line_feed(multipart, start, end);
    if (found == NULL) {
        has_return = end[-1] == '\r';
        *text = bytes_of(start, piece->length - has_return);
        *piece = bytes_of(end, 0);
        multipart->matched = has_return;
        multipart->kept = 0;
    } else {
        has_return = found > start && found[-1] == '\r';
        *text = bytes_of(start, (size_t)(found - start) - has_return);
        *piece = bytes_of(found + 1, (size_t)(end - found) - 1);
        multipart->matched = LINE_END;
        multipart->kept = !has_return;
    }
    return text->length > 0 ? MULTIPART_DATA : MULTIPART_NEEDS_MORE;
}

static take_some *const takers[] = {
    [MULTIPART_OPENING] = take_opening,
    [MULTIPART_BOUNDARY] = take_boundary,
    [MULTIPART_BOUNDARY_LF] = take_boundary,
    [MULTIPART_BOUNDARY_DASH] = take_boundary,
    [MULTIPART_HEAD] = take_head,
    [MULTIPART_BODY] = take_body,
    [MULTIPART_LAST] = take_last,
    [MULTIPART_LAST_LF] = take_last,
    [MULTIPART_OVER] = take_last,
};

enum multipart_event
multipart_next(struct multipart *multipart, struct bytes *piece, struct bytes *text)
{
    enum multipart_event event = MULTIPART_NEEDS_MORE;

    while (piece->length > 0 && event == MULTIPART_NEEDS_MORE)
        event = takers[multipart->state](multipart, piece, text);
    return event;
}

bool
multipart_may_end(const struct multipart *multipart)
{
    return multipart->state == MULTIPART_LAST || multipart->state == MULTIPART_OVER;
}
