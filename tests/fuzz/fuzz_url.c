/*
 * tests/fuzz/fuzz_url.c - any bytes as a target, against a second, simpler reader.
 *
 * The reader below follows RFC 3986 literally: cut at '/', decode, resolve, encode.
 * Both must come to the same path. A normal form's normal form is itself, and
 * nothing that a judge let pass is worth refusing in its normal form.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/require.h"
#include "http/url.h"

#define TARGET_BYTES 4096
#define ARENA_BYTES ((size_t)64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    size_t length;
    char bytes[3 * TARGET_BYTES + 2];
};

static int
hex_of(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at =
        c == '\0' ? NULL : strchr(digits, c >= 'a' && c <= 'f' ? c - 32 : c);

    return at == NULL ? -1 : (int)(at - digits);
}

static void
put(struct text *text, char c)
{
    require(text->length < sizeof text->bytes);
    text->bytes[text->length++] = c;
}

/* One character: the bytes of its escape, or one. *value is what it stands for. */
static size_t
character_at(struct bytes part, size_t at, int *value)
{
    *value = (unsigned char)part.at[at];
    if (part.at[at] == '%' && at + 2 < part.length && hex_of(part.at[at + 1]) >= 0 &&
        hex_of(part.at[at + 2]) >= 0) {
        *value = hex_of(part.at[at + 1]) * 16 + hex_of(part.at[at + 2]);
        return 3;
    }
    return 1;
}

static void
put_segment(struct text *text, struct bytes segment)
{
    static const char unreserved[] = "-._~0123456789abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char others[] = "!$&'()*+,;=:@|^[]";
    size_t width;

    for (size_t at = 0; at < segment.length; at += width) {
        int value;

        width = character_at(segment, at, &value);
        if (value != 0 &&
            (strchr(unreserved, value) != NULL ||
                (width == 1 && strchr(others, value) != NULL))) {
            put(text, (char)value);
            continue;
        }
        put(text, '%');
        put(text, "0123456789ABCDEF"[value / 16]);
        put(text, "0123456789ABCDEF"[value % 16]);
    }
}

/* How many dots the segment is, if it is nothing else. */
static size_t
dots_in(struct bytes segment)
{
    size_t dots = 0;
    size_t width;

    for (size_t at = 0; at < segment.length; at += width) {
        int value;

        width = character_at(segment, at, &value);
        if (value != '.')
            return 0;
        dots++;
    }
    return dots;
}

/* The path resolved the long way: a list of segments, then its text. */
static void
normalise(struct bytes path, struct text *text)
{
    static struct bytes segments[TARGET_BYTES + 1];
    size_t count = 0;
    bool is_folder = false;
    size_t from = 1;

    for (size_t at = 1; at <= path.length; at++) {
        struct bytes segment;
        size_t dots;

        if (at < path.length && path.at[at] != '/')
            continue;
        segment = bytes_of(path.at + from, at - from);
        dots = dots_in(segment);
        from = at + 1;
        if (dots == 2 && count > 0)
            count--;
        if (dots != 1 && dots != 2)
            segments[count++] = segment;
        is_folder = dots == 1 || dots == 2; /* of the last one */
    }
    text->length = 0;
    for (size_t i = 0; i < count; i++) {
        put(text, '/');
        put_segment(text, segments[i]);
    }
    if (is_folder)
        put(text, '/');
}

static void
require_clean(struct bytes canonical)
{
    for (size_t i = 0; i < canonical.length; i++)
        require(canonical.at[i] > ' ' && canonical.at[i] < 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char target[TARGET_BYTES + 1];
    static struct text expected;
    struct arena arena;
    struct url url, again;
    struct bytes rest;

    if (size >= TARGET_BYTES)
        return 0;
    target[0] = '/'; /* the head parser lets no other path pass */
    if (size > 0)
        memcpy(target + 1, data, size);

    arena_init(&arena, ARENA_BYTES);
    require(url_canonicalise(bytes_of(target, size + 1), &arena, &url) == FAULT_NONE);
    require(url.path.length > 0 && url.path.at[0] == '/');
    require_clean(url.canonical);

    rest = bytes_of(target, size + 1);
    normalise(bytes_cut(&rest, '?'), &expected);
    require(bytes_equal(url.path, bytes_of(expected.bytes, expected.length)));

    require(url_canonicalise(url.canonical, &arena, &again) == FAULT_NONE);
    require(bytes_equal(again.canonical, url.canonical));
    require(bytes_equal(again.decoded, url.decoded));
    require(bytes_equal(again.further, url.further));
    require((again.oddities & (URL_HAS_DOT_SEGMENTS | URL_CLIMBS)) == 0);
    require((url.oddities | again.oddities) == url.oddities);
    if (url_judge(&url) == FAULT_NONE)
        require(url_judge(&again) == FAULT_NONE);
    arena_clear(&arena);
    return 0;
}
