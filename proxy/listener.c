/*
 * proxy/listener.c - the sockets of a listener in one worker.
 *
 * The parent bound them; here they are listened on, accepted from, and at last
 * closed. The parent keeps its own copies, so a worker that dies closes nothing.
 */
#include "proxy/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/require.h"
#include "http/head.h"
#include "proxy/conn.h"
#include "proxy/ledger.h"
#include "proxy/worker.h"

#define BACKLOG 1024
#define ACCEPTS_PER_TURN 16
#define HOST_BYTES 256 /* a DNS name has at most 253 characters */

bool
listener_init(struct listener *listener, struct worker *worker,
    const struct listener_policy *policy, struct note *note)
{
    *listener = (struct listener){ .policy = policy, .worker = worker };
    listener->sockets = require_zeroed(policy->address_count + policy->redirect_count,
        sizeof *listener->sockets);
    listener->has_tunnels = policy->publish_count > policy->tls.host_count;
    if (policy->tls.host_count == 0)
        return true;
    listener->tls = tls_server_new(&policy->tls, worker->keys, &worker->tickets, note);
    return listener->tls != NULL;
}

bool
listener_adopt(struct listener *listener, unsigned index, bool redirects, int fd,
    struct note *note)
{
    const struct listener_policy *policy = listener->policy;
    unsigned count = redirects ? policy->redirect_count : policy->address_count;
    struct listener_socket *socket;
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;

    require(index < count);
    socket = &listener->sockets[index + (redirects ? policy->address_count : 0)];
    socket->listener = listener;
    socket->redirects = redirects;
    if (uv_poll_init_socket(&listener->worker->loop, &socket->poll, fd) != 0) {
        note_set(note, "cannot use the socket of listener %s", policy->name);
        close(fd);
        return false;
    }
    socket->fd = fd;
    socket->open = true;
    socket->poll.data = socket;
    if (getsockname(fd, (struct sockaddr *)&bound, &length) == 0)
        socket->port = ntohs(bound.ss_family == AF_INET6
                ? ((struct sockaddr_in6 *)&bound)->sin6_port
                : ((struct sockaddr_in *)&bound)->sin_port);
    return true;
}

/* Nobody is there after all, or who was there has gone: no trouble of ours (accept(2)). */
static bool
is_harmless(int error)
{
    return error == EAGAIN || error == EINTR || error == ECONNABORTED ||
        error == EPERM || error == EPROTO || error == ENETDOWN || error == EHOSTDOWN ||
        error == EHOSTUNREACH || error == ENETUNREACH || error == ENONET ||
        error == ENOPROTOOPT || error == EOPNOTSUPP;
}

static void
accept_up_to(struct listener_socket *socket, unsigned most)
{
    struct worker *worker = socket->listener->worker;

    ledger_say(worker->ledger, PLACE_ACCEPTING);
    for (unsigned i = 0; i < most && capacity_may_accept(worker); i++) {
        struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
        socklen_t length = sizeof from;
        int fd = accept4(socket->fd, (struct sockaddr *)&from, &length,
            SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            conn_accept(socket->listener, fd, &from, socket->redirects);
            continue;
        }
        if (!is_harmless(errno))
            capacity_refused(worker, errno);
        return;
    }
}

/*
 * A few per turn, so that others at work in this loop have theirs; whoever still waits
 * makes the socket readable again. Not uv_listen: it takes all at once, and cannot pause.
 */
static void
on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error is seen again by accept4 */
    (void)events;
    accept_up_to(poll->data, ACCEPTS_PER_TURN);
}

static unsigned
socket_count(const struct listener *listener)
{
    return listener->policy->address_count + listener->policy->redirect_count;
}

bool
listener_start(struct listener *listener, struct note *note)
{
    for (unsigned i = 0; i < socket_count(listener); i++) {
        struct listener_socket *socket = &listener->sockets[i];

        require(socket->open);
        if (listen(socket->fd, BACKLOG) != 0) {
            note_set(note, "cannot listen for listener %s: %s", listener->policy->name,
                strerror(errno));
            return false;
        }
    }
    listener_resume(listener, 0);
    return true;
}

void
listener_pause(struct listener *listener)
{
    for (unsigned i = 0; i < socket_count(listener); i++) {
        if (listener->sockets[i].open)
            uv_poll_stop(&listener->sockets[i].poll);
    }
}

void
listener_resume(struct listener *listener, unsigned first)
{
    unsigned count = socket_count(listener);

    for (unsigned i = 0; i < count; i++) {
        struct listener_socket *socket =
            &listener->sockets[(first % count + i) % count];

        if (socket->open && !uv_is_active((uv_handle_t *)&socket->poll))
            uv_poll_start(&socket->poll, UV_READABLE, on_readable);
    }
}

void
listener_stop(struct listener *listener)
{
    for (unsigned i = 0; listener->sockets != NULL && i < socket_count(listener); i++) {
        struct listener_socket *socket = &listener->sockets[i];

        if (!socket->open)
            continue;
        /* As far as they know, those who wait are connected: closing would reset them. */
        accept_up_to(socket, BACKLOG);
        uv_close((uv_handle_t *)&socket->poll, NULL);
        close(socket->fd);
        socket->open = false;
    }
}

void
listener_fini(struct listener *listener)
{
    tls_server_free(&listener->tls);
    free(listener->sockets);
    listener->sockets = NULL;
}

static int
compare_name(const void *name, const void *publish)
{
    return strcmp(name, ((const struct publish_policy *)publish)->host);
}

/* Hosts whose TLS ends here and tunnels are sorted, each kind by itself. */
static const struct publish_policy *
find_name(const struct listener_policy *policy, const char *name)
{
    unsigned ended = policy->tls.host_count;
    const struct publish_policy *found = NULL;

    if (ended > 0)
        found = bsearch(name, policy->publishes, ended, sizeof *policy->publishes,
            compare_name);
    if (found == NULL && policy->publish_count > ended)
        found = bsearch(name, policy->publishes + ended, policy->publish_count - ended,
            sizeof *policy->publishes, compare_name);
    return found;
}

/* A wildcard "*.example.com" covers one label (RFC 9525, 6.3). */
const struct publish_policy *
listener_find_publish(const struct listener_policy *policy, struct bytes host)
{
    const char *dot = host.length == 0 ? NULL : memchr(host.at, '.', host.length);
    const struct publish_policy *found;
    char name[HOST_BYTES];

    if (host.length == 0 || host.length > sizeof name - 2 ||
        memchr(host.at, '\0', host.length) != NULL)
        return NULL;
    snprintf(name, sizeof name, "%.*s", BYTES_ARG(host));
    found = find_name(policy, name);
    if (found != NULL || dot == NULL || dot == host.at)
        return found;
    snprintf(name, sizeof name, "*%.*s", (int)(host.at + host.length - dot), dot);
    return find_name(policy, name);
}

uint16_t
listener_https_port(const struct listener *listener)
{
    return listener->policy->public_port != 0 ? listener->policy->public_port
                                              : listener->sockets[0].port;
}

bool
listener_is_met_on(const struct listener *listener, uint16_t port)
{
    const struct listener_policy *policy = listener->policy;
    bool is_met =
        port == (policy->public_port != 0 ? policy->public_port : (uint16_t)HTTPS_PORT);

    for (unsigned i = 0; i < policy->address_count && !is_met; i++)
        is_met = listener->sockets[i].port == port;
    return is_met;
}
