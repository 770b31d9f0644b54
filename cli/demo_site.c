/*
 * cli/demo_site.c - a listening socket, and one process per client.
 *
 * What can fail (certificate, key, socket, account) is done before the fork, so
 * that the caller hears of it; the child only serves. Nobody outlives anybody: the
 * site ends with its lifeline, and its children are killed with it.
 */
#include "cli/demo_site.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/secret.h"
#include "cli/demo_child.h"
#include "cli/demo_conn.h"
#include "cli/demo_routes.h"

#define SESSION_BYTES 16

/* What the site's process needs; the starter gives it up after the fork. */
struct house {
    SSL_CTX *context;
    int listener, lifeline, child_ended;
    unsigned clients;
    char session[2 * SESSION_BYTES + 1];
};

/* ---- before the fork ---- */

static SSL_CTX *
open_context(const char *folder, struct note *note)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    char chain[PATH_MAX], key[PATH_MAX];

    snprintf(chain, sizeof chain, "%s/internal.pem", folder);
    snprintf(key, sizeof key, "%s/internal.key", folder);
    if (context == NULL ||
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_use_certificate_chain_file(context, chain) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        note_set(note, "cannot use %s: %s", chain,
            ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static int
open_listener(uint16_t *port, struct note *note)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
        listen(fd, DEMO_SITE_CLIENTS) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        note_set(note, "cannot listen on 127.0.0.1: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void
house_fini(struct house *house)
{
    SSL_CTX_free(house->context);
    if (house->listener >= 0)
        close(house->listener);
    if (house->lifeline >= 0)
        close(house->lifeline);
}

static void
make_session(char session[2 * SESSION_BYTES + 1])
{
    unsigned char random[SESSION_BYTES];

    secret_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(session + 2 * i, 3, "%02x", random[i]);
}

/* ---- the site's process ---- */

static bool
become(const struct passwd *account)
{
    return setgroups(0, NULL) == 0 &&
        setresgid(account->pw_gid, account->pw_gid, account->pw_gid) == 0 &&
        setresuid(account->pw_uid, account->pw_uid, account->pw_uid) == 0;
}

_Noreturn static void
serve_client(struct house *house, pid_t site, int *fd)
{
    struct demo_conn conn;

    demo_child_die_with(site, SIGKILL);
    close(house->listener);
    if (demo_conn_begin(&conn, house->context, fd))
        demo_routes_serve(&conn, house->session);
    demo_conn_end(&conn);
    _exit(0);
}

static void
accept_client(struct house *house)
{
    int fd = accept4(house->listener, NULL, NULL, SOCK_CLOEXEC);
    pid_t site = getpid(), child = fd < 0 ? -1 : fork();

    if (child == 0)
        serve_client(house, site, &fd);
    if (child > 0)
        house->clients++;
    if (fd >= 0)
        close(fd);
}

static void
bury_clients(struct house *house)
{
    struct signalfd_siginfo news;

    while (read(house->child_ended, &news, sizeof news) == (ssize_t)sizeof news)
        while (waitpid(-1, NULL, WNOHANG) > 0)
            house->clients--;
}

/*
 * Whoever ends a whole group of processes (a terminal, a service manager) means the
 * starter: postern is to drain first, and for that the site has to answer.
 */
static int
watch_children(void)
{
    sigset_t children;

    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_SETMASK, &children, NULL);
    return signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC);
}

_Noreturn static void
live(struct house *house, pid_t starter, const struct passwd *account)
{
    struct pollfd watched[] = {
        { .fd = house->lifeline, .events = POLLIN },
        { .fd = watch_children(), .events = POLLIN },
        { .fd = house->listener, .events = POLLIN },
    };

    house->child_ended = watched[1].fd;
    /* Changing the account clears the wish to die with the parent: wish after it. */
    if (house->child_ended < 0 || (account != NULL && !become(account)) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        _exit(1);
    demo_child_die_with(starter, SIGKILL);
    for (;;) {
        watched[2].fd = house->clients < DEMO_SITE_CLIENTS ? house->listener : -1;
        if (poll(watched, 3, -1) < 0 && errno != EINTR)
            _exit(1);
        if (watched[0].revents != 0)
            _exit(0);
        if (watched[1].revents != 0)
            bury_clients(house);
        if (watched[2].revents != 0)
            accept_client(house);
    }
}

/* ---- both sides of the fork ---- */

static bool
fork_site(struct demo_site *site, struct house *house, const struct passwd *account,
    struct note *note)
{
    pid_t starter = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        note_set(note, "cannot make a pipe: %s", strerror(errno));
        return false;
    }
    house->lifeline = ends[0];
    site->lifeline = ends[1];
    site->pid = fork();
    if (site->pid == 0) {
        close(site->lifeline);
        live(house, starter, account);
    }
    if (site->pid < 0) {
        note_set(note, "cannot start the site: %s", strerror(errno));
        close(site->lifeline);
        return false;
    }
    return true;
}

bool
demo_site_start(struct demo_site *site, const char *folder, const char *user,
    struct note *note)
{
    struct house house = { .listener = -1, .lifeline = -1 };
    const struct passwd *account = user == NULL ? NULL : getpwnam(user);
    bool started = false;

    make_session(house.session);
    if (user != NULL && account == NULL)
        note_set(note, "there is no account %s", user);
    else if ((house.context = open_context(folder, note)) != NULL &&
        (house.listener = open_listener(&site->port, note)) >= 0)
        started = fork_site(site, &house, account, note);
    house_fini(&house);
    return started;
}

void
demo_site_stop(struct demo_site *site)
{
    close(site->lifeline);
    site->lifeline = -1;
    while (waitpid(site->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    site->pid = -1;
}
