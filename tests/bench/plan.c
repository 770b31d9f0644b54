/*
 * tests/bench/plan.c - bench-load's command line.
 *
 * Trust: the caller is tests/bench/run or a person at a terminal.
 */
#include "tests/bench/plan.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: bench-load --port PORT --name NAME --path PATH --expect BYTES\n"
    "                  [--clients N] [--requests N] [--upload BYTES]\n"
    "                  [--reuse connection|session|nothing]\n"
    "\n"
    "Prints \"ready\" after one request per client, waits for a line, sends\n"
    "--requests requests in all, prints the figures as one JSON object, and keeps\n"
    "its connections until standard input ends.\n";

static uint64_t
number_parse(const char *text, uint64_t smallest, uint64_t largest)
{
    char *end;
    unsigned long long number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number < smallest ||
        number > largest)
        errx(1, "\"%s\" is not a number from %ju to %ju", text, (uintmax_t)smallest,
            (uintmax_t)largest);
    return number;
}

static enum reuse
reuse_parse(const char *text)
{
    if (strcmp(text, "connection") == 0)
        return REUSE_CONNECTION;
    if (strcmp(text, "session") == 0)
        return REUSE_SESSION;
    if (strcmp(text, "nothing") == 0)
        return REUSE_NOTHING;
    errx(1, "--reuse takes connection, session or nothing");
}

static void
plan_set(struct plan *plan, int option, const char *value)
{
    switch (option) {
    case 'p':
        plan->port = (uint16_t)number_parse(value, 1, UINT16_MAX);
        break;
    case 'n':
        plan->name = value;
        break;
    case 't':
        plan->path = value;
        break;
    case 'e':
        plan->response_bytes = number_parse(value, 0, INT64_MAX);
        break;
    case 'c':
        plan->clients = (uint32_t)number_parse(value, 1, 1000 * 1000);
        break;
    case 'r':
        plan->requests = (uint32_t)number_parse(value, 0, 1000 * 1000 * 1000);
        break;
    case 'u':
        plan->upload_bytes = number_parse(value, 0, 1u << 30);
        break;
    case 'm':
        plan->reuse = reuse_parse(value);
        break;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

void
plan_parse(struct plan *plan, int argc, char **argv)
{
    static const struct option options[] = {
        { "port", required_argument, NULL, 'p' },
        { "name", required_argument, NULL, 'n' },
        { "path", required_argument, NULL, 't' },
        { "expect", required_argument, NULL, 'e' },
        { "clients", required_argument, NULL, 'c' },
        { "requests", required_argument, NULL, 'r' },
        { "upload", required_argument, NULL, 'u' },
        { "reuse", required_argument, NULL, 'm' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        plan_set(plan, option, optarg);
    if (optind != argc || plan->port == 0 || plan->name == NULL || plan->path == NULL) {
        fputs(usage, stderr);
        exit(2);
    }
}
