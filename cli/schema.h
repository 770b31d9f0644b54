/*
 * cli/schema.h - `postern schema`.
 */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

/* argv[0] is the verb. Exit status: 0 printed, 2 usage. */
int cli_schema(int argc, char **argv);

#endif
