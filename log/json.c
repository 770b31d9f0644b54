/*
 * log/json.c - JSON written into a buffer that does not grow.
 *
 * Trust: texts come from the network, by way of a worker that may be an enemy.
 * Owns nothing; no I/O; safe to fuzz.
 */
#include "log/json.h"

#include <arpa/inet.h>

#include "base/require.h"

/* The longest way to write one character: \uXXXX. Four bytes of UTF-8 stand as they are. */
#define ESCAPE_BYTES ((size_t)6)

/* --- numbers and addresses --- */

/* Writes `number` so that it ends before `end`; returns where it begins. */
static char *
digits_before(char *end, uint64_t number)
{
    do
        *--end = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return end;
}

void
json_put_number(struct json_out *out, uint64_t number)
{
    char digits[20];
    char *end = digits + sizeof(digits), *at = digits_before(end, number);

    json_put(out, bytes_of(at, (size_t)(end - at)));
}

void
json_put_ip(struct json_out *out, struct bytes address)
{
    char text[INET6_ADDRSTRLEN + 2];
    char *end = text + sizeof(text), *at = end;

    *--at = '"';
    if (address.length == 4) {
        /* inet_ntop goes through sprintf: ten times the work. */
        for (size_t i = 4; i-- > 0;) {
            at = digits_before(at, (uint8_t)address.at[i]);
            if (i > 0)
                *--at = '.';
        }
        *--at = '"';
        json_put(out, bytes_of(at, (size_t)(end - at)));
        return;
    }

    require(address.length == 16);
    text[0] = '"';
    require(inet_ntop(AF_INET6, address.at, text + 1, INET6_ADDRSTRLEN) != NULL);
    json_put(out, bytes_of_string(text));
    json_put(out, BYTES("\""));
}

/* --- text --- */

/* A byte that stands for itself. */
static bool
is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/*
 * True when all eight bytes stand for themselves; false may also mean that one of
 * them only might not, for a borrow can run into the next byte.
 */
static bool
are_plain(const char *at)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x80 * ones;
    uint64_t eight;

    memcpy(&eight, at, sizeof(eight));

    uint64_t quotes = eight ^ '"' * ones, backslashes = eight ^ '\\' * ones;
    uint64_t controls = eight - ' ' * ones, dels = eight + ones;

    /* A top bit in any of these: a byte was 0x80 or more, or became 0 less 1. */
    return ((eight | dels | controls | (quotes - ones) | (backslashes - ones)) &
               tops) == 0;
}

/*
 * The length in bytes of the UTF-8 character at the front of `text`, which is not
 * ASCII, and its code point; 0 when that is no shortest-form UTF-8 (RFC 3629, 4).
 */
static size_t
utf8_length(struct bytes text, uint32_t *code)
{
    static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t first = (uint8_t)text.at[0];
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    if (first < 0xc2 || first > 0xf4 || text.length < length)
        return 0;
    *code = first & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        uint8_t next = (uint8_t)text.at[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (next & 0x3f);
    }
    if (*code < smallest[length] || *code > 0x10ffff || (*code & 0x1ff800) == 0xd800)
        return 0;
    return length;
}

/* Characters that a terminal or a viewer obeys instead of showing. */
static bool
is_treacherous(uint32_t code)
{
    return code < 0xa0 ||                     /* C1: 0x9b begins an escape sequence */
        code == 0x61c ||                      /* Arabic letter mark */
        (code >= 0x200b && code <= 0x200f) || /* no width, direction marks */
        (code >= 0x2028 && code <= 0x202e) || /* line ends, embeddings, overrides */
        (code >= 0x2060 && code <= 0x2069) || /* invisible operators, isolates */
        code == 0xfeff;
}

static struct bytes
print_hex(char to[ESCAPE_BYTES], struct bytes prefix, uint32_t code, size_t digits)
{
    memcpy(to, prefix.at, prefix.length);
    for (size_t i = 0; i < digits; i++)
        to[prefix.length + i] = "0123456789abcdef"[code >> 4 * (digits - 1 - i) & 0xf];
    return bytes_of(to, prefix.length + digits);
}

/*
 * Takes one character off the front of `text` and returns how to write it: a view
 * of `text` itself or of `room`.
 */
static struct bytes
escape_one(struct bytes *text, char room[ESCAPE_BYTES])
{
    const char *at = text->at;
    uint32_t code = (uint8_t)*at;
    size_t length = code < 0x80 ? 1 : utf8_length(*text, &code);
    size_t used = length == 0 ? 1 : length;

    text->at += used;
    text->length -= used;
    if (length == 0)
        return print_hex(room, BYTES("\\\\x"), (uint8_t)*at, 2);
    if (code < 0x20 || code == 0x7f || (code >= 0x80 && is_treacherous(code)))
        return print_hex(room, BYTES("\\u"), code, 4);
    if (length > 1)
        return bytes_of(at, length);
    room[0] = '\\'; /* the quote and the backslash are what is left */
    room[1] = *at;
    return bytes_of(room, 2);
}

/* Takes the plain characters off the front of `text`, at most `room` of them. */
static struct bytes
take_plain(struct bytes *text, size_t room)
{
    const char *at = text->at;
    size_t length = 0, most = text->length < room ? text->length : room;

    while (most - length >= 8 && are_plain(at + length))
        length += 8;
    while (length < most && is_plain(at[length]))
        length++;
    text->at += length;
    text->length -= length;
    return bytes_of(at, length);
}

void
json_put_text(struct json_out *out, struct bytes text, size_t limit)
{
    size_t room = (size_t)(out->end - out->at);
    bool limited = limit < room;
    const char *end = out->at + (limited ? limit : room);

    while (text.length > 0) {
        char escaped[ESCAPE_BYTES];
        struct bytes piece = take_plain(&text, (size_t)(end - out->at));

        if (piece.length == 0)
            piece = escape_one(&text, escaped);
        if (piece.length > (size_t)(end - out->at)) {
            out->cut |= limited;
            out->full |= !limited;
            return;
        }
        memcpy(out->at, piece.at, piece.length);
        out->at += piece.length;
    }
}
