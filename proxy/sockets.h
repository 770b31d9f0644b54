/*
 * proxy/sockets.h - the listening sockets, bound once by the parent and kept.
 *
 * One socket per address and worker (SO_REUSEPORT: the kernel spreads connections).
 * A worker that is replaced gets the very sockets of the one before, so that
 * connections waiting in their queues are not lost.
 */
#ifndef PROXY_SOCKETS_H
#define PROXY_SOCKETS_H

#include <stdbool.h>

#include "base/note.h"
#include "config/snapshot.h"

struct bound_socket {
    unsigned listener, address, worker;
    bool redirects;
    int fd;
    struct sockaddr_storage at; /* with the port that the kernel chose for port 0 */
};

struct sockets {
    struct bound_socket *rows;
    unsigned count;
};

/* Binds all addresses of all listeners. False with a note that names the address. */
bool sockets_open(struct sockets *sockets, const struct snapshot *snapshot,
    struct note *note) MUST_USE;

/* Idempotent. */
void sockets_close(struct sockets *sockets);

#endif
