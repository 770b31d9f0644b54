/*
 * config/schema_json.h - the schema for editors and for other people's tools.
 */
#ifndef CONFIG_SCHEMA_JSON_H
#define CONFIG_SCHEMA_JSON_H

#include <stdio.h>

/* Writes a JSON Schema (draft 7) of the main file. */
void schema_print_json(FILE *to);

#endif
