/*
 * cli/demo.c - the demonstration: a folder, an internal webmail, postern in front.
 *
 * Prepares, starts two processes (the site; postern itself, exactly as an operator
 * would run it), tells a newcomer what to try, and waits. Signals and postern's
 * output are read in one loop, which alone decides when it is over.
 */
#include "cli/demo.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/note.h"
#include "cli/demo_address.h"
#include "cli/demo_child.h"
#include "cli/demo_folder.h"
#include "cli/demo_page.h"
#include "cli/demo_pki.h"
#include "cli/demo_site.h"

#define ADDRESS_DEFAULT "127.0.0.1:8443"
#define FOLDER_DEFAULT "./postern-demo"
#define READY_LINE "postern ready\n"

struct options {
    const char *folder, *address, *redirect; /* redirect may be NULL */
};

struct demo {
    struct demo_folder folder;
    struct demo_address address, redirect;
    bool redirects;
    struct demo_site site; /* pid -1: not running */
    pid_t postern;         /* -1: not running */
    int output, signals;
    char line[200]; /* of postern's output, as far as it came */
    size_t line_length;
    bool stopping, failed;
};

static const char usage[] =
    "usage: postern demo [--folder DIR] [--address HOST:PORT] [--redirect HOST:PORT]\n"
    "\n"
    "Starts a small internal webmail with a certificate authority of its own, and\n"
    "postern in front of it. Everything that is written lies in one folder.\n"
    "\n"
    "  --folder DIR          that folder (" FOLDER_DEFAULT ")\n"
    "  --address HOST:PORT   where postern listens (" ADDRESS_DEFAULT "); port 0: any\n"
    "  --redirect HOST:PORT  a clear-text port that redirects to https (none)\n"
    "  --help                this text\n";

/* ---- what a newcomer reads ---- */

static void
say_failure(const struct note *note)
{
    fprintf(stderr, "postern demo: %s\n", note->text);
}

/* What to put around a path for the shell; demo_folder_open refuses those with a '. */
static const char *
quote_for(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789/._-";

    return path[strspn(path, plain)] == '\0' ? "" : "'";
}

static void
say_ready(const struct demo *demo)
{
    const char *path = demo->folder.path, *quote = quote_for(path);
    unsigned port = demo->address.port;

    printf("\npostern is ready.\n\n"
           "  Open      https://localhost:%u/\n"
           "  Sign in   name " DEMO_USER ", password " DEMO_PASSWORD "\n\n"
           "The browser will warn that it does not know who signed the certificate. Go "
           "on\n"
           "all the same, or let it trust the demonstration's authority first; its key "
           "no\n"
           "longer exists, so nobody can sign anything else with it:\n"
           "            %s/tls/public-ca.pem\n\n",
        port, path);
    printf(
        "Try as well (a request; clear text, refused; a name that is not published):\n"
        "  curl --cacert %s%s/tls/public-ca.pem%s https://localhost:%u/request\n"
        "  curl http://localhost:%u/\n"
        "  curl --cacert %s%s/tls/public-ca.pem%s -H 'Host: other.example' "
        "https://localhost:%u/\n\n",
        quote, path, quote, port, port, quote, path, quote, port);
    if (demo->redirects)
        printf("  Redirect  http://localhost:%u/\n", demo->redirect.port);
    printf("  Log       %s/postern.log\n"
           "  Settings  %s/postern.yaml\n"
           "  Stop      Ctrl-C\n"
           "  Delete    rm -r %s%s%s\n\n",
        path, path, quote, path, quote);
    fflush(stdout);
}

/* How a process ended, as part of a sentence. */
static void
say_end(const char *who, int status)
{
    if (WIFSIGNALED(status))
        fprintf(stderr, "postern demo: %s was ended by signal %d (%s)\n", who,
            WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        fprintf(stderr, "postern demo: %s ended with exit status %d\n", who,
            WEXITSTATUS(status));
}

/* ---- beginning ---- */

/* 0: go on; otherwise the exit status plus one. */
static int
read_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        { "folder", required_argument, NULL, 'f' },
        { "address", required_argument, NULL, 'a' },
        { "redirect", required_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    static char name[] = "postern demo";
    int letter;

    argv[0] = name; /* getopt_long begins its complaints with it */
    optind = 1;
    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (letter == 'f') {
            options->folder = optarg;
        } else if (letter == 'a') {
            options->address = optarg;
        } else if (letter == 'r') {
            options->redirect = optarg;
        } else {
            fputs(usage, letter == 'h' ? stdout : stderr);
            return letter == 'h' ? 1 : 3;
        }
    }
    if (optind == argc)
        return 0;
    fprintf(stderr, "postern demo: what is %s?\n%s", argv[optind], usage);
    return 3;
}

/* Root's demonstration needs an account to fall back to; others keep their own. */
static const char *
account_for_workers(void)
{
    if (geteuid() != 0)
        return NULL;
    return getpwnam("postern") != NULL ? "postern" : "nobody";
}

static bool
try_address(struct demo_address *address, const char *option, const char *text,
    struct note *note)
{
    struct note why = { "" };

    if (demo_address_try(address, text, &why))
        return true;
    note_set(note, "%s; choose another with %s HOST:PORT (port 0: any free one)",
        why.text, option);
    return false;
}

