/*
 * tests/config/verbs.c - the verbs about the configuration, without the rest of postern.
 */
#include <stdio.h>
#include <string.h>

#include "cli/check.h"
#include "cli/schema.h"
#include "cli/show_application.h"
#include "cli/show_config.h"

int
main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "check") == 0)
        return cli_check(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "show-config") == 0)
        return cli_show_config(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "show-application") == 0)
        return cli_show_application(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "schema") == 0)
        return cli_schema(argc - 1, argv + 1);
    fputs("usage: config_verbs check|show-config|show-application|schema ...\n",
        stderr);
    return 2;
}
