/*
 * tests/conformance/variants.c - rows that are better counted than written.
 *
 * Each of the 256 bytes in each place of an otherwise good request; and each bound
 * met, which passes, and passed by one, which does not.
 */
#include <stdio.h>

#include "base/require.h"
#include "tests/conformance/conformance.h"

#define ALPHABET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define TOKEN "!#$%&'*+-.^_`|~" ALPHABET
#define HOST "Host: mail.example.com\r\n"
#define TEXT(literal)                                                                  \
    {                                                                                  \
        (literal), sizeof(literal) - 1                                                 \
    }

/* A request with a gap, and what it gets when the gap holds a byte. */
struct place {
    const char *name;
    struct bytes before, behind;
    const char *legal;   /* these pass, and so do bytes from 0x80 up with takes_high */
    const char *skipped; /* these mean something else here */
    bool takes_high;
    enum fault space, tab, control, other;
};

static const struct place places[] = {
    { "method", TEXT("GE"), TEXT("T / HTTP/1.1\r\n" HOST "\r\n"), TOKEN, "", false,
        FAULT_HTTP_REQUEST_LINE, FAULT_HTTP_METHOD, FAULT_HTTP_METHOD,
        FAULT_HTTP_METHOD },
    { "path", TEXT("GET /a"), TEXT("b HTTP/1.1\r\n" HOST "\r\n"),
        ALPHABET "-._~!$&'()*+,;=:@/?[]", "%", false, FAULT_HTTP_REQUEST_LINE,
        FAULT_HTTP_TARGET, FAULT_HTTP_TARGET, FAULT_HTTP_TARGET },
    { "query", TEXT("GET /?a"), TEXT("b HTTP/1.1\r\n" HOST "\r\n"),
        ALPHABET "-._~!$&'()*+,;=:@/?[]", "%", false, FAULT_HTTP_REQUEST_LINE,
        FAULT_HTTP_TARGET, FAULT_HTTP_TARGET, FAULT_HTTP_TARGET },
    { "version", TEXT("GET / HTTP/1.1"), TEXT("\r\n" HOST "\r\n"), "", "\r", false,
        FAULT_HTTP_REQUEST_LINE, FAULT_HTTP_REQUEST_LINE, FAULT_HTTP_REQUEST_LINE,
        FAULT_HTTP_REQUEST_LINE },
    { "host", TEXT("GET / HTTP/1.1\r\nHost: m"), TEXT("ail.example.com\r\n\r\n"),
        ALPHABET "-._", "", false, FAULT_HTTP_HOST, FAULT_HTTP_HOST,
        FAULT_HTTP_FIELD_VALUE, FAULT_HTTP_HOST },
    { "name", TEXT("GET / HTTP/1.1\r\n" HOST "X"), TEXT("Y: v\r\n\r\n"), TOKEN ":", "",
        false, FAULT_HTTP_FIELD_SPACE, FAULT_HTTP_FIELD_SPACE, FAULT_HTTP_FIELD_NAME,
        FAULT_HTTP_FIELD_NAME },
    { "value", TEXT("GET / HTTP/1.1\r\n" HOST "X: a"), TEXT("b\r\n\r\n"),
        TOKEN ":\"(),/;<=>?@[\\]{} \t", "", true, FAULT_NONE, FAULT_NONE,
        FAULT_HTTP_FIELD_VALUE, FAULT_NONE },
    { "length", TEXT("GET / HTTP/1.1\r\n" HOST "Content-Length: 1"), TEXT("0\r\n\r\n"),
        "", "0123456789", false, FAULT_HTTP_LENGTH, FAULT_HTTP_LENGTH,
        FAULT_HTTP_FIELD_VALUE, FAULT_HTTP_LENGTH },
    { "coding", TEXT("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunk"),
        TEXT("ed\r\n\r\n0\r\n\r\n"), "", "", false, FAULT_HTTP_TRANSFER_ENCODING,
        FAULT_HTTP_TRANSFER_ENCODING, FAULT_HTTP_FIELD_VALUE,
        FAULT_HTTP_TRANSFER_ENCODING },
};

static enum fault
fault_of(const struct place *place, unsigned char byte)
{
    if (byte == '\0')
        return FAULT_HTTP_NUL;
    if (byte == '\n')
        return FAULT_HTTP_BARE_LF;
    if (byte == '\r')
        return FAULT_HTTP_BARE_CR;
    if (strchr(place->legal, byte) != NULL || (place->takes_high && byte >= 0x80))
        return FAULT_NONE;
    if (byte == ' ')
        return place->space;
    if (byte == '\t')
        return place->tab;
    return byte < 0x20 || byte == 0x7f ? place->control : place->other;
}