static bool
try_addresses(struct demo *demo, const struct options *options, struct note *note)
{
    demo->redirects = options->redirect != NULL;
    return try_address(&demo->address, "--address", options->address, note) &&
        (!demo->redirects ||
            try_address(&demo->redirect, "--redirect", options->redirect, note));
}

static bool
configure(const struct demo *demo, const char *user, struct note *note)
{
    char address[80], redirect[80];
    const struct demo_setting setting = {
        .address = address,
        .redirect = demo->redirects ? redirect : NULL,
        .user = user,
        .site_port = demo->site.port,
    };

    snprintf(address, sizeof address, "%s:%u", demo->address.host, demo->address.port);
    snprintf(redirect, sizeof redirect, "%s:%u", demo->redirect.host,
        demo->redirect.port);
    return demo_folder_configure(&demo->folder, &setting, note);
}

/* Before any child, so that the end of none is missed. */
static bool
watch_signals(struct demo *demo, struct note *note)
{
    sigset_t watched;

    sigemptyset(&watched);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGHUP);
    sigaddset(&watched, SIGCHLD);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    demo->signals = signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC);
    if (demo->signals < 0)
        note_set(note, "cannot watch signals: %s", strerror(errno));
    return demo->signals >= 0;
}

static bool
start(struct demo *demo, const struct options *options, struct note *note)
{
    const char *user = account_for_workers();
    const char *const arguments[] = { "postern", "run", "--config", demo->folder.config,
        NULL };

    if (!try_addresses(demo, options, note) ||
        !demo_folder_open(&demo->folder, options->folder, note) ||
        !demo_pki_prepare(demo->folder.tls, time(NULL), note) ||
        !watch_signals(demo, note))
        return false;
    if (!demo_site_start(&demo->site, demo->folder.tls, user, note)) {
        demo->site.pid = -1;
        return false;
    }
    if (!configure(demo, user, note))
        return false;
    demo->postern = demo_child_run(arguments, &demo->output, note);
    return demo->postern > 0;
}

/* ---- waiting ---- */

static void
stop(struct demo *demo)
{
    if (demo->postern > 0)
        kill(demo->postern, demo->stopping ? SIGKILL : SIGTERM);
    demo->stopping = true;
}

static void
on_line(struct demo *demo)
{
    if (strcmp(demo->line, READY_LINE) == 0)
        say_ready(demo);
    else
        fputs(demo->line, stdout);
    fflush(stdout);
    demo->line_length = 0;
}

/* Lines longer than the buffer pass in parts: they are for people, like the others. */
static void
read_output(struct demo *demo)
{
    char part[512];
    ssize_t got = read(demo->output, part, sizeof part);

    if (got <= 0) {
        close(demo->output);
        demo->output = -1;
    }
    for (ssize_t i = 0; i < got; i++) {
        demo->line[demo->line_length++] = part[i];
        demo->line[demo->line_length] = '\0';
        if (part[i] == '\n' || demo->line_length == sizeof demo->line - 1)
            on_line(demo);
    }
}

static void
on_ended(struct demo *demo, pid_t pid, int status)
{
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    if (pid == demo->postern) {
        demo->postern = -1;
        if (!demo->stopping || !well) {
            say_end("postern", status);
            demo->failed = true;
        }
    } else if (pid == demo->site.pid) {
        demo->site.pid = -1;
        close(demo->site.lifeline);
        say_end("the internal site", status);
        demo->failed = true;
        if (!demo->stopping)
            stop(demo);
    }
}

static void
read_signals(struct demo *demo)
{
    struct signalfd_siginfo news;
    int status;
    pid_t pid;

    while (read(demo->signals, &news, sizeof news) == (ssize_t)sizeof news) {
        if (news.ssi_signo == SIGCHLD)
            continue;
        printf("\n%s\n",
            demo->stopping ? "Stopping at once."
                           : "Stopping. (Again Ctrl-C: at once.)");
        fflush(stdout);
        stop(demo);
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        on_ended(demo, pid, status);
}

/* Until postern has ended; what it had said before is passed on. */
static void
watch(struct demo *demo)
{
    while (demo->postern > 0) {
        struct pollfd watched[] = {
            { .fd = demo->signals, .events = POLLIN },
            { .fd = demo->output, .events = POLLIN },
        };

        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            break;
        if (watched[1].revents != 0)
            read_output(demo);
        else if (watched[0].revents != 0)
            read_signals(demo);
    }
}

static void
finish(struct demo *demo)
{
    if (demo->site.pid > 0)
        demo_site_stop(&demo->site);
    if (demo->output >= 0)
        close(demo->output);
    if (demo->signals >= 0)
        close(demo->signals);
}

int
cli_demo(int argc, char **argv)
{
    struct options options = { .folder = FOLDER_DEFAULT, .address = ADDRESS_DEFAULT };
    struct demo demo = { .site.pid = -1, .postern = -1, .output = -1, .signals = -1 };
    struct note note = { "" };
    int ended = read_options(&options, argc, argv);

    if (ended != 0)
        return ended - 1;
    if (start(&demo, &options, &note)) {
        watch(&demo);
    } else {
        say_failure(&note);
        demo.failed = true;
    }
    finish(&demo);
    return demo.failed ? 1 : 0;
}
