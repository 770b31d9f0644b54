/*
 * proxy/sockets.c - binding what the configuration names.
 */
#include "proxy/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/require.h"

static bool
set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* "*" without IPv6 in the kernel is IPv4 alone. */
static void
fall_back_to_v4(struct sockaddr_storage *at, socklen_t *length)
{
    in_port_t port = ((struct sockaddr_in6 *)at)->sin6_port;
    struct sockaddr_in *four = (void *)at;

    memset(at, 0, sizeof *at);
    four->sin_family = AF_INET;
    four->sin_port = port;
    *length = sizeof *four;
}

/* A bound socket, or -1 with errno. `shared`: one of several on this address. */
static int
bind_one(struct sockaddr_storage *at, socklen_t length, bool v6_only, bool shared)
{
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, fd;

    fd = socket(at->ss_family, type, 0);
    if (fd < 0 && errno == EAFNOSUPPORT && at->ss_family == AF_INET6 && !v6_only) {
        fall_back_to_v4(at, &length);
        fd = socket(AF_INET, type, 0);
    }
    if (fd < 0)
        return -1;
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
        (!shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
        (at->ss_family != AF_INET6 ||
            set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only)) &&
        bind(fd, (struct sockaddr *)at, length) == 0 &&
        getsockname(fd, (struct sockaddr *)at, &length) == 0)
        return fd;
    close(fd);
    return -1;
}

/*
 * SO_REUSEPORT would let two posterns of one user share a port in silence, each
 * with half of the connections: a socket without it finds the other one.
 */
static bool
is_free(const struct listen_address *address)
{
    struct sockaddr_storage at = address->address;
    int fd = bind_one(&at, address->length, address->v6_only, false);
    bool free;

    if (fd < 0)
        return false;
    free = listen(fd, 1) == 0;
    close(fd);
    return free;
}

static const char *
hint(int error)
{
    switch (error) {
    case EACCES:
        return " (ports below 1024 need root or CAP_NET_BIND_SERVICE)";
    case EADDRINUSE:
        return " (ss -ltnp shows who has it)";
    case EADDRNOTAVAIL:
        return " (no interface of this machine has that address)";
    default:
        return "";
    }
}

static bool
open_address(struct sockets *sockets, const struct listener_policy *listener,
    unsigned index, bool redirects, unsigned workers, struct note *note)
{
    const struct listen_address *address =
        redirects ? &listener->redirects[index] : &listener->addresses[index];
    struct sockaddr_storage at = address->address;
    bool ok = is_free(address);

    for (unsigned worker = 0; ok && worker < workers; worker++) {
        struct bound_socket *row = &sockets->rows[sockets->count];

        *row = (struct bound_socket){ .listener = listener->index,
            .address = index,
            .worker = worker,
            .redirects = redirects };
        row->fd = bind_one(&at, address->length, address->v6_only, true);
        row->at = at; /* the first one turns port 0 into a number for the others */
        ok = row->fd >= 0;
        sockets->count += ok;
    }
    if (!ok)
        note_set(note, "cannot listen on %s for listener %s: %s%s", address->written,
            listener->name, strerror(errno), hint(errno));
    return ok;
}

bool
sockets_open(struct sockets *sockets, const struct snapshot *snapshot,
    struct note *note)
{
    unsigned room = 0;
    bool ok = true;

    for (unsigned l = 0; l < snapshot->listener_count; l++)
        room += snapshot->listeners[l].address_count +
            snapshot->listeners[l].redirect_count;
    *sockets = (struct sockets){
        .rows = require_zeroed(room * snapshot->workers + 1, sizeof *sockets->rows),
    };
    for (unsigned l = 0; ok && l < snapshot->listener_count; l++) {
        const struct listener_policy *listener = &snapshot->listeners[l];

        for (unsigned i = 0; ok && i < listener->address_count; i++)
            ok = open_address(sockets, listener, i, false, snapshot->workers, note);
        for (unsigned i = 0; ok && i < listener->redirect_count; i++)
            ok = open_address(sockets, listener, i, true, snapshot->workers, note);
    }
    return ok;
}

void
sockets_close(struct sockets *sockets)
{
    for (unsigned i = 0; i < sockets->count; i++)
        close(sockets->rows[i].fd);
    free(sockets->rows);
    *sockets = (struct sockets){ .count = 0 };
}