static void
each_byte(const struct place *place, void (*each)(const struct row *row))
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char raw[512];
        char name[64];
        struct row row = { .name = name };
        size_t before = place->before.length;

        if (byte != 0 && strchr(place->skipped, (int)byte) != NULL)
            continue;
        row.raw = bytes_of(raw, before + 1 + place->behind.length);
        require(row.raw.length <= sizeof raw);
        memcpy(raw, place->before.at, before);
        raw[before] = (char)byte;
        memcpy(raw + before + 1, place->behind.at, place->behind.length);
        snprintf(name, sizeof name, "byte-%02x-in-%s", byte, place->name);
        row.fault = fault_of(place, (unsigned char)byte);
        each(&row);
    }
}

/* --- bounds --- */

static char text[256 * 1024];
static size_t length;

static void
add(struct bytes part)
{
    require(part.length <= sizeof text - length);
    memcpy(text + length, part.at, part.length);
    length += part.length;
}

static void
fill(char byte, size_t count)
{
    require(count <= sizeof text - length);
    memset(text + length, byte, count);
    length += count;
}

static void
write_target(size_t bytes)
{
    add(BYTES("GET /"));
    fill('a', bytes - 1);
    add(BYTES(" HTTP/1.1\r\n" HOST "\r\n"));
}

static void
write_name(size_t bytes)
{
    add(BYTES("GET / HTTP/1.1\r\n" HOST));
    fill('n', bytes);
    add(BYTES(": v\r\n\r\n"));
}

static void
write_value(size_t bytes)
{
    add(BYTES("GET / HTTP/1.1\r\n" HOST "Authorization: "));
    fill('v', bytes);
    add(BYTES("\r\n\r\n"));
}

static void
write_fields(size_t count)
{
    add(BYTES("GET / HTTP/1.1\r\n" HOST));
    for (size_t i = 1; i < count; i++)
        add(BYTES("X: y\r\n"));
    add(BYTES("\r\n"));
}

static void
write_head(size_t bytes)
{
    add(BYTES("GET / HTTP/1.1\r\n" HOST "A: "));
    fill('v', bytes / 2);
    add(BYTES("\r\nB: "));
    fill('v', bytes - length - 4);
    add(BYTES("\r\n\r\n"));
}

static void
write_chunk_line(size_t bytes)
{
    add(BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;"));
    fill('e', bytes - 2);
    add(BYTES("\r\nx\r\n0\r\n\r\n"));
}

static void
write_trailers(size_t bytes)
{
    add(BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\nX:"));
    fill('t', bytes - 6);
    add(BYTES("\r\n\r\n"));
}

static void
write_chunk_digits(size_t digits)
{
    add(BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"));
    fill('0', digits - 1);
    add(BYTES("1\r\nx\r\n0\r\n\r\n"));
}

static void
write_method(size_t bytes)
{
    fill('M', bytes);
    add(BYTES(" / HTTP/1.1\r\n" HOST "\r\n"));
}

static const struct {
    const char *name;
    void (*write)(size_t amount);
    size_t most, furthest; /* further on another bound is passed first */
    enum fault fault;
} bounds[] = {
    { "method", write_method, 32, 100, FAULT_HTTP_METHOD },
    { "target", write_target, 16 * 1024, 100000, FAULT_HTTP_TARGET_LONG },
    { "name", write_name, 128, 100000, FAULT_HTTP_FIELD_LONG },
    { "value", write_value, 48 * 1024, 100000, FAULT_HTTP_FIELD_LONG },
    { "fields", write_fields, 100, 100, FAULT_HTTP_FIELD_COUNT },
    { "head", write_head, 64 * 1024, 100, FAULT_HTTP_HEAD_LONG },
    { "chunk-digits", write_chunk_digits, 16, 100, FAULT_HTTP_CHUNK_SIZE },
    { "chunk-line", write_chunk_line, 64, 100000, FAULT_HTTP_CHUNK_LINE },
    { "trailers", write_trailers, 8 * 1024, 100000, FAULT_HTTP_TRAILER },
};

static void
each_bound(void (*each)(const struct row *row))
{
    static const struct {
        const char *name;
        size_t more;
    } steps[] = { { "met", 0 }, { "passed-by-1", 1 }, { "passed-by-100", 100 },
        { "passed-by-100000", 100000 } };

    char name[64];
    struct row row = { .name = name };

    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        for (size_t j = 0; j < sizeof steps / sizeof *steps; j++) {
            if (steps[j].more > bounds[i].furthest)
                continue;
            length = 0;
            bounds[i].write(bounds[i].most + steps[j].more);
            snprintf(name, sizeof name, "bound-of-%s-%s", bounds[i].name,
                steps[j].name);
            row.raw = bytes_of(text, length);
            row.fault = steps[j].more == 0 ? FAULT_NONE : bounds[i].fault;
            each(&row);
        }
}

void
variants_each(void (*each)(const struct row *row))
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        each_byte(&places[i], each);
    each_bound(each);
}
