/*
 * config/printable.h - text from a file or a stranger, as a terminal may have it.
 *
 * Control characters, and those that are invisible or change the direction of writing, become
 * \u{202E}; a byte that is no UTF-8 becomes \xFF. Tabs stay. Whoever writes these characters
 * themselves looks the same, as in the log.
 */
#ifndef CONFIG_PRINTABLE_H
#define CONFIG_PRINTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/require.h"

#define PRINTABLE_BYTES 16

/*
 * Takes one character off the front of `text`, of which `left` > 0 bytes are there, and writes
 * into `shown`, with a NUL, how it is shown. Returns its length in `text`; `columns` gets what
 * the shown form takes on a terminal, wide characters aside.
 */
size_t printable_one(const char *text, size_t left, char shown[PRINTABLE_BYTES],
    unsigned *columns);

/* The code point at the front; its length, 0 when it is no UTF-8 (then `code` is the byte). */
size_t printable_code(const char *text, size_t left, uint32_t *code);

/* True for what is not shown as it is; a tab is shown. */
bool printable_is_hidden(uint32_t code);

/* True when the whole text is shown as it is. */
bool printable_is(const char *text);

/* A copy for a terminal; the caller frees it. */
char *printable(const char *text);

/* A copy between YAML's double quotes, with its escapes; the caller frees it. */
char *printable_yaml(const char *text);

/* Prints one line; line ends in the arguments are escaped like all else. */
void printable_line(FILE *to, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
