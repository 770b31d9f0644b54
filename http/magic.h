/*
 * http/magic.h - what a file really is, by its first bytes.
 *
 * For this folder. The table is http/magic.def.
 */
#ifndef HTTP_MAGIC_H
#define HTTP_MAGIC_H

#include <stdbool.h>

#include "base/bytes.h"

#define MAGIC_BYTES 64 /* more are not looked at */

enum magic_family {
    MAGIC_EXECUTABLE, /* machine or byte code, or a link that starts some */
    MAGIC_SCRIPT,     /* text that a shell, a web server or a browser runs */
    MAGIC_DOCUMENT,
    MAGIC_ARCHIVE,
    MAGIC_MEDIA,
};

struct magic {
    const char *type; /* a media type; static */
    enum magic_family family;
};

/* NULL for what the table does not know. `start` may be shorter than the file's start. */
const struct magic *magic_find(struct bytes start);

/* "MZ", and an offset of the PE header where a program has one. */
bool magic_is_windows_program(struct bytes start);

#endif
