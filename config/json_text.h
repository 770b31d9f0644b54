/*
 * config/json_text.h - a string as JSON (RFC 8259, 7).
 */
#ifndef CONFIG_JSON_TEXT_H
#define CONFIG_JSON_TEXT_H

#include <stdio.h>

/* Writes `text` in quotes; a malformed UTF-8 byte becomes U+FFFD. */
void json_text(const char *text, FILE *to);

#endif
