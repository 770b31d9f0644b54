/*
 * http/mime.c - the parameters behind a media type or a disposition.
 *
 * Knows the grammar and no name of a parameter. Owns nothing.
 *
 * Trust: the text comes from the network. Its reader upstream is somebody else's, often
 * main/rfc1867.c of PHP, so that a text with two readings is worth more than a false one.
 */
#include "http/mime.h"

#include "http/scan.h"

struct bytes
mime_word(struct bytes *rest)
{
    return bytes_trim(bytes_cut(rest, ';'));
}

static struct bytes
take(struct bytes *rest, size_t length)
{
    struct bytes taken = bytes_of(rest->at, length);

    rest->at += length;
    rest->length -= length;
    return taken;
}

static struct bytes
take_token(struct bytes *rest)
{
    const char *end = scan_while(rest->at, rest->at + rest->length, SCAN_TOKEN);

    return take(rest, (size_t)(end - rest->at));
}

/* `rest` stands at the first quote. */
static bool
take_quoted(struct bytes *rest, struct bytes *value)
{
    const char *end = memchr(rest->at + 1, '"', rest->length - 1);

    if (end == NULL || end[-1] == '\\')
        return false;
    take(rest, 1);
    *value = take(rest, (size_t)(end - rest->at));
    take(rest, 1);
    return true;
}

static bool
take_value(struct bytes *rest, bool is_extended, struct bytes *value)
{
    if (rest->length > 0 && *rest->at == '"')
        return !is_extended && take_quoted(rest, value);
    *value = take_token(rest);
    return value->length > 0 &&
        (is_extended || memchr(value->at, '\'', value->length) == NULL);
}

enum mime_found
mime_next(struct bytes *rest, struct mime_parameter *parameter)
{
    struct bytes left, *name = &parameter->name;

    if (rest->at == NULL)
        return MIME_END;
    left = bytes_trim(*rest);
    *name = take_token(&left);
    if (name->length == 0 || left.length == 0 || *left.at != '=')
        return MIME_MALFORMED;
    take(&left, 1);
    if (!take_value(&left, name->at[name->length - 1] == '*', &parameter->value))
        return MIME_MALFORMED;

    /* Between the value and the next ';' nothing but blanks may stand. */
    *rest = left;
    if (mime_word(rest).length > 0)
        return MIME_MALFORMED;
    return MIME_PARAMETER;
}
