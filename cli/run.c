/*
 * cli/run.c - `postern run`: in the foreground, until it is told to stop.
 *
 * What `check` refuses is refused here, in the same words.
 */
#include <getopt.h>
#include <stdio.h>

#include "cli/verbs.h"
#include "proxy/notary.h"
#include "proxy/parent.h"

static const char usage[] =
    "usage: postern run [--config FILE]\n"
    "\n"
    "Publishes what FILE (default " CONFIG_DEFAULT ") says, in the foreground.\n"
    "Writes the line 'postern ready' when it accepts connections. SIGTERM or Ctrl-C\n"
    "lets requests in flight finish; a second one does not wait.\n";

static int
parse(int argc, char **argv, const char **file)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c') {
            *file = optarg;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    return -1;
}

int
cli_run(int argc, char **argv)
{
    const char *file = CONFIG_DEFAULT;
    struct note note = { "" };
    struct sealed sealed;
    int status = parse(argc, argv, &file);

    if (status >= 0)
        return status;
    if (!notary_seal(file, &sealed, &note)) {
        if (note.text[0] != '\0')
            fprintf(stderr, "postern: %s\n", note.text);
        return 1;
    }
    return parent_run(&sealed);
}
