/*
 * tests/fuzz/url_oracle.c - a second canonicaliser, to compare the first one with.
 *
 * Written from http/url.h and RFC 3986 by somebody who had not read http/url.c. It is
 * slow and literal: a target becomes a list of characters that know whether they were
 * escaped, paths become lists of segments, and each oddity is looked for by itself.
 * Nothing but the names of the oddities is shared with the one it judges.
 */
#include "url_oracle.h"

#include "base/require.h"
#include "http/url.h"

/* One character of a target: what it stands for, and how that was written. */
struct character {
    unsigned char value;
    bool is_escaped, is_broken; /* a '%' that is no escape */
    bool is_unicode;            /* the '%' of %uXXXX */
};

struct characters {
    size_t count;
    struct character at[sizeof(((struct oracle_text *)NULL)->bytes)];
};

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool
has_hex(struct bytes text, size_t from, size_t count)
{
    if (from + count > text.length)
        return false;
    for (size_t i = 0; i < count; i++)
        if (hex_value(text.at[from + i]) < 0)
            return false;
    return true;
}

static bool
is_unicode_escape(struct bytes text, size_t at)
{
    return at + 1 < text.length && (text.at[at + 1] == 'u' || text.at[at + 1] == 'U') &&
        has_hex(text, at + 2, 4);
}

static void
read_characters(struct bytes text, struct characters *to)
{
    to->count = 0;
    for (size_t i = 0; i < text.length;) {
        struct character c = { .value = (unsigned char)text.at[i] };
        size_t width = 1;

        if (text.at[i] == '%' && has_hex(text, i + 1, 2)) {
            c.value = (unsigned char)(16 * hex_value(text.at[i + 1]) +
                hex_value(text.at[i + 2]));
            c.is_escaped = true;
            width = 3;
        } else if (text.at[i] == '%') {
            c.is_unicode = is_unicode_escape(text, i);
            c.is_broken = !c.is_unicode;
        }
        to->at[to->count++] = c;
        i += width;
    }
}

static void
put(struct oracle_text *text, char c)
{
    require(text->length < sizeof text->bytes);
    text->bytes[text->length++] = c;
}

static void
put_escape(struct oracle_text *text, unsigned char value)
{
    static const char digits[] = "0123456789ABCDEF";

    put(text, '%');
    put(text, digits[value / 16]);
    put(text, digits[value % 16]);
}

static bool
is_in(const char *set, unsigned char value)
{
    return value != 0 && strchr(set, value) != NULL;
}

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
#define SUB_DELIMS "!$&'()*+,;="

static void
put_path_character(struct oracle_text *text, struct character c)
{
    if (is_in(UNRESERVED, c.value) ||
        (!c.is_escaped && is_in(SUB_DELIMS ":@", c.value)))
        put(text, (char)c.value);
    else
        put_escape(text, c.value);
}

/* Brackets stand in queries everywhere, though RFC 3986 has them escaped. */
static void
put_query_character(struct oracle_text *text, struct character c)
{
    if (!c.is_escaped && is_in(UNRESERVED SUB_DELIMS ":@/?[]", c.value))
        put(text, (char)c.value);
    else
        put_escape(text, c.value);
}

static bool
is_dots(const struct character *at, size_t count)
{
    return (count == 1 || count == 2) && at[0].value == '.' &&
        at[count - 1].value == '.';
}

static uint32_t
oddities_of_segment(const struct character *at, size_t count)
{
    uint32_t oddities = 0;
    size_t name = 0;

    while (name < count && (at[name].value != ';' || at[name].is_escaped))
        name++;
    if (name < count)
        oddities |= URL_HAS_PARAMETERS;
    if (!is_dots(at, name))
        return oddities;
    if (name < count)
        return oddities | URL_HAS_DISGUISED_DOTS;
    oddities |= URL_HAS_DOT_SEGMENTS;
    for (size_t i = 0; i < count; i++)
        if (at[i].is_escaped)
            oddities |= URL_HAS_DISGUISED_DOTS;
    return oddities;
}

