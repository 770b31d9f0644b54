/*
 * cli/explain.c - `postern explain`: the way of one request, a file of
 * expectations, or the meaning of a word.
 *
 * The gates are the data path's own (proxy/trial.h), so what this says is what
 * happens. Knows nothing of a running postern.
 */
#include "cli/explain.h"

#include <getopt.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain_event.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "config/printable.h"

#define HEADERS_MAX 64

static const char usage[] =
    "usage: postern explain --url URL [--method M] [--from ADDRESS] [--header 'N: "
    "V']...\n"
    "                       [--body TEXT|@FILE] [--sni NAME]\n"
    "       postern explain --expect FILE\n"
    "       postern explain ID [--log FILE]\n"
    "       postern explain WORD\n"
    "\n"
    "Says which gates the request would pass, which one would stop it, and what the\n"
    "upstream would get. Nothing is sent. Exit 0: it passes, 1: it does not.\n"
    "  --config FILE   the configuration (default " CONFIG_DEFAULT ")\n"
    "  --format json   for machines\n"
    "  --body TEXT     the body, which is judged, too; @FILE: what is in the file\n"
    "  --sni NAME      the server name of TLS (default: the host of the URL)\n"
    "  --expect FILE   a request per line: 'pass|refused|REASON METHOD URL', then\n"
    "                  'from=ADDRESS', 'header=\"N: V\"', 'body=\"TEXT\"', "
    "'body=@FILE'; blank\n"
    "                  lines and those with # are skipped. Prints what comes out "
    "otherwise\n"
    "  ID              a request's id, as on the error page: what the log tells of it\n"
    "  --log FILE      the log to look in (default: the file that log.to names)\n"
    "  WORD            a reason of the log (http-two-lengths) or a code of check "
    "(T003)\n";

struct command {
    const char *config, *expect, *word, *log, *body;
    bool json;
    struct trial_request request;
    const char *headers[HEADERS_MAX];
};

/* One option of the command line; false when it is not one, or malformed. */
static bool
take(struct command *c, int option)
{
    switch (option) {
    case 'c':
        c->config = optarg;
        return true;
    case 'u':
        c->request.url = optarg;
        return true;
    case 's':
        c->request.server_name = optarg;
        return true;
    case 'm':
        c->request.method = optarg;
        return true;
    case 'a':
        c->request.from = optarg;
        return true;
    case 'e':
        c->expect = optarg;
        return true;
    case 'l':
        c->log = optarg;
        return true;
    case 'b':
        c->body = optarg;
        return true;
    case 'f':
        c->json = strcmp(optarg, "json") == 0;
        return c->json || strcmp(optarg, "text") == 0;
    case 'H':
        if (c->request.header_count == HEADERS_MAX)
            return false;
        c->headers[c->request.header_count++] = optarg;
        return true;
    default:
        return false;
    }
}

/* -1: go on; else the exit status. */
static int
parse(int argc, char **argv, struct command *c)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "url", required_argument, NULL, 'u' },
        { "sni", required_argument, NULL, 's' },
        { "method", required_argument, NULL, 'm' },
        { "from", required_argument, NULL, 'a' },
        { "header", required_argument, NULL, 'H' },
        { "body", required_argument, NULL, 'b' },
        { "expect", required_argument, NULL, 'e' },
        { "format", required_argument, NULL, 'f' },
        { "log", required_argument, NULL, 'l' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool wrong = false;
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        wrong = !take(c, option) || wrong;
    }
    if (optind + 1 == argc)
        c->word = argv[optind++];
    c->request.headers = c->headers;
    if (wrong || optind != argc ||
        (c->request.url != NULL) + (c->expect != NULL) + (c->word != NULL) != 1) {
        fputs(usage, stderr);
        return 2;
    }
    return -1;
}

