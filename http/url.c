/*
 * http/url.c - one decoder, one normal form, and what was odd about the original.
 *
 * Three passes: look at the decoded bytes and note what is odd; write the normal
 * form; decode that for matching. Most targets are normal already: they are looked
 * at once and never copied. An encoded slash stays encoded, for it separates
 * nothing (RFC 3986, 2.2).
 *
 * Trust: the target comes from the network; nothing is assumed of its bytes.
 */
#include "http/url.h"

#include "http/scan.h"

/* Why the normal form differs from the original. */
#define HAS_ESCAPES (1u << 30)   /* well-formed: perhaps needless, or lower case */
#define HAS_FORBIDDEN (1u << 31) /* bytes that must be escaped and are not */
#define NEEDS_WRITING                                                                  \
    (HAS_ESCAPES | HAS_FORBIDDEN | URL_HAS_BAD_ESCAPE | URL_HAS_UNICODE_ESCAPE |       \
        URL_HAS_DOT_SEGMENTS)

static bool
is_escape(const char *at, const char *end)
{
    return end - at >= 3 && *at == '%' && scan_is(at[1], SCAN_HEX) &&
        scan_is(at[2], SCAN_HEX);
}

/* The byte that stands at *at, escaped or not; steps over it. */
static unsigned char
take_byte(const char **at, const char *end)
{
    const char *from = *at;

    if (!is_escape(from, end)) {
        *at = from + 1;
        return (unsigned char)*from;
    }
    *at = from + 3;
    return (unsigned char)(scan_hex(from[1]) << 4 | scan_hex(from[2]));
}

/* Follows UTF-8 byte by byte (RFC 3629): no overlong form, no surrogate. */
struct utf8 {
    unsigned left;             /* continuation bytes still to come */
    unsigned char least, most; /* bounds of the next one */
    bool is_bad;
};

static void
utf8_take(struct utf8 *utf8, unsigned char byte)
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

/* Follows decoded bytes, to see whether they hold another escape: %HH or %uHHHH. */
struct second_escape {
    unsigned left; /* hex digits still to come; 0: not in an escape */
    bool after_percent;
};

static bool
is_second_escape(struct second_escape *escape, unsigned char byte)
{
    bool after_percent = escape->after_percent;

    escape->after_percent = byte == '%';
    if (byte == '%')
        escape->left = 2;
    else if (after_percent && (byte | 0x20) == 'u')
        escape->left = 4;
    else if (escape->left > 0 && scan_is((char)byte, SCAN_HEX))
        return --escape->left == 0;
    else
        escape->left = 0;
    return false;
}

/* What is odd about one decoded byte. */
static uint32_t
byte_oddities(unsigned char byte, bool is_escaped, bool in_query)
{
    if (byte >= 0x80)
        return URL_HAS_HIGH_BIT;
    if (byte == '\0')
        return URL_HAS_NUL;
    if (byte == '\r' || byte == '\n')
        return URL_HAS_LINE_END;
    if (byte < 0x20 || byte == 0x7f)
        return URL_HAS_CONTROL;
    if (byte == '\\')
        return URL_HAS_BACKSLASH;
    if (byte == '/' && is_escaped)
        return URL_HAS_ENCODED_SLASH;
    if (byte == ';' && !is_escaped && !in_query)
        return URL_HAS_PARAMETERS;
    return 0;
}

/* A '%' that begins no escape. */
static uint32_t
percent_oddity(const char *at, const char *end)
{
    if (end - at < 6 || (at[1] | 0x20) != 'u' ||
        scan_while(at + 2, at + 6, SCAN_HEX) != at + 6)
        return URL_HAS_BAD_ESCAPE;
    return URL_HAS_UNICODE_ESCAPE;
}

/* May this byte stand unescaped in the path, in the query? */
static bool
may_stand(unsigned char byte, bool in_query)
{
    return in_query ? byte != '%' && scan_is((char)byte, SCAN_TARGET)
                    : byte == '/' || scan_is((char)byte, SCAN_PATH);
}

