/*
 * cli/schema.c - `postern schema`: the configuration's schema for editors, or as a page.
 */
#include "cli/schema.h"

#include <stdio.h>
#include <string.h>

#include "config/schema_json.h"
#include "config/schema_markdown.h"

static const char usage[] =
    "usage: postern schema [--markdown]\n"
    "\n"
    "Prints the JSON Schema (draft 7) of the configuration; with --markdown the page\n"
    "docs/configuration.md.\n";

int
cli_schema(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc == 1) {
        schema_print_json(stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--markdown") == 0) {
        schema_print_markdown(stdout);
        return 0;
    }
    fputs(usage, stderr);
    return 2;
}
