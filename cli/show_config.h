/*
 * cli/show_config.h - `postern show-config`.
 */
#ifndef CLI_SHOW_CONFIG_H
#define CLI_SHOW_CONFIG_H

/* argv[0] is the verb. Exit status: 0 shown, 1 not usable or no such setting, 2 usage. */
int cli_show_config(int argc, char **argv);

#endif
