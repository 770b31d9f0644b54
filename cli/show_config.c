/*
 * cli/show_config.c - `postern show-config`: what is in force, and who said so.
 */
#include "cli/show_config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/verbs.h"
#include "config/load.h"
#include "config/show.h"

static const char usage[] =
    "usage: postern show-config [PATH] [--defaults] [--config FILE]\n"
    "\n"
    "Prints the settings of FILE (default " CONFIG_DEFAULT
    "), each with the file and line\n"
    "it comes from. PATH, such as listeners.public, shows only what lies under it.\n"
    "  --defaults   also what is not written\n";

struct request {
    const char *file, *path;
    bool defaults;
};

/* -1: go on; else the exit status. */
static int
parse(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "defaults", no_argument, NULL, 'd' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool wrong = false;
    int option;

    while ((option = getopt_long(argc, argv, "c:dh", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option == 'c')
            r->file = optarg;
        r->defaults |= option == 'd';
        wrong |= option == '?';
    }
    if (optind < argc)
        r->path = argv[optind++];
    if (wrong || optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    return -1;
}

static int
show(const struct request *r, const struct loaded *loaded,
    struct diagnostics *diagnostics)
{
    if (diagnostics->errors > 0) {
        report_finish(diagnostics);
        diagnostics_print(diagnostics, stderr, diagnostics_may_colour(stderr));
        return 1;
    }
    if (show_settings(loaded->root, r->path, r->defaults, stdout) == 0 &&
        r->path[0] != '\0') {
        fprintf(stderr, "postern: nothing is set at '%s'%s\n", r->path,
            r->defaults ? "" : "; with --defaults there may be");
        return 1;
    }
    return 0;
}

int
cli_show_config(int argc, char **argv)
{
    struct request r = { .file = CONFIG_DEFAULT, .path = "" };
    struct diagnostics diagnostics;
    struct loaded *loaded;
    int status = parse(argc, argv, &r);

    if (status >= 0)
        return status;
    diagnostics_init(&diagnostics);
    loaded = require_zeroed(1, sizeof(*loaded));
    loaded_read(loaded, r.file, &diagnostics);
    status = show(&r, loaded, &diagnostics);
    diagnostics_fini(&diagnostics);
    loaded_fini(loaded);
    free(loaded);
    return status;
}
