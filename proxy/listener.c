/*
 * proxy/listener.c - the sockets of a listener in one worker.
 *
 * The parent bound them; here they are listened on, accepted from, and at last
 * closed. The parent keeps its own copies, so a worker that dies closes nothing.
 */
#include "proxy/listener.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "http/head.h"
#include "proxy/conn.h"
#include "proxy/worker.h"

#define BACKLOG 1024

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
    int length = sizeof bound;

    require(index < count);
    socket = &listener->sockets[index + (redirects ? policy->address_count : 0)];
    socket->listener = listener;
    socket->redirects = redirects;
    if (uv_tcp_init(&listener->worker->loop, &socket->tcp) != 0 ||
        uv_tcp_open(&socket->tcp, fd) != 0) {
        note_set(note, "cannot use the socket of listener %s", policy->name);
        return false;
    }
    socket->open = true;
    socket->tcp.data = socket;
    if (uv_tcp_getsockname(&socket->tcp, (struct sockaddr *)&bound, &length) == 0)
        socket->port = ntohs(bound.ss_family == AF_INET6
                ? ((struct sockaddr_in6 *)&bound)->sin6_port
                : ((struct sockaddr_in *)&bound)->sin_port);
    return true;
}

static void
on_connection(uv_stream_t *stream, int status)
{
    struct listener_socket *socket = stream->data;

    if (status == 0)
        conn_accept(socket->listener, stream, socket->redirects);
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
        int err;

        require(socket->open);
        err = uv_listen((uv_stream_t *)&socket->tcp, BACKLOG, on_connection);
        if (err != 0) {
            note_set(note, "cannot listen for listener %s: %s", listener->policy->name,
                uv_strerror(err));
            return false;
        }
    }
    return true;
}

void
listener_stop(struct listener *listener)
{
    for (unsigned i = 0; listener->sockets != NULL && i < socket_count(listener); i++) {
        if (listener->sockets[i].open)
            uv_close((uv_handle_t *)&listener->sockets[i].tcp, NULL);
        listener->sockets[i].open = false;
    }
}

void
listener_fini(struct listener *listener)
{
    tls_server_free(&listener->tls);
    free(listener->sockets);
    listener->sockets = NULL;
}

/* "*.example.com" covers one label (RFC 9525, 6.3). */
static bool
wildcard_covers(const char *pattern, struct bytes host)
{
    const char *dot = memchr(host.at, '.', host.length);

    if (pattern[0] != '*' || dot == NULL || dot == host.at)
        return false;
    return bytes_equal(bytes_of_string(pattern + 1),
        bytes_of(dot, (size_t)(host.at + host.length - dot)));
}

const struct publish_policy *
listener_find_publish(const struct listener_policy *policy, struct bytes host)
{
    for (unsigned i = 0; i < policy->publish_count; i++) {
        if (bytes_equal(bytes_of_string(policy->publishes[i].host), host))
            return &policy->publishes[i];
    }
    for (unsigned i = 0; i < policy->publish_count; i++) {
        if (wildcard_covers(policy->publishes[i].host, host))
            return &policy->publishes[i];
    }
    return NULL;
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
