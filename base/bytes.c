/*
 * base/bytes.c - comparing, cutting and reading views of memory.
 *
 * Knows ASCII and nothing of any protocol. Owns nothing, allocates nothing, and
 * never looks at a locale.
 *
 * Trust: every view may come from the network.
 */
#include "base/bytes.h"

static bool
is_same_nocase(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    return true;
}

bool
bytes_equal_nocase(struct bytes a, struct bytes b)
{
    return a.length == b.length && is_same_nocase(a.at, b.at, a.length);
}

bool
bytes_has_prefix(struct bytes text, struct bytes prefix)
{
    return text.length >= prefix.length &&
        bytes_equal(bytes_of(text.at, prefix.length), prefix);
}

bool
bytes_has_prefix_nocase(struct bytes text, struct bytes prefix)
{
    return text.length >= prefix.length &&
        is_same_nocase(text.at, prefix.at, prefix.length);
}

bool
bytes_contains_nocase(struct bytes text, struct bytes needle)
{
    if (needle.length == 0)
        return true;
    for (; text.length >= needle.length; text.at++, text.length--)
        if (is_same_nocase(text.at, needle.at, needle.length))
            return true;
    return false;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct bytes
bytes_trim(struct bytes text)
{
    while (text.length > 0 && is_blank(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.at[text.length - 1]))
        text.length--;
    return text;
}

struct bytes
bytes_cut(struct bytes *rest, char separator)
{
    struct bytes part = *rest;
    const char *end = part.length == 0 ? NULL : memchr(part.at, separator, part.length);

    if (end == NULL) {
        *rest = (struct bytes){ NULL, 0 };
        return part;
    }
    part.length = (size_t)(end - part.at);
    rest->at = end + 1;
    rest->length -= part.length + 1;
    return part;
}

bool
bytes_to_u64(struct bytes text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;

    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned char)text.at[i] - (unsigned)'0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *number = value;
    return true;
}

bool
bytes_equal_secret(struct bytes a, struct bytes b)
{
    /* volatile keeps the compiler from leaving the loop at the first difference */
    volatile unsigned char difference = 0;

    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        difference |= (unsigned char)(a.at[i] ^ b.at[i]);
    return difference == 0;
}
