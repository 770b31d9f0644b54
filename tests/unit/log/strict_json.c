/*
 * tests/unit/log/strict_json.c - is this text one JSON value, to the letter?
 *
 * Written apart from log/json.c on purpose: it shares no code with what it judges.
 */
#include "strict_json.h"

#include <stdlib.h>

#define KEYS_MAX 128
#define DEPTH_MAX 16

struct reader {
    const char *at, *end;
};

static bool read_value(struct reader *r, unsigned depth);

static bool
read_char(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static bool
read_hex4(struct reader *r, unsigned *code)
{
    char text[5] = "";

    if (r->end - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        text[i] = r->at[i];
        if (strchr("0123456789abcdefABCDEF", text[i]) == NULL || text[i] == '\0')
            return false;
    }
    r->at += 4;
    *code = (unsigned)strtoul(text, NULL, 16);
    return true;
}

static bool
read_escape(struct reader *r)
{
    unsigned code;

    if (r->at == r->end)
        return false;

    char c = *r->at++;

    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    if (!read_hex4(r, &code) || (code >= 0xdc00 && code <= 0xdfff))
        return false;
    if (code < 0xd800 || code > 0xdbff)
        return true;
    return read_char(r, '\\') && read_char(r, 'u') && read_hex4(r, &code) &&
        code >= 0xdc00 && code <= 0xdfff;
}

/* One character of more than one byte, by the table of RFC 3629, 4. */
static bool
read_utf8(struct reader *r)
{
    static const struct {
        unsigned char first[2], second[2], length;
    } rows[] = {
        { { 0xc2, 0xdf }, { 0x80, 0xbf }, 2 },
        { { 0xe0, 0xe0 }, { 0xa0, 0xbf }, 3 },
        { { 0xe1, 0xec }, { 0x80, 0xbf }, 3 },
        { { 0xed, 0xed }, { 0x80, 0x9f }, 3 },
        { { 0xee, 0xef }, { 0x80, 0xbf }, 3 },
        { { 0xf0, 0xf0 }, { 0x90, 0xbf }, 4 },
        { { 0xf1, 0xf3 }, { 0x80, 0xbf }, 4 },
        { { 0xf4, 0xf4 }, { 0x80, 0x8f }, 4 },
    };
    const unsigned char *at = (const unsigned char *)r->at;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (at[0] < rows[i].first[0] || at[0] > rows[i].first[1])
            continue;
        if (r->end - r->at < rows[i].length || at[1] < rows[i].second[0] ||
            at[1] > rows[i].second[1])
            return false;
        for (int k = 2; k < rows[i].length; k++)
            if ((at[k] & 0xc0) != 0x80)
                return false;
        r->at += rows[i].length;
        return true;
    }
    return false;
}

static bool
read_string(struct reader *r, struct bytes *inside)
{
    if (!read_char(r, '"'))
        return false;
    inside->at = r->at;
    while (r->at < r->end && *r->at != '"') {
        unsigned char c = (unsigned char)*r->at;

        if (c < 0x20 || c == 0x7f)
            return false;
        if (c == '\\') {
            r->at++;
            if (!read_escape(r))
                return false;
        } else if (c < 0x80) {
            r->at++;
        } else if (!read_utf8(r)) {
            return false;
        }
    }
    inside->length = (size_t)(r->at - inside->at);
    return read_char(r, '"');
}

static bool
read_object(struct reader *r, unsigned depth)
{
    struct bytes keys[KEYS_MAX];
    size_t count = 0;

    if (!read_char(r, '{') || depth == DEPTH_MAX)
        return false;
    do {
        if (count == KEYS_MAX || !read_string(r, &keys[count]) || !read_char(r, ':') ||
            !read_value(r, depth + 1))
            return false;
        for (size_t i = 0; i < count; i++)
            if (bytes_equal(keys[i], keys[count]))
                return false;
        count++;
    } while (read_char(r, ','));
    return read_char(r, '}');
}

static bool
read_array(struct reader *r, unsigned depth)
{
    if (!read_char(r, '[') || depth == DEPTH_MAX)
        return false;
    do
        if (!read_value(r, depth + 1))
            return false;
    while (read_char(r, ','));
    return read_char(r, ']');
}

static bool
read_word(struct reader *r, struct bytes word)
{
    if ((size_t)(r->end - r->at) < word.length ||
        memcmp(r->at, word.at, word.length) != 0)
        return false;
    r->at += word.length;
    return true;
}

/* Whole numbers only: the log has no others. */
static bool
read_number(struct reader *r)
{
    if (read_char(r, '0'))
        return true;

    const char *begin = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > begin && r->at - begin <= 19;
}

static bool
read_value(struct reader *r, unsigned depth)
{
    struct bytes text;

    if (r->at == r->end)
        return false;
    switch (*r->at) {
    case '{':
        return read_object(r, depth);
    case '[':
        return read_array(r, depth);
    case '"':
        return read_string(r, &text);
    case 't':
        return read_word(r, BYTES("true"));
    case 'f':
        return read_word(r, BYTES("false"));
    default:
        return read_number(r);
    }
}

bool
json_is_strict(struct bytes text)
{
    struct reader r = { text.at, text.at + text.length };

    return read_object(&r, 0) && r.at == r.end;
}