/* Everything about the bytes of a path or a query; segments are looked at apart. */
static uint32_t
inspect(struct bytes part, bool in_query)
{
    const char *at = part.at;
    const char *end = part.at + part.length;
    struct utf8 utf8 = { 0 };
    struct second_escape second = { 0 };
    uint32_t odd = 0;

    while (at < end) {
        const char *from = at;
        unsigned char byte = take_byte(&at, end);
        bool is_escaped = at - from == 3;

        if (is_escaped)
            odd |= HAS_ESCAPES;
        else if (byte == '%')
            odd |= percent_oddity(from, end);
        else if (!may_stand(byte, in_query))
            odd |= HAS_FORBIDDEN;
        odd |= byte_oddities(byte, is_escaped, in_query);
        utf8_take(&utf8, byte);
        if (is_second_escape(&second, byte))
            odd |= URL_HAS_DOUBLE_ENCODING;
    }
    return utf8.is_bad || utf8.left > 0 ? odd | URL_HAS_BAD_UTF8 : odd;
}

/* 1 for ".", 2 for "..", however they are spelled; 0 for any other segment. */
static unsigned
dots_of(struct bytes segment)
{
    const char *at = segment.at;
    const char *end = segment.at + segment.length;
    unsigned dots = 0;

    while (at < end && dots <= 2) {
        if (take_byte(&at, end) != '.')
            return 0;
        dots++;
    }
    return dots <= 2 && at == end ? dots : 0;
}

/*
 * Some servers cut parameters off before they resolve dots ("/owa/..;/ecp"), so
 * these count as dots for the judge, though not for us.
 */
static bool
hides_dots(struct bytes segment)
{
    const char *semicolon = memchr(segment.at, ';', segment.length);

    if (semicolon != NULL)
        return dots_of(bytes_of(segment.at, (size_t)(semicolon - segment.at))) > 0;
    return dots_of(segment) > 0 && memchr(segment.at, '%', segment.length) != NULL;
}

/* What is odd about the segments of a path. */
static uint32_t
inspect_segments(struct bytes path)
{
    struct bytes rest = path;
    uint32_t odd = 0;
    size_t depth = 0;

    bytes_cut(&rest, '/'); /* nothing stands before the first one */
    while (rest.at != NULL) {
        struct bytes segment = bytes_cut(&rest, '/');
        unsigned dots = dots_of(segment);

        if (dots > 0)
            odd |= URL_HAS_DOT_SEGMENTS;
        if (hides_dots(segment))
            odd |= URL_HAS_DISGUISED_DOTS;
        if (segment.length == 0 && rest.at != NULL)
            odd |= URL_HAS_EMPTY_SEGMENTS;
        if (dots == 2 && depth == 0)
            odd |= URL_CLIMBS;
        if (dots == 2 && depth > 0)
            depth--;
        if (dots == 0)
            depth++;
    }
    return odd;
}

