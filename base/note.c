/*
 * base/note.c - one short line of detail beside a fault.
 *
 * Owns nothing. What goes in may later stand in a log: never a secret.
 */
#include "base/note.h"

#include <stdarg.h>
#include <stdio.h>

void
note_set(struct note *note, const char *format, ...)
{
    va_list arguments;

    if (note == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(note->text, sizeof note->text, format, arguments);
    va_end(arguments);
}
