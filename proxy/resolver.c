/*
 * proxy/resolver.c - names to addresses, away from everything that matters.
 *
 * Knows names and nothing else. A name that cannot be resolved is reported with no
 * address; the parent then keeps what it had.
 */
#include "proxy/resolver.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jail.h"
#include "base/require.h"

static bool
is_known(const struct address_list *lists, unsigned count, const char *host)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(lists[i].host, host) == 0)
            return true;
    }
    return false;
}

struct address_list *
resolver_names(const struct snapshot *snapshot, unsigned *count)
{
    struct address_list *lists, one;
    unsigned room = 0;

    for (unsigned u = 0; u < snapshot->upstream_count; u++)
        room += snapshot->upstreams[u].server_count;
    lists = require_zeroed(room + 1, sizeof *lists);
    *count = 0;
    for (unsigned u = 0; u < snapshot->upstream_count; u++) {
        const struct upstream_policy *upstream = &snapshot->upstreams[u];

        for (unsigned s = 0; s < upstream->server_count; s++) {
            const char *host = upstream->servers[s].host;

            if (!address_list_literal(&one, host) && !is_known(lists, *count, host))
                lists[(*count)++] = one;
        }
    }
    return lists;
}

/* Waits for the control channel; false when it is time to go. */
static bool
wait_for_parent(int control, int timeout_ms)
{
    static struct ipc_message m;
    uint64_t until = clock_ms() + (uint64_t)timeout_ms;
    bool goes_on = true;

    while (goes_on) {
        uint64_t now = clock_ms();
        enum ipc_result result;

        result = ipc_receive(control, now < until ? (int)(until - now) : 0, &m);
        if (result == IPC_AGAIN)
            return true;
        goes_on = result == IPC_DONE && m.tag != IPC_DRAIN;
        if (result == IPC_DONE)
            ipc_done(&m);
    }
    return false;
}

static bool
look_up(int control, struct address_list *list)
{
    static struct ipc_writer w;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };
    struct addrinfo *found = NULL;

    list->count = 0;
    if (getaddrinfo(list->host, NULL, &hints, &found) == 0) {
        for (struct addrinfo *a = found; a != NULL; a = a->ai_next)
            address_list_add(list, a->ai_addr);
        freeaddrinfo(found);
    }
    address_list_write(list, &w);
    return ipc_send(control, &w) == IPC_DONE;
}

int
resolver_run(int control, struct snapshot *snapshot)
{
    static struct ipc_message m;
    static struct ipc_writer w;
    struct note note = { "" };
    unsigned count;
    struct address_list *lists = resolver_names(snapshot, &count);
    char *user = require_copy(snapshot->resolver_user);
    bool goes_on;

    snapshot_unref(&snapshot);
    do {
        goes_on = ipc_receive(control, -1, &m) == IPC_DONE;
        if (goes_on)
            ipc_done(&m);
    } while (goes_on && m.tag != IPC_BEGIN);
    if (goes_on && !jail_enter(JAIL_RESOLVER, user, &note)) {
        ipc_begin(&w, IPC_FAILED);
        ipc_put_string(&w, note.text);
        goes_on = false;
    } else {
        ipc_begin(&w, IPC_READY);
    }
    goes_on = ipc_send(control, &w) == IPC_DONE && goes_on;
    while (goes_on) {
        for (unsigned i = 0; i < count && goes_on; i++)
            goes_on = look_up(control, &lists[i]) && wait_for_parent(control, 0);
        goes_on = goes_on && wait_for_parent(control, RESOLVER_PERIOD_S * 1000);
    }
    free(lists);
    free(user);
    return note.text[0] != '\0';
}
