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
#define NOT_ESCAPED "|^`{}\\"

/* Besides what RFC 3986 lets stand, '|', '^' and brackets, as browsers do. */
static void
put_path_character(struct oracle_text *text, struct character c)
{
    if (is_in(UNRESERVED, c.value) ||
        (!c.is_escaped &&
            is_in(SUB_DELIMS ":@"
                             "|^[]",
                c.value)))
        put(text, (char)c.value);
    else
        put_escape(text, c.value);
}

/* What no browser escapes in a query stands there, whatever RFC 3986 says. */
static void
put_query_character(struct oracle_text *text, struct character c)
{
    if (!c.is_escaped && is_in(UNRESERVED SUB_DELIMS ":@/?[]" NOT_ESCAPED, c.value))
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

static bool
has_escape(const struct character *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (at[i].is_escaped)
            return true;
    return false;
}

static uint32_t
oddities_of_segment(const struct character *at, size_t count)
{
    uint32_t oddities = 0;
    size_t start = 0;

    for (size_t i = 0; i < count; i++)
        if (at[i].value == ';' && !at[i].is_escaped)
            oddities |= URL_HAS_PARAMETERS;
    if (is_dots(at, count))
        oddities |= URL_HAS_DOT_SEGMENTS;
    while (start <= count) { /* what is one segment for us may be several for others */
        size_t name = start, end;

        while (name < count && at[name].value != ';' && at[name].value != '/')
            name++;
        for (end = name; end < count && at[end].value != '/';)
            end++;
        if (is_dots(at + start, name - start) &&
            (name < count || start > 0 || has_escape(at, count)))
            oddities |= URL_HAS_DISGUISED_DOTS;
        start = end + 1;
    }
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
        else if (c.value == '\t')
            oddities |= URL_HAS_TAB;
        else if (c.value < ' ' || c.value == 0x7f)
            oddities |= URL_HAS_CONTROL;
        if (c.value == '\\')
            oddities |= URL_HAS_BACKSLASH;
        if (c.value == '/' && c.is_escaped)
            oddities |= URL_HAS_ENCODED_SLASH;
        if (c.value >= 0x80)
            oddities |= URL_HAS_HIGH_BIT;
        if (!c.is_escaped && is_in(NOT_ESCAPED, c.value))
            oddities |= URL_HAS_UNESCAPED;
        if (c.is_unicode)
            oddities |= URL_HAS_UNICODE_ESCAPE;
        if (c.is_broken)
            oddities |= URL_HAS_BAD_ESCAPE;
    }
    if (!is_utf8(text))
        oddities |= URL_HAS_BAD_UTF8;
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

/* --- read again, as others may --- */

/* Does an escape of these characters stand for what nobody may slip in so? */
static bool
has_smuggled(const struct characters *text)
{
    bool has_high = false;

    for (size_t i = 0; i < text->count; i++) {
        unsigned char value = text->at[i].value;

        if (!text->at[i].is_escaped)
            continue;
        if (value == '/' || value == '\\' || value == 0x7f ||
            (value < ' ' && value != '\t'))
            return true;
        has_high = has_high || value >= 0x80;
    }
    return has_high && !is_utf8(text);
}

/* Is a segment only dots, some of them escaped, whatever follows a ';'? */
static bool
has_smuggled_dots(const struct characters *text)
{
    size_t start = 0;

    for (size_t i = 0; i <= text->count; i++) {
        size_t name = start;

        if (i < text->count && (text->at[i].value != '/' || text->at[i].is_escaped))
            continue;
        while (name < i && text->at[name].value != ';')
            name++;
        /* a '%' that begins no escape counts, too: there is none in a name of dots */
        if (is_dots(text->at + start, name - start))
            for (size_t k = start; k < i; k++)
                if (text->at[k].is_escaped || text->at[k].value == '%')
                    return true;
        start = i + 1;
    }
    return false;
}

/* What a code page of Windows has for a code point; 0 for none that counts. */
static char
look_alike(uint32_t code)
{
    if (code >= 0xff01 && code <= 0xff5e)
        return (char)(code - 0xfee0);
    if (code == 0x2044 || code == 0x2215)
        return '/';
    if (code == 0xa5 || code == 0x20a9 || code == 0x2216 || code == 0xfe68)
        return '\\';
    return code == 0x2024 || code == 0xfe52 ? '.' : 0;
}

/* One character from `*at` on, by the first byte's promise alone. */
static char
take_look_alike(const struct oracle_text *text, size_t *at)
{
    const unsigned char *bytes = (const unsigned char *)text->bytes + *at;
    size_t left = text->length - *at;
    uint32_t code = 0;

    if (bytes[0] >= 0xe0 && bytes[0] <= 0xef && left >= 3) {
        code = (bytes[0] & 15u) * 4096 + (bytes[1] & 63u) * 64 + (bytes[2] & 63u);
        *at += 3;
    } else if (bytes[0] >= 0xc0 && bytes[0] <= 0xdf && left >= 2) {
        code = (bytes[0] & 31u) * 64 + (bytes[1] & 63u);
        *at += 2;
    } else {
        *at += 1;
    }
    return look_alike(code);
}

static bool
has_look_alikes(const struct oracle_text *text)
{
    size_t length = 0;
    bool only_dots = true, is_false = false; /* of the segment so far */

    for (size_t at = 0; at < text->length;) {
        char plain = text->bytes[at];
        char seen = take_look_alike(text, &at);

        if (seen == '/' || seen == '\\')
            return true;
        if (plain == '/') {
            if (only_dots && is_false && length <= 2)
                return true;
            length = 0;
            only_dots = true;
            is_false = false;
            continue;
        }
        length++;
        only_dots = only_dots && (seen == '.' || plain == '.');
        is_false = is_false || seen == '.';
    }
    return only_dots && is_false && length <= 2;
}

static bool
has_unicode(const struct oracle_text *text)
{
    struct bytes all = bytes_of(text->bytes, text->length);

    for (size_t i = 0; i < all.length; i++)
        if (all.at[i] == '%' && is_unicode_escape(all, i))
            return true;
    return false;
}

static void
read_further(struct oracle_url *url)
{
    static struct characters again;

    url->further = url->decoded;
    for (unsigned round = 0; round <= 4; round++) {
        if (has_unicode(&url->further))
            url->oddities |= URL_HAS_DOUBLE_ENCODING;
        read_characters(bytes_of(url->further.bytes, url->further.length), &again);
        if (!has_escape(again.at, again.count))
            break;
        if (round == 4 || has_smuggled(&again) || has_smuggled_dots(&again))
            url->oddities |= URL_HAS_DOUBLE_ENCODING;
        if (round == 4)
            break;
        url->further.length = 0;
        for (size_t i = 0; i < again.count; i++)
            put(&url->further, (char)again.at[i].value);
    }
    if (has_look_alikes(&url->further))
        url->oddities |= URL_HAS_BEST_FIT;
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
    read_further(url);
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
