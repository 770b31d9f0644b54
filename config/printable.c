/*
 * config/printable.c - escapes what a terminal obeys instead of showing it.
 */
#include "config/printable.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "config/source.h"

size_t
printable_code(const char *text, size_t left, uint32_t *code)
{
    size_t length = utf8_length(text, left);

    *code = (unsigned char)text[0];
    if (length > 1)
        *code &= 0xffU >> (length + 1);
    for (size_t i = 1; i < length; i++)
        *code = *code << 6 | ((unsigned char)text[i] & 0x3f);
    return length;
}

/* Unicode's general categories Cc, Cf, Zl and Zp, and the blocks in which they lie. */
bool
printable_is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = { { 0, 0x8 }, { 0xa, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad },
        { 0x600, 0x605 }, { 0x61c, 0x61c }, { 0x6dd, 0x6dd }, { 0x70f, 0x70f },
        { 0x890, 0x891 }, { 0x8e2, 0x8e2 }, { 0x180e, 0x180e }, { 0x200b, 0x200f },
        { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb },
        { 0x110bd, 0x110cd }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
        { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff } };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

size_t
printable_one(const char *text, size_t left, char shown[PRINTABLE_BYTES],
    unsigned *columns)
{
    uint32_t code;
    size_t length = printable_code(text, left, &code);

    if (length == 0) {
        *columns = (unsigned)snprintf(shown, PRINTABLE_BYTES, "\\x%02X", code);
        return 1;
    }
    if (printable_is_hidden(code)) {
        *columns = (unsigned)snprintf(shown, PRINTABLE_BYTES, "\\u{%X}", code);
        return length;
    }
    memcpy(shown, text, length);
    shown[length] = '\0';
    *columns = 1;
    return length;
}

bool
printable_is(const char *text)
{
    size_t left = strlen(text), length;
    uint32_t code;

    for (; left > 0; text += length, left -= length) {
        length = printable_code(text, left, &code);
        if (length == 0 || printable_is_hidden(code))
            return false;
    }
    return true;
}

char *
printable(const char *text)
{
    size_t left = strlen(text), length = 0;
    char *copy = require_zeroed(1, left * (PRINTABLE_BYTES - 1) + 1);

    while (left > 0) {
        char shown[PRINTABLE_BYTES];
        unsigned columns;
        size_t step = printable_one(text, left, shown, &columns);

        memcpy(copy + length, shown, strlen(shown));
        length += strlen(shown);
        text += step;
        left -= step;
    }
    return copy;
}

char *
printable_yaml(const char *text)
{
    char *copy = NULL;
    size_t room = 0, left = strlen(text), length;
    FILE *to = open_memstream(&copy, &room);
    uint32_t code;

    require(to != NULL);
    putc('"', to);
    for (; left > 0; text += length, left -= length) {
        length = printable_code(text, left, &code);
        if (code == '"' || code == '\\')
            fprintf(to, "\\%c", (int)code);
        else if (length > 0 && !printable_is_hidden(code))
            fwrite(text, 1, length, to);
        else
            fprintf(to,
                code < 0x100         ? "\\x%02X"
                    : code < 0x10000 ? "\\u%04X"
                                     : "\\U%08X",
                code);
        length += length == 0;
    }
    putc('"', to);
    require(fclose(to) == 0);
    return copy;
}

void
printable_line(FILE *to, const char *format, ...)
{
    va_list arguments;
    char *text, *shown;

    va_start(arguments, format);
    require(vasprintf(&text, format, arguments) >= 0);
    va_end(arguments);
    shown = printable(text);
    fprintf(to, "%s\n", shown);
    free(shown);
    free(text);
}
