/*
 * cli/check.h - `postern check`.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

/* argv[0] is the verb. Exit status: 0 usable, 1 not usable, 2 usage. */
int cli_check(int argc, char **argv);

#endif
