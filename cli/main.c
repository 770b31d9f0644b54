/*
 * cli/main.c - the verbs of the command, and which one was meant.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/demo.h"
#include "cli/explain.h"
#include "cli/schema.h"
#include "cli/show_application.h"
#include "cli/show_config.h"
#include "cli/verbs.h"
#include "log/event_doc.h"
#include "proxy/child.h"

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *purpose; /* NULL: not for people */
};

static const struct verb verbs[] = {
    { "run", cli_run, "publish what the configuration says, in the foreground" },
    { "check", cli_check, "find all mistakes of a configuration; needs no network" },
    { "show-config", cli_show_config,
        "the settings in force, and where each comes from" },
    { "show-application", cli_show_application,
        "what a webmail needs: one preset, or a list of all" },
    { "explain", cli_explain, "why a request passes, or would be refused" },
    { "schema", cli_schema, "the JSON Schema of the configuration, for editors" },
    { "events", cli_events, "the reference of events, fields and reasons" },
    { "demo", cli_demo, "try postern with a small webmail of its own" },
    { "version", cli_version, "the version" },
    { "process", cli_process, NULL },
};

#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

static void
explain(FILE *to)
{
    fputs("postern - a small guarded gate for webmail\n\nusage: postern VERB "
          "[OPTIONS]\n\n",
        to);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (verbs[i].purpose != NULL)
            fprintf(to, "  %-16s %s\n", verbs[i].name, verbs[i].purpose);
    }
    fputs("\n'postern VERB --help' tells more.\n", to);
}

int
cli_process(int argc, char **argv)
{
    return argc == 2 ? child_main(argv[1]) : child_main("");
}

int
cli_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("postern " POSTERN_VERSION "\n");
    return 0;
}

int
cli_events(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        fputs("usage: postern events\n\nPrints docs/events.md.\n", stderr);
        return 2;
    }
    event_doc_print(stdout);
    return 0;
}

/*
 * Whoever starts us may have closed a standard descriptor. What is opened next would take
 * its number, and what is printed would go into a configuration, a socket or a channel.
 * A number that is free is the lowest, so /dev/null finds it by itself. False: no /dev/null.
 */
static bool
open_standard_descriptors(void)
{
    int fd = STDIN_FILENO;

    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
    return fd >= 0 && close(fd) == 0;
}

int
main(int argc, char **argv)
{
    if (!open_standard_descriptors())
        return 1;
    if (argc < 2) {
        explain(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        explain(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0)
        return cli_version(0, NULL);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "postern: there is no verb '%s'\n\n", argv[1]);
    explain(stderr);
    return 2;
}
