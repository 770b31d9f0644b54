/*
 * config/schema_markdown.h - the reference page of the configuration.
 */
#ifndef CONFIG_SCHEMA_MARKDOWN_H
#define CONFIG_SCHEMA_MARKDOWN_H

#include <stdio.h>

/* Writes docs/configuration.md: every block, every setting, every message. */
void schema_print_markdown(FILE *to);

#endif
