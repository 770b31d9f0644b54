/*
 * cli/demo_address.c - an address tried before postern needs it.
 *
 * postern shares its port among workers (SO_REUSEPORT), so a second demonstration
 * of the same user would silently join the first: the trial does not share.
 */
#include "cli/demo_address.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>

#include "base/bytes.h"

static bool
split(struct demo_address *address, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint64_t port;
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);

    if (length == 0 || length >= sizeof address->host ||
        !bytes_to_u64(bytes_of_string(colon + 1), UINT16_MAX, &port))
        return false;
    memcpy(address->host, text, length);
    address->host[length] = '\0';
    address->port = (uint16_t)port;
    return true;
}

/* The caller frees what it gets with freeaddrinfo. */
static struct addrinfo *
resolve(const struct demo_address *address)
{
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
    };
    char host[sizeof address->host], port[6];
    size_t length = strlen(address->host);
    bool bracketed = address->host[0] == '[' && address->host[length - 1] == ']';
    struct addrinfo *found = NULL;

    snprintf(host, sizeof host, "%.*s", (int)(bracketed ? length - 2 : length),
        address->host + (bracketed ? 1 : 0));
    snprintf(port, sizeof port, "%u", address->port);
    if (getaddrinfo(strcmp(host, "*") == 0 ? "::" : host, port, &hints, &found) != 0)
        return NULL;
    return found;
}

static uint16_t
port_of(int fd)
{
    struct sockaddr_storage bound = { 0 };
    socklen_t length = sizeof bound;

    if (getsockname(fd, (struct sockaddr *)&bound, &length) < 0)
        return 0;
    /* The port lies at the same place in both families. */
    return ntohs(((const struct sockaddr_in *)&bound)->sin_port);
}

bool
demo_address_try(struct demo_address *address, const char *text, struct note *note)
{
    struct addrinfo *where = split(address, text) ? resolve(address) : NULL;
    const int on = 1;
    int fd;
    bool bound;

    if (where == NULL) {
        note_set(note, "%s is no address with a port", text);
        return false;
    }
    fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bound = fd >= 0 && bind(fd, where->ai_addr, where->ai_addrlen) == 0;
    if (bound)
        address->port = port_of(fd);
    else if (errno == EADDRINUSE)
        note_set(note, "%s is in use by another program", text);
    else
        note_set(note, "cannot listen on %s: %s", text, strerror(errno));
    freeaddrinfo(where);
    if (fd >= 0)
        close(fd);
    return bound;
}
