/*
 * http/form_walk.c - the structure of an application/x-www-form-urlencoded body.
 *
 * Knows no name of a field. Owns nothing.
 *
 * Trust: the bytes come from the network.
 */
#include "http/form_walk.h"

#include "http/scan.h"

/* The first byte from `at` on that means something inside a value, or `end`. */
static const char *
skip_plain(const char *at, const char *end)
{
    while (at < end && *at != '%' && *at != '&' && scan_is(*at, SCAN_TEXT))
        at++;
    return at;
}

static const char *
count_name_byte(struct form_walk *walk)
{
    return ++walk->name_bytes > FORM_NAME_BYTES_MAX ? "the name of a field is too long"
                                                    : NULL;
}

static const char *
take_digit(struct form_walk *walk, char c)
{
    if (!scan_is(c, SCAN_HEX))
        return "a malformed escape";
    walk->escaped = walk->escaped << 4 | scan_hex(c);
    if (--walk->digits_left > 0 || walk->in_value)
        return NULL;
    if (walk->escaped < ' ' || walk->escaped == 0x7f)
        return "a control character in the name of a field";
    return count_name_byte(walk);
}

static const char *
begin_field(struct form_walk *walk)
{
    walk->in_value = false;
    walk->name_bytes = 0;
    return ++walk->fields >= FORM_FIELDS_MAX ? "too many fields" : NULL;
}

static const char *
take_byte(struct form_walk *walk, char c)
{
    if (walk->digits_left > 0)
        return take_digit(walk, c);
    if (c == '&')
        return begin_field(walk);
    if (!scan_is(c, SCAN_TEXT))
        return "a control character";
    if (c == '%') {
        walk->digits_left = 2;
        walk->escaped = 0;
        return NULL;
    }
    if (walk->in_value)
        return NULL;
    if (c == '=') {
        walk->in_value = true;
        return NULL;
    }
    return count_name_byte(walk);
}

const char *
form_walk_take(struct form_walk *walk, struct bytes piece)
{
    const char *at = piece.at, *end = piece.at + piece.length;
    const char *flaw = NULL;

    while (at < end && flaw == NULL) {
        if (walk->in_value && walk->digits_left == 0)
            at = skip_plain(at, end);
        if (at < end)
            flaw = take_byte(walk, *at++);
    }
    return flaw;
}

const char *
form_walk_end(const struct form_walk *walk)
{
    return walk->digits_left > 0 ? "a malformed escape" : NULL;
}
