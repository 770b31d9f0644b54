/*
 * cli/check.c - `postern check`: all mistakes of a configuration in one run.
 */
#include "cli/check.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"
#include "config/config.h"

static const char usage[] =
    "usage: postern check [--config FILE | FILE] [--format text|json] [--strict] "
    "[--quiet]\n"
    "\n"
    "Finds all mistakes of FILE (default " CONFIG_DEFAULT
    ") and of what it names on this\n"
    "machine. Needs no network. Exit 0: usable, 1: not usable, 2: wrong usage.\n"
    "  --strict   a warning is an error\n"
    "  --quiet    print nothing, only exit\n";

struct request {
    const char *file;
    bool json, strict, quiet;
};

/* -1: go on; else the exit status. */
static int
parse(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "format", required_argument, NULL, 'f' },
        { "strict", no_argument, NULL, 's' },
        { "quiet", no_argument, NULL, 'q' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool wrong = false;
    int option;

    while ((option = getopt_long(argc, argv, "c:f:sqh", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option == 'c')
            r->file = optarg;
        else if (option == 'f')
            r->json = strcmp(optarg, "json") == 0;
        r->strict |= option == 's';
        r->quiet |= option == 'q';
        wrong |=
            option == '?' || (option == 'f' && !r->json && strcmp(optarg, "text") != 0);
    }
    if (r->file == NULL && optind < argc)
        r->file = argv[optind++];
    if (wrong || optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    if (r->file == NULL)
        r->file = CONFIG_DEFAULT;
    return -1;
}

int
cli_check(int argc, char **argv)
{
    struct request r = { 0 };
    struct diagnostics diagnostics;
    struct snapshot *snapshot;
    int status = parse(argc, argv, &r);

    if (status >= 0)
        return status;
    diagnostics_init(&diagnostics);
    snapshot = config_load(r.file, &diagnostics);
    snapshot_unref(&snapshot);
    if (r.strict)
        diagnostics_make_strict(&diagnostics);
    if (r.json)
        diagnostics_print_json(&diagnostics, stdout);
    else if (!r.quiet)
        diagnostics_print(&diagnostics, stdout, diagnostics_may_colour(stdout));
    status = diagnostics.errors == 0 ? 0 : 1;
    diagnostics_fini(&diagnostics);
    return status;
}
