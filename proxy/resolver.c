/*
 * proxy/resolver.c - names to addresses, away from everything that matters.
 *
 * Knows names and nothing else. The C library's resolver blocks, for half a minute when
 * no name server answers, so it runs in libuv's threads: a slow name holds up neither
 * the others nor the answer to the parent. A name that cannot be resolved is reported
 * with no address; the parent then keeps what it had.
 */
#include "proxy/resolver.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/jail.h"
#include "base/require.h"

#define RETRY_MS 500 /* after a failure; doubles with each, up to the period */
#define PERIOD_MS (RESOLVER_PERIOD_S * 1000)

struct resolver;

struct name {
    struct resolver *resolver;
    struct address_list *list;
    unsigned failures; /* in a row */
    bool asking;       /* a thread has `question` */
    uv_getaddrinfo_t question;
    uv_timer_t again;
};

struct resolver {
    uv_loop_t loop;
    int control;
    uv_poll_t poll;
    struct name *names;
    unsigned count;
    struct ipc_message message;
    struct ipc_writer out;
};

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

/* --- names --- */

static void ask(struct name *name);

static void
on_again(uv_timer_t *again)
{
    ask(again->data);
}

/* Soon after a failure, which at the start of a machine is often a matter of seconds. */
static void
ask_later(struct name *name)
{
    uint64_t pause_ms = PERIOD_MS;

    if (name->failures > 0 && name->failures < 8)
        pause_ms = (uint64_t)RETRY_MS << (name->failures - 1);
    uv_timer_start(&name->again, on_again, pause_ms < PERIOD_MS ? pause_ms : PERIOD_MS,
        0);
}

static void
tell(struct name *name)
{
    struct resolver *r = name->resolver;

    name->failures = name->list->count == 0 ? name->failures + 1 : 0;
    address_list_write(name->list, &r->out);
    (void)!ipc_send(r->control, &r->out); /* without a parent the loop ends by itself */
    ask_later(name);
}

static void
on_answered(uv_getaddrinfo_t *question, int status, struct addrinfo *found)
{
    struct name *name = question->data;

    name->asking = false;
    name->list->count = 0;
    for (struct addrinfo *a = status == 0 ? found : NULL; a != NULL; a = a->ai_next)
        address_list_add(name->list, a->ai_addr);
    uv_freeaddrinfo(found);
    tell(name);
}

static void
ask(struct name *name)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };

    name->question.data = name;
    name->asking = uv_getaddrinfo(&name->resolver->loop, &name->question, on_answered,
                       name->list->host, NULL, &hints) == 0;
    if (name->asking)
        return;
    name->list->count = 0;
    tell(name);
}

/* --- the parent --- */

/* True when it is time to go. */
static bool
obey_parent(struct resolver *r)
{
    enum ipc_result result = IPC_DONE;
    bool ends = false;

    while (result == IPC_DONE && !ends) {
        result = ipc_receive(r->control, 0, &r->message);
        if (result != IPC_DONE)
            break;
        ends = r->message.tag == IPC_DRAIN;
        if (r->message.tag == IPC_PING)
            ipc_pong(r->control, &r->message, &r->out);
        ipc_done(&r->message);
    }
    return ends || (result != IPC_DONE && result != IPC_AGAIN);
}

static void
on_control(uv_poll_t *poll, int status, int events)
{
    struct resolver *r = poll->data;

    (void)status; /* an error is seen again by the read */
    (void)events;
    if (obey_parent(r))
        uv_stop(&r->loop);
}

/* Reads what the parent says up to IPC_BEGIN; false when it ends before. */
static bool
wait_for_begin(struct resolver *r)
{
    while (ipc_receive(r->control, -1, &r->message) == IPC_DONE) {
        enum ipc_tag tag = r->message.tag;

        ipc_done(&r->message);
        if (tag == IPC_BEGIN)
            return true;
        if (tag == IPC_DRAIN)
            return false;
    }
    return false;
}

/* --- a life --- */

static void
serve(struct resolver *r)
{
    uv_poll_init(&r->loop, &r->poll, r->control);
    r->poll.data = r;
    uv_poll_start(&r->poll, UV_READABLE, on_control);
    for (unsigned i = 0; i < r->count; i++) {
        uv_timer_init(&r->loop, &r->names[i].again);
        r->names[i].again.data = &r->names[i];
        ask(&r->names[i]);
    }
    uv_run(&r->loop, UV_RUN_DEFAULT);
    /*
     * libuv joins its threads when the program exits, and one that waits for a name
     * server would hold up the end of all.
     */
    for (unsigned i = 0; i < r->count; i++) {
        if (r->names[i].asking)
            _exit(EXIT_SUCCESS);
    }
}

static void
on_walk(uv_handle_t *handle, void *unused)
{
    (void)unused;
    uv_close(handle, NULL);
}

static bool
say(struct resolver *r, enum ipc_tag tag, const char *text)
{
    ipc_begin(&r->out, tag);
    if (text != NULL)
        ipc_put_string(&r->out, text);
    return ipc_send(r->control, &r->out) == IPC_DONE;
}

int
resolver_run(int control, struct snapshot *snapshot)
{
    static struct resolver resolver;
    struct resolver *r = &resolver;
    struct note note = { "" };
    struct address_list *lists = resolver_names(snapshot, &r->count);
    char *user = require_copy(snapshot->resolver_user);
    int status = EXIT_SUCCESS;

    snapshot_unref(&snapshot);
    r->control = control;
    r->names = require_zeroed(r->count + 1, sizeof *r->names);
    for (unsigned i = 0; i < r->count; i++)
        r->names[i] = (struct name){ .resolver = r, .list = &lists[i] };
    uv_loop_init(&r->loop);
    if (wait_for_begin(r)) {
        if (!jail_enter(JAIL_RESOLVER, user, &note)) {
            (void)!say(r, IPC_FAILED, note.text);
            status = EXIT_FAILURE;
        } else if (say(r, IPC_READY, NULL)) {
            serve(r);
        }
    }
    uv_walk(&r->loop, on_walk, NULL);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    uv_loop_close(&r->loop);
    free(r->names);
    free(lists);
    free(user);
    return status;
}