static char *
write_escape(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    *to++ = '%';
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

/*
 * Normal spelling. What may stand as it is stands as it is; an escaped byte stays
 * escaped unless it is unreserved, for reserved ones mean something else unescaped.
 */
static char *
write_normal(char *to, struct bytes part, bool in_query)
{
    const char *at = part.at;
    const char *end = part.at + part.length;

    while (at < end) {
        const char *from = at;
        unsigned char byte = take_byte(&at, end);
        bool is_escaped = at - from == 3;

        if (is_escaped ? !in_query && scan_is((char)byte, SCAN_UNRESERVED)
                       : may_stand(byte, in_query))
            *to++ = (char)byte;
        else
            to = write_escape(to, byte);
    }
    return to;
}

/* Resolves dot segments as it goes (RFC 3986, 5.2.4). */
static char *
write_path(char *const start, struct bytes path)
{
    struct bytes rest = path;
    char *to = start;

    bytes_cut(&rest, '/');
    while (rest.at != NULL) {
        struct bytes segment = bytes_cut(&rest, '/');
        unsigned dots = dots_of(segment);

        if (dots == 2)
            while (to > start && *--to != '/')
                continue; /* escapes hold no '/', so this one began a segment */
        if (dots == 0 || rest.at == NULL)
            *to++ = '/';
        if (dots == 0)
            to = write_normal(to, segment, false);
    }
    return to;
}

static struct bytes
decode(char *to, struct bytes path)
{
    const char *at = path.at;
    const char *end = path.at + path.length;
    char *const start = to;

    while (at < end)
        *to++ = (char)take_byte(&at, end);
    return bytes_of(start, (size_t)(to - start));
}

/* Room for the normal form: it is longer than the original only by new escapes. */
static size_t
most_bytes(const struct url *url, uint32_t odd)
{
    size_t bytes = url->path.length + url->query.length;
    bool has_new =
        (odd & (HAS_FORBIDDEN | URL_HAS_BAD_ESCAPE | URL_HAS_UNICODE_ESCAPE)) != 0;

    return (has_new ? 3 * bytes : bytes) + 1; /* '?' */
}

/* `url` holds the original's parts; they become the normal form's. */
static enum fault
rewrite(struct url *url, uint32_t odd, struct arena *arena)
{
    char *canonical = arena_take(arena, most_bytes(url, odd));
    char *decoded, *end;

    if (canonical == NULL)
        return FAULT_MEMORY;
    end = write_path(canonical, url->path);
    url->path = bytes_of(canonical, (size_t)(end - canonical));
    if (url->query.at != NULL) {
        char *query = end + 1;

        *end = '?';
        end = write_normal(query, url->query, true);
        url->query = bytes_of(query, (size_t)(end - query));
    }
    url->canonical = bytes_of(canonical, (size_t)(end - canonical));
    decoded = arena_take(arena, url->path.length);
    if (decoded == NULL)
        return FAULT_MEMORY;
    url->decoded = decode(decoded, url->path);
    return FAULT_NONE;
}

enum fault
url_canonicalise(struct bytes target, struct arena *arena, struct url *url)
{
    struct bytes rest = target;
    uint32_t odd, query_odd;

    *url = (struct url){ .canonical = target };
    url->path = url->decoded = bytes_cut(&rest, '?');
    url->query = rest;
    if (bytes_equal(target, BYTES("*")))
        return FAULT_NONE;

    odd = inspect(url->path, false) | inspect_segments(url->path);
    query_odd = url->query.at == NULL ? 0 : inspect(url->query, true);
    url->oddities = odd & ~(HAS_ESCAPES | HAS_FORBIDDEN);
    url->query_oddities = query_odd & ~(HAS_ESCAPES | HAS_FORBIDDEN);
    if (((odd | query_odd) & NEEDS_WRITING) == 0)
        return FAULT_NONE;
    return rewrite(url, odd | query_odd, arena);
}

enum fault
url_judge(const struct url *url)
{
    uint32_t odd = url->oddities;
    uint32_t any = odd | url->query_oddities;

    if ((any & URL_HAS_UNICODE_ESCAPE) != 0)
        return FAULT_URL_UNICODE_ESCAPE;
    if ((any & URL_HAS_BAD_ESCAPE) != 0)
        return FAULT_URL_ESCAPE;
    if ((odd & URL_HAS_DOUBLE_ENCODING) != 0)
        return FAULT_URL_DOUBLE_ENCODED;
    if ((any & (URL_HAS_NUL | URL_HAS_LINE_END)) != 0 || (odd & URL_HAS_CONTROL) != 0)
        return FAULT_URL_CONTROL;
    if ((odd & URL_HAS_BACKSLASH) != 0)
        return FAULT_URL_BACKSLASH;
    if ((odd & URL_HAS_ENCODED_SLASH) != 0)
        return FAULT_URL_ENCODED_SLASH;
    if ((odd & URL_HAS_BAD_UTF8) != 0)
        return FAULT_URL_UTF8;
    if ((odd & (URL_CLIMBS | URL_HAS_DISGUISED_DOTS)) != 0)
        return FAULT_URL_CLIMBS;
    return FAULT_NONE;
}
