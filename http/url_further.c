/*
 * http/url_further.c - what a path becomes for servers that decode more than they should.
 *
 * An encoded percent sign is a percent sign (RFC 3986, 2.4), and names have some:
 * "100%25.pdf". But a server behind a server may decode again, and a program on Windows
 * may ask for the path in a code page, which turns look-alikes into ASCII ("best fit":
 * WideCharToMultiByte without WC_NO_BEST_FIT_CHARS). So the path is read as these
 * would, and what they would take for a separator, a dot segment or a control is odd;
 * all else passes, and the filter compares both readings with what is closed.
 *
 * Trust: the path comes from the network; nothing is assumed of its bytes.
 */
#include "http/url_priv.h"

/* Nobody encodes a name oftener by right; what is left then is refused. */
#define ROUNDS_MAX 4

void
url_utf8_take(struct url_utf8 *utf8, unsigned char byte)
{
    if (utf8->left > 0) {
        if (byte < utf8->least || byte > utf8->most)
            utf8->is_bad = true;
        utf8->left--;
        utf8->least = 0x80;
        utf8->most = 0xbf;
        return;
    }
    if (byte < 0x80)
        return;
    if (byte < 0xc2 || byte > 0xf4)
        utf8->is_bad = true;
    utf8->left = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    utf8->least = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    utf8->most = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
}

struct bytes
url_decode(struct bytes text, struct arena *arena)
{
    const char *at = text.at;
    const char *end = text.at + text.length;
    char *const start = arena_take(arena, text.length);
    char *to = start;

    if (start == NULL)
        return bytes_of(NULL, 0);
    while (at < end)
        *to++ = (char)url_take_byte(&at, end);
    return bytes_of(start, (size_t)(to - start));
}

/* %uXXXX, which only IIS and old scripts read: nobody escapes so by right. */
static bool
has_unicode_escape(struct bytes text)
{
    const char *end = text.at + text.length;
    const char *at = memchr(text.at, '%', text.length);

    for (; at != NULL; at = memchr(at + 1, '%', (size_t)(end - at - 1)))
        if (end - at >= 6 && (at[1] | 0x20) == 'u' &&
            scan_while(at + 2, at + 6, SCAN_HEX) == at + 6)
            return true;
    return false;
}

static bool
has_escape(struct bytes text)
{
    const char *end = text.at + text.length;
    const char *at = memchr(text.at, '%', text.length);

    for (; at != NULL; at = memchr(at + 1, '%', (size_t)(end - at - 1)))
        if (url_is_escape(at, end))
            return true;
    return false;
}

/* Is an escape of `text` a separator, a control, or part of no UTF-8? */
static bool
has_bad_byte(struct bytes text)
{
    const char *at = text.at;
    const char *end = text.at + text.length;
    struct url_utf8 utf8 = { 0 };
    bool has_high = false;

    while (at < end) {
        const char *from = at;
        unsigned char byte = url_take_byte(&at, end);
        bool is_escaped = at - from == 3;

        url_utf8_take(&utf8, byte);
        if (is_escaped &&
            (byte == '/' || byte == '\\' || byte == 0x7f ||
                (byte < 0x20 && byte != '\t')))
            return true;
        has_high |= is_escaped && byte >= 0x80;
    }
    return has_high && (utf8.is_bad || utf8.left > 0);
}

/* Up to the first ';', however it is spelled. */
static struct bytes
before_parameters(struct bytes segment)
{
    const char *at = segment.at;
    const char *end = segment.at + segment.length;

    while (at < end) {
        const char *from = at;

        if (url_take_byte(&at, end) == ';')
            return bytes_of(segment.at, (size_t)(from - segment.at));
    }
    return segment;
}

/* Does a segment become "." or ".." by its escapes? */
static bool
has_dots(struct bytes text)
{
    struct bytes rest = text;

    while (rest.at != NULL) {
        struct bytes segment = bytes_cut(&rest, '/');

        if (memchr(segment.at, '%', segment.length) != NULL &&
            url_dots(before_parameters(segment)) > 0)
            return true;
    }
    return false;
}

