/*
 * http/form_walk.c - the fields of an application/x-www-form-urlencoded body, as it passes.
 *
 * Knows no name of a field. Owns nothing.
 *
 * Trust: the bytes come from the network.
 */
#include "http/form_walk.h"

#include "http/scan.h"

static enum form_event
refuse(struct form_walk *walk, const char *flaw)
{
    walk->flaw = flaw;
    walk->state = FORM_OVER;
    return FORM_MALFORMED;
}

/* The first byte from `at` on that means something inside a value, or `end`. */
static const char *
skip_plain(const struct form_walk *walk, const char *at, const char *end)
{
    while (at < end && *at != '%' && *at != '&' &&
        (walk->is_loose || scan_is(*at, SCAN_TEXT)) &&
        (*at != '+' || !walk->wants_value))
        at++;
    return at;
}

static enum form_event
take_name_byte(struct form_walk *walk, char c)
{
    if (walk->is_loose && c == '\0')
        walk->state = FORM_NAME_CUT;
    if (walk->state == FORM_NAME_CUT ||
        (walk->is_loose &&
            (walk->name_bytes == FORM_NAME_BYTES_MAX ||
                (c == ' ' && walk->name_bytes == 0))))
        return FORM_NEEDS_MORE;
    if (walk->name_bytes == FORM_NAME_BYTES_MAX)
        return refuse(walk, "the name of a field is too long");
    walk->name[walk->name_bytes++] = c;
    return FORM_NEEDS_MORE;
}

/* One byte of a name or a value as it is meant. */
static enum form_event
take_decoded(struct form_walk *walk, char c, struct bytes *text)
{
    if (walk->state != FORM_IN_VALUE)
        return take_name_byte(walk, c);
    if (!walk->wants_value)
        return FORM_NEEDS_MORE;
    walk->text[0] = c;
    *text = bytes_of(walk->text, 1);
    return FORM_VALUE;
}

/* What began as an escape and is none stands for itself. */
static enum form_event
give_held(struct form_walk *walk, struct bytes *text)
{
    unsigned count = walk->held_bytes;

    walk->held_bytes = 0;
    if (walk->state == FORM_IN_VALUE) {
        if (!walk->wants_value)
            return FORM_NEEDS_MORE;
        memcpy(walk->text, walk->held, count);
        *text = bytes_of(walk->text, count);
        return FORM_VALUE;
    }
    for (unsigned i = 0; i < count; i++)
        take_name_byte(walk, walk->held[i]);
    return FORM_NEEDS_MORE;
}

/* The next byte of an escape that has begun; one that is no digit is not taken. */
static enum form_event
take_escape(struct form_walk *walk, struct bytes *piece, struct bytes *text)
{
    char digit = *piece->at, c;

    if (!scan_is(digit, SCAN_HEX))
        return walk->is_loose ? give_held(walk, text)
                              : refuse(walk, "a malformed escape");
    piece->at++;
    piece->length--;
    if (walk->held_bytes == 1) {
        walk->held[walk->held_bytes++] = digit;
        return FORM_NEEDS_MORE;
    }
    walk->held_bytes = 0;
    c = (char)(scan_hex(walk->held[1]) << 4 | scan_hex(digit));
    if (!walk->is_loose && walk->state == FORM_IN_NAME &&
        ((unsigned char)c < ' ' || c == 0x7f))
        return refuse(walk, "a control character in the name of a field");
    return take_decoded(walk, c, text);
}

static enum form_event
begin_value(struct form_walk *walk, struct bytes *text)
{
    walk->state = FORM_IN_VALUE;
    walk->wants_value = false;
    *text = bytes_of(walk->name, walk->name_bytes);
    return FORM_NAME;
}

static enum form_event
end_field(struct form_walk *walk)
{
    enum form_state state = walk->state;

    walk->state = FORM_IN_NAME;
    walk->name_bytes = 0;
    walk->fields++;
    if (!walk->is_loose && walk->fields >= FORM_FIELDS_MAX)
        return refuse(walk, "too many fields");
    return state == FORM_IN_VALUE ? FORM_FIELD_END : FORM_NEEDS_MORE;
}

static bool
has_name(const struct form_walk *walk)
{
    return walk->state == FORM_NAME_CUT ||
        (walk->state == FORM_IN_NAME && walk->name_bytes > 0);
}

static enum form_event
take_byte(struct form_walk *walk, struct bytes *piece, struct bytes *text)
{
    char c = *piece->at;

    if (c == '&' && has_name(walk)) /* a field without '=': its end comes next */
        return begin_value(walk, text);
    piece->at++;
    piece->length--;
    if (c == '&')
        return end_field(walk);
    if (!walk->is_loose && !scan_is(c, SCAN_TEXT))
        return refuse(walk, "a control character");
    if (c == '%') {
        walk->held[walk->held_bytes++] = c;
        return FORM_NEEDS_MORE;
    }
    if (c == '=' && walk->state != FORM_IN_VALUE)
        return begin_value(walk, text);
    return take_decoded(walk, c == '+' ? ' ' : c, text);
}

enum form_event
form_walk_next(struct form_walk *walk, struct bytes *piece, struct bytes *text)
{
    enum form_event event = FORM_NEEDS_MORE;

    if (walk->state == FORM_OVER) {
        *piece = bytes_of(piece->at + piece->length, 0);
        return walk->flaw != NULL ? FORM_MALFORMED : FORM_NEEDS_MORE;
    }
    while (piece->length > 0 && event == FORM_NEEDS_MORE) {
        const char *start = piece->at, *end = start + piece->length, *plain = start;

        if (walk->state == FORM_IN_VALUE && walk->held_bytes == 0)
            plain = skip_plain(walk, start, end);
        *piece = bytes_of(plain, (size_t)(end - plain));
        if (plain > start && walk->wants_value) {
            *text = bytes_of(start, (size_t)(plain - start));
            return FORM_VALUE;
        }
        if (plain < end)
            event = walk->held_bytes > 0 ? take_escape(walk, piece, text)
                                         : take_byte(walk, piece, text);
    }
    return event;
}

enum form_event
form_walk_last(struct form_walk *walk, struct bytes *text)
{
    enum form_event event = FORM_NEEDS_MORE;

    if (walk->state == FORM_OVER)
        return walk->flaw != NULL ? FORM_MALFORMED : FORM_NEEDS_MORE;
    if (walk->held_bytes > 0) {
        if (!walk->is_loose)
            return refuse(walk, "a malformed escape");
        event = give_held(walk, text);
    }
    if (event != FORM_NEEDS_MORE)
        return event;
    if (has_name(walk))
        return begin_value(walk, text);
    event = walk->state == FORM_IN_VALUE ? FORM_FIELD_END : FORM_NEEDS_MORE;
    walk->state = FORM_OVER;
    return event;
}
