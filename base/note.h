/*
 * base/note.h - the detail beside a fault, in memory that the caller owns.
 *
 * Where a function may fail in a way that one enumerator cannot tell (which
 * name the certificate is for, which errno), it writes one short line here.
 * Never a secret, never more than NOTE_BYTES; longer text is cut.
 */
#ifndef BASE_NOTE_H
#define BASE_NOTE_H

#include "base/require.h"

#define NOTE_BYTES 200

struct note {
    char text[NOTE_BYTES]; /* NUL-terminated; empty when there is nothing to say */
};

/* Replaces the text. `note` may be NULL: then nobody wants to know. */
void note_set(struct note *note, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