/* --- look-alikes --- */

/*
 * The ASCII byte that a code page has for the three bytes of UTF-8, or two, at `at`; 0 if
 * none that matters. From Microsoft's best fit of the pages 874 to 1258: U+FF01 to U+FF5E;
 * fraction and division slash; set minus, and in Asian pages yen and won, as backslash;
 * and, for programs that normalise instead (NFKC), small and one-dot-leader forms.
 */
static char
best_fit(const unsigned char *at, size_t length, size_t *width)
{
    static const struct {
        unsigned short code;
        char is;
    } fits[] = { { 0x00a5, '\\' }, { 0x2024, '.' }, { 0x2044, '/' }, { 0x20a9, '\\' },
        { 0x2215, '/' }, { 0x2216, '\\' }, { 0xfe52, '.' }, { 0xfe68, '\\' } };
    unsigned code = 0;

    *width = 1;
    if (length >= 2 && (at[0] & 0xe0) == 0xc0) {
        *width = 2;
        code = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
    } else if (length >= 3 && (at[0] & 0xf0) == 0xe0) {
        *width = 3;
        code = (at[0] & 0x0fu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
    }
    if (code >= 0xff01 && code <= 0xff5e)
        return (char)(code - 0xff01 + '!');
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++)
        if (fits[i].code == code)
            return fits[i].is;
    return 0;
}

static bool
has_high_byte(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.at[i] >= 0x80)
            return true;
    return false;
}

struct bytes
url_fold_best_fit(struct bytes path, struct arena *arena)
{
    const unsigned char *at = (const unsigned char *)path.at;
    char *start, *to;

    if (!has_high_byte(path))
        return path;
    start = to = arena_take(arena, path.length);
    if (start == NULL)
        return bytes_of(NULL, 0);
    for (size_t i = 0, width; i < path.length; i += width) {
        char fit = best_fit(at + i, path.length - i, &width);

        if (fit != 0) {
            *to++ = fit;
            continue;
        }
        memcpy(to, path.at + i, width);
        to += width;
    }
    return bytes_of(start, (size_t)(to - start));
}

/* Does folding bring a separator or a dot segment? */
static bool
has_best_fit(struct bytes path)
{
    const unsigned char *at = (const unsigned char *)path.at;
    size_t dots = 0, others = 0, fitted = 0; /* of the segment */

    for (size_t i = 0, width; i <= path.length; i += width) {
        char byte = '/', fit = 0;

        width = 1;
        if (i < path.length) {
            fit = best_fit(at + i, path.length - i, &width);
            byte = fit != 0 ? fit : path.at[i];
        }
        if (fit == '/' || fit == '\\')
            return true;
        if (byte == '/') {
            if (fitted > 0 && others == 0 && dots <= 2)
                return true;
            dots = others = fitted = 0;
        } else if (byte == '.') {
            dots++;
            fitted += fit != 0;
        } else {
            others++;
        }
    }
    return false;
}

enum fault
url_decode_further(struct url *url, struct arena *arena)
{
    struct bytes text = url->decoded;

    for (unsigned round = 0; has_escape(text); round++) {
        if (round == ROUNDS_MAX || has_bad_byte(text) || has_dots(text))
            url->oddities |= URL_HAS_DOUBLE_ENCODING;
        if (round == ROUNDS_MAX)
            break;
        if (has_unicode_escape(text))
            url->oddities |= URL_HAS_DOUBLE_ENCODING;
        text = url_decode(text, arena);
        if (text.at == NULL)
            return FAULT_MEMORY;
    }
    if (has_unicode_escape(text))
        url->oddities |= URL_HAS_DOUBLE_ENCODING;
    if (has_best_fit(text))
        url->oddities |= URL_HAS_BEST_FIT;
    url->further = text;
    return FAULT_NONE;
}
