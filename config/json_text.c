/*
 * config/json_text.c - escapes what JSON wants escaped.
 */
#include "config/json_text.h"

#include <string.h>

#include "config/printable.h"

void
json_text(const char *text, FILE *to)
{
    size_t left = strlen(text);

    putc('"', to);
    while (left > 0) {
        uint32_t c;
        size_t length = printable_code(text, left, &c);

        if (length == 0)
            fputs("\\ufffd", to);
        else if (c == '"' || c == '\\')
            fprintf(to, "\\%c", (int)c);
        else if (c > 0xffff && printable_is_hidden(c))
            fprintf(to, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
        else if (c == '\t' || printable_is_hidden(c))
            fprintf(to, "\\u%04x", c);
        else
            fwrite(text, 1, length, to);
        length += length == 0;
        text += length;
        left -= length;
    }
    putc('"', to);
}
