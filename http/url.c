/*
 * http/url.c - one decoder, one normal form, and what was odd about the original.
 *
 * Three passes: look at the decoded bytes and note what is odd; write the normal
 * form; decode that for matching, once and further (http/url_further.c). Most targets are normal already: they are looked
 * at once and never copied. An encoded slash stays encoded, for it separates
 * nothing (RFC 3986, 2.2).
 *
 * Trust: the target comes from the network; nothing is assumed of its bytes.
 */
#include "http/url_priv.h"

/* Why the normal form differs from the original. */
#define HAS_ESCAPES (1u << 30)   /* well-formed: perhaps needless, or lower case */
#define HAS_FORBIDDEN (1u << 31) /* bytes that must be escaped and are not */
#define NEEDS_WRITING                                                                  \
    (HAS_ESCAPES | HAS_FORBIDDEN | URL_HAS_BAD_ESCAPE | URL_HAS_UNICODE_ESCAPE |       \
        URL_HAS_DOT_SEGMENTS)

/* What is odd about one decoded byte. */
static uint32_t
byte_oddities(unsigned char byte, bool is_escaped, bool in_query)
{
    uint32_t raw = 0;

    if (!is_escaped && scan_is((char)byte, SCAN_UNESCAPED))
        raw = URL_HAS_UNESCAPED;
    if (byte >= 0x80)
        return URL_HAS_HIGH_BIT;
    if (byte == '\0')
        return URL_HAS_NUL;
    if (byte == '\r' || byte == '\n')
        return URL_HAS_LINE_END;
    if (byte == '\t')
        return URL_HAS_TAB;
    if (byte < 0x20 || byte == 0x7f)
        return URL_HAS_CONTROL;
    if (byte == '\\')
        return URL_HAS_BACKSLASH | raw;
    if (byte == '/' && is_escaped)
        return URL_HAS_ENCODED_SLASH;
    if (byte == ';' && !is_escaped && !in_query)
        return URL_HAS_PARAMETERS;
    return raw;
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
    if (in_query)
        return byte != '%' && scan_is((char)byte, SCAN_TARGET | SCAN_UNESCAPED);
    return byte == '/' || scan_is((char)byte, SCAN_PATH) || byte == '|' ||
        byte == '^' || byte == '[' || byte == ']'; /* as browsers have it */
}

/* Everything about the bytes of a path or a query; segments are looked at apart. */
static uint32_t
inspect(struct bytes part, bool in_query)
{
    const char *at = part.at;
    const char *end = part.at + part.length;
    struct url_utf8 utf8 = { 0 };
    uint32_t odd = 0;

    while (at < end) {
        const char *from = at;
        unsigned char byte = url_take_byte(&at, end);
        bool is_escaped = at - from == 3;

        if (is_escaped)
            odd |= HAS_ESCAPES;
        else if (byte == '%')
            odd |= percent_oddity(from, end);
        else if (!may_stand(byte, in_query))
            odd |= HAS_FORBIDDEN;
        odd |= byte_oddities(byte, is_escaped, in_query);
        url_utf8_take(&utf8, byte);
    }
    return utf8.is_bad || utf8.left > 0 ? odd | URL_HAS_BAD_UTF8 : odd;
}

/*
 * Some servers cut parameters off before they resolve dots ("/owa/..;/ecp"), some take
 * an encoded ';' for one, and some an encoded slash for a separator: what is a dot
 * segment for them counts as one for the judge, though not for us.
 */
static bool
hides_dots(struct bytes segment)
{
    const char *at = segment.at, *begin = at;
    const char *end = segment.at + segment.length;

    while (at < end) {
        const char *from = at;
        unsigned char byte = url_take_byte(&at, end);

        if (byte != '/' && byte != ';')
            continue;
        if (url_dots(bytes_of(begin, (size_t)(from - begin))) > 0)
            return true;
        if (byte == ';') /* up to the next separator all is parameter */
            while (at < end && url_take_byte(&at, end) != '/')
                continue;
        begin = at;
    }
    return url_dots(bytes_of(begin, (size_t)(end - begin))) > 0 &&
        memchr(segment.at, '%', segment.length) != NULL;
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
        unsigned dots = url_dots(segment);

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
        unsigned char byte = url_take_byte(&at, end);
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
        unsigned dots = url_dots(segment);

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
    char *end;

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
    url->decoded = url_decode(url->path, arena);
    return url->decoded.at == NULL ? FAULT_MEMORY : url_decode_further(url, arena);
}

enum fault
url_canonicalise(struct bytes target, struct arena *arena, struct url *url)
{
    struct bytes rest = target;
    uint32_t odd, query_odd;

    *url = (struct url){ .canonical = target };
    url->path = url->decoded = url->further = bytes_cut(&rest, '?');
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
    if ((any & URL_HAS_UNESCAPED) != 0)
        return FAULT_HTTP_TARGET;
    if ((odd & URL_HAS_DOUBLE_ENCODING) != 0)
        return FAULT_URL_DOUBLE_ENCODED;
    if ((any & (URL_HAS_NUL | URL_HAS_LINE_END)) != 0 ||
        (odd & (URL_HAS_CONTROL | URL_HAS_TAB)) != 0)
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