/* RFC 3986, 5.2.4, on a list of segments: the place and length of each that is left. */
static void
resolve(const struct characters *path, struct oracle_url *url)
{
    static size_t starts[ORACLE_TARGET_BYTES + 1], counts[ORACLE_TARGET_BYTES + 1];
    size_t kept = 0, start = 1;
    bool ends_in_dots = false;

    for (size_t i = 1; i <= path->count; i++) {
        const struct character *at = path->at + start;
        size_t count = i - start;

        if (i < path->count && (path->at[i].value != '/' || path->at[i].is_escaped))
            continue;
        url->oddities |= oddities_of_segment(at, count);
        if (count == 0 && i < path->count)
            url->oddities |= URL_HAS_EMPTY_SEGMENTS;
        ends_in_dots = is_dots(at, count);
        if (ends_in_dots && count == 2 && kept == 0)
            url->oddities |= URL_CLIMBS;
        if (ends_in_dots && count == 2 && kept > 0)
            kept--;
        if (!ends_in_dots) {
            starts[kept] = start;
            counts[kept++] = count;
        }
        start = i + 1;
    }
    for (size_t i = 0; i < kept; i++) {
        put(&url->path, '/');
        for (size_t k = 0; k < counts[i]; k++)
            put_path_character(&url->path, path->at[starts[i] + k]);
    }
    if (ends_in_dots)
        put(&url->path, '/');
}

/* How long the character at `at` is in UTF-8 (RFC 3629, 4), or 0. */
static size_t
utf8_width(const struct characters *text, size_t at)
{
    unsigned char first = text->at[at].value;
    size_t width = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t code = first & masks[width];

    if ((first >= 0x80 && first < 0xc0) || first >= 0xf8 || at + width > text->count)
        return 0;
    for (size_t i = 1; i < width; i++) {
        if ((text->at[at + i].value & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text->at[at + i].value & 0x3fu);
    }
    if (code < smallest[width] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return width;
}

static bool
is_utf8(const struct characters *text)
{
    for (size_t i = 0; i < text->count;) {
        size_t width = utf8_width(text, i);

        if (width == 0)
            return false;
        i += width;
    }
    return true;
}

/* Is there an escape of either kind in what the characters stand for? */
static bool
is_encoded_twice(const struct characters *text)
{
    static char values[ORACLE_TARGET_BYTES];
    struct bytes once = { values, text->count };

    for (size_t i = 0; i < text->count; i++)
        values[i] = (char)text->at[i].value;
    for (size_t i = 0; i < once.length; i++)
        if (values[i] == '%' && (has_hex(once, i + 1, 2) || is_unicode_escape(once, i)))
            return true;
    return false;
}

static uint32_t
oddities_of_characters(const struct characters *text)
{
    uint32_t oddities = 0;

    for (size_t i = 0; i < text->count; i++) {
        struct character c = text->at[i];

        if (c.value == '\0')
            oddities |= URL_HAS_NUL;
        else if (c.value == '\r' || c.value == '\n')
            oddities |= URL_HAS_LINE_END;
        else if (c.value < ' ' || c.value == 0x7f)
            oddities |= URL_HAS_CONTROL;
        if (c.value == '\\')
            oddities |= URL_HAS_BACKSLASH;
        if (c.value == '/' && c.is_escaped)
            oddities |= URL_HAS_ENCODED_SLASH;
        if (c.value >= 0x80)
            oddities |= URL_HAS_HIGH_BIT;
        if (c.is_unicode)
            oddities |= URL_HAS_UNICODE_ESCAPE;
        if (c.is_broken)
            oddities |= URL_HAS_BAD_ESCAPE;
    }
    if (!is_utf8(text))
        oddities |= URL_HAS_BAD_UTF8;
    if (is_encoded_twice(text))
        oddities |= URL_HAS_DOUBLE_ENCODING;
    return oddities;
}

static void
append(struct oracle_text *text, const struct oracle_text *more)
{
    for (size_t i = 0; i < more->length; i++)
        put(text, more->bytes[i]);
}

static void
decode_path(struct oracle_url *url)
{
    static struct characters characters;

    read_characters(bytes_of(url->path.bytes, url->path.length), &characters);
    for (size_t i = 0; i < characters.count; i++)
        put(&url->decoded, (char)characters.at[i].value);
}

void
oracle_canonicalise(struct bytes target, struct oracle_url *url)
{
    static struct characters characters;
    struct bytes path = target, query = { NULL, 0 };
    const char *mark = memchr(target.at, '?', target.length);

    memset(url, 0, sizeof *url);
    if (mark != NULL) {
        path.length = (size_t)(mark - target.at);
        query.at = mark + 1;
        query.length = target.length - path.length - 1;
        url->has_query = true;
    }
    if (target.length == 1 && target.at[0] == '*') {
        put(&url->path, '*');
    } else {
        read_characters(path, &characters);
        url->oddities = oddities_of_characters(&characters);
        resolve(&characters, url);
    }
    decode_path(url);
    append(&url->canonical, &url->path);
    if (!url->has_query)
        return;
    read_characters(query, &characters);
    url->query_oddities = oddities_of_characters(&characters);
    for (size_t i = 0; i < characters.count; i++)
        put_query_character(&url->query, characters.at[i]);
    put(&url->canonical, '?');
    append(&url->canonical, &url->query);
}
