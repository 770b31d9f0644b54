/*
 * config/json_text.c - escapes what JSON wants escaped.
 */
#include "config/json_text.h"

#include "base/bytes.h"
#include "config/source.h"

void
json_text(const char *text, FILE *to)
{
    size_t left = strlen(text);

    putc('"', to);
    while (left > 0) {
        size_t length = utf8_length(text, left);
        unsigned char c = (unsigned char)*text;

        if (length == 0)
            fputs("\\ufffd", to);
        else if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(to, "\\u%04x", c);
        else
            fwrite(text, 1, length, to);
        length += length == 0;
        text += length;
        left -= length;
    }
    putc('"', to);
}