/* A request's id: 26 characters of Crockford's base 32. */
static bool
is_id(const char *word)
{
    return strlen(word) == 26 && strspn(word, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == 26;
}

static const char *
log_file(const struct snapshot *snapshot, const struct command *c)
{
    const struct log_policy *log = &snapshot->log;

    if (c->log != NULL)
        return c->log;
    for (unsigned i = 0; i < log->target_count; i++) {
        if (log->targets[i].kind == LOG_TO_FILE)
            return log->targets[i].path;
    }
    return NULL;
}

/* trial_run with the body that `word` tells (NULL: none); it is told of in the note. */
static bool
try_request(struct snapshot *snapshot, struct trial_request request, const char *word,
    const char *folder, struct trial *trial, struct note *note)
{
    char *body = NULL;
    bool ok =
        word == NULL || explain_body_read(word, folder, &body, &request.body, note);

    *trial = (struct trial){ .count = 0 };
    ok = ok && trial_run(snapshot, &request, trial, note);
    free(body);
    return ok;
}

static int
explain_request(struct snapshot *snapshot, const struct command *c)
{
    struct note note = { "" };
    struct trial trial;
    int status = 2;

    if (!try_request(snapshot, c->request, c->body, NULL, &trial, &note)) {
        printable_line(stderr, "postern explain: %s", note.text);
    } else {
        (c->json ? explain_print_json : explain_print)(&c->request, &trial, stdout);
        status = trial.fault != FAULT_NONE;
    }
    trial_fini(&trial);
    return status;
}

/* Cuts the next word off `rest`; inside double quotes blanks do not end it. NULL: no more. */
static char *
next_word(char **rest)
{
    char *word, *to;
    bool quoted = false;

    *rest += strspn(*rest, " \t\r\n");
    word = to = *rest;
    while (**rest != '\0' && (quoted || strchr(" \t\r\n", **rest) == NULL)) {
        if (**rest == '"')
            quoted = !quoted;
        else
            *to++ = **rest;
        (*rest)++;
    }
    if (to == word && !quoted && *rest == word)
        return NULL;
    if (**rest != '\0')
        (*rest)++;
    *to = '\0';
    return word;
}

struct expectation {
    const char *outcome, *body;
    struct trial_request request;
    const char *headers[HEADERS_MAX];
};

static bool
take_option(struct expectation *e, const char *word)
{
    if (strncmp(word, "from=", 5) == 0)
        e->request.from = word + 5;
    else if (strncmp(word, "body=", 5) == 0)
        e->body = word + 5;
    else if (strncmp(word, "header=", 7) == 0 && e->request.header_count < HEADERS_MAX)
        e->headers[e->request.header_count++] = word + 7;
    else
        return false;
    return true;
}

/* Reads one line in place; false when it is not of the form that --help tells. */
static bool
read_line(char *line, struct expectation *e)
{
    char *word;

    *e = (struct expectation){ .outcome = next_word(&line) };
    e->request.headers = e->headers;
    e->request.method = next_word(&line);
    e->request.url = next_word(&line);
    while ((word = next_word(&line)) != NULL) {
        if (!take_option(e, word))
            return false;
    }
    return e->outcome != NULL && e->request.url != NULL;
}

static bool
is_as_expected(const char *expected, const struct trial *trial)
{
    if (strcmp(expected, "pass") == 0)
        return trial->fault == FAULT_NONE;
    if (strcmp(expected, "refused") == 0)
        return trial->fault != FAULT_NONE;
    return strcmp(expected, fault_reason(trial->fault)) == 0;
}

/* One line of expectations: 0 as expected, 1 otherwise, 2 malformed. */
static int
check_line(struct snapshot *snapshot, const char *file, unsigned number, char *line)
{
    struct expectation e;
    struct note note = { "" };
    struct trial trial;
    char *copy = strdup(file);
    int status = 2;

    require(copy != NULL);
    if (!read_line(line, &e)) {
        fprintf(stderr, "%s:%u: not of the form that 'postern explain --help' tells\n",
            file, number);
        free(copy);
        return 2;
    }
    if (!try_request(snapshot, e.request, e.body, dirname(copy), &trial, &note)) {
        printable_line(stderr, "%s:%u: %s", file, number, note.text);
    } else {
        status = !is_as_expected(e.outcome, &trial);
        if (status != 0)
            printable_line(stdout, "%s:%u: %s %s: expected %s, found %s", file, number,
                e.request.method, e.request.url, e.outcome,
                trial.fault == FAULT_NONE ? "pass" : fault_reason(trial.fault));
    }
    free(copy);
    trial_fini(&trial);
    return status;
}

/* What the log tells of a request, and its way today. */
static int
explain_id(struct snapshot *snapshot, const struct command *c)
{
    struct command again = { .json = c->json };
    const char *file = log_file(snapshot, c);
    struct explain_event event = { .line = NULL };
    struct note note = { "" };
    int status = 1;

    if (file == NULL) {
        fputs("postern explain: the log is no file here; name one with --log\n",
            stderr);
        return 2;
    }
    if (!explain_event_find(file, c->word, &event, &note)) {
        printable_line(stderr, "postern explain: %s", note.text);
    } else {
        if (!c->json)
            explain_event_print(&event, stdout);
        again.request.method = event.method;
        again.request.url = event.url;
        again.request.from = event.from;
        again.request.listener = event.listener;
        status = explain_request(snapshot, &again);
    }
    explain_event_fini(&event);
    return status;
}

static int
check_expectations(struct snapshot *snapshot, const char *file)
{
    FILE *from = fopen(file, "re");
    unsigned number = 0, tried = 0, wrong = 0;
    char *line = NULL;
    size_t room = 0;
    int worst = 0;

    if (from == NULL) {
        fprintf(stderr, "postern explain: cannot read %s\n", file);
        return 2;
    }
    while (getline(&line, &room, from) >= 0) {
        int status;

        number++;
        if (line[strspn(line, " \t\r\n")] == '\0' || line[strspn(line, " \t")] == '#')
            continue;
        status = check_line(snapshot, file, number, line);
        tried++;
        wrong += status != 0;
        worst = status > worst ? status : worst;
    }
    free(line);
    fclose(from);
    printf("%u requests, %u not as expected\n", tried, wrong);
    return worst;
}

int
cli_explain(int argc, char **argv)
{
    struct command command = { .config = CONFIG_DEFAULT };
    struct diagnostics diagnostics;
    struct snapshot *snapshot;
    int status = parse(argc, argv, &command);

    if (status >= 0)
        return status;
    if (command.word != NULL && !is_id(command.word)) {
        if (explain_word(command.word, stdout))
            return 0;
        printable_line(stderr, "postern explain: '%s' is neither a reason nor a code",
            command.word);
        return 1;
    }
    diagnostics_init(&diagnostics);
    snapshot = config_load(command.config, &diagnostics);
    if (snapshot == NULL)
        diagnostics_print(&diagnostics, stderr, diagnostics_may_colour(stderr));
    diagnostics_fini(&diagnostics);
    if (snapshot == NULL)
        return 1;
    if (command.expect != NULL)
        status = check_expectations(snapshot, command.expect);
    else if (command.word != NULL)
        status = explain_id(snapshot, &command);
    else
        status = explain_request(snapshot, &command);
    snapshot_unref(&snapshot);
    return status;
}
