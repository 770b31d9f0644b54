/*
 * tls/keyd.c - the process that holds the private keys.
 *
 * It reads sealed keys that the parent hands over, keeps them in memory that is
 * locked and never dumped, goes to jail, and then answers one kind of question:
 * "sign this digest with that key". It sees neither the network nor a message that
 * is to be signed, and it has no code to decrypt.
 *
 * The loop here hears questions; threads answer them (keyd_threads.h), so that a slow
 * key delays nobody but those who ask for it. What every asker asks for is counted, and
 * the parent is told of it (keyd_watch.h).
 * Trust: askers are workers, which an attacker may own. A question that is not
 * exactly as key_wire.h says ends its channel.
 */
#include "tls/keyd.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "base/jail.h"
#include "base/seal.h"
#include "tls/keyd_threads.h"
#include "tls/keyd_watch.h"

#define NICE 5 /* where processors are short, who is there already goes first */

struct keyd {
    int control;
    bool working, ended;
    int status;
    struct keyd_keys keys;
    struct keyd_askers askers;
    struct keyd_threads threads;
    struct pollfd *polled; /* [0] is the control channel, then the askers */
    uint64_t window_ends_ms;
    unsigned windows;
    struct ipc_message message;
    struct ipc_writer out;
};

static void
end(struct keyd *d, int status)
{
    d->ended = true;
    d->status = status;
}

/* False when it did not reach him. */
static bool
send_to_parent(struct keyd *d)
{
    enum ipc_result result = ipc_send(d->control, &d->out);

    if (result == IPC_CLOSED)
        end(d, 1);
    return result == IPC_DONE;
}

static void
give_up(struct keyd *d, const char *why)
{
    ipc_begin(&d->out, IPC_FAILED);
    ipc_put_string(&d->out, why);
    (void)send_to_parent(d);
    end(d, 1);
}

/* --- loading --- */

/* Where locking is not allowed the heap is still guarded and wiped. */
static bool
open_heap(size_t sealed_bytes, struct note *note)
{
    size_t bytes = keyd_keys_heap_bytes(sealed_bytes);

    if (CRYPTO_secure_malloc_init(bytes, KEYD_HEAP_PIECE) != 0)
        return true;
    note_set(note, "there are no %zu bytes of memory to hold the keys", bytes);
    return false;
}

/* False with a note. The notary has looked at the keys before (proxy/notary.h). */
static bool
read_keys(struct keyd *d, struct bytes rest, struct note *note)
{
    struct bytes record;

    if (!open_heap(rest.length, note))
        return false;
    while (rest.length > 0) {
        if (!seal_cut(&rest, &record)) {
            note_set(note, "the sealed keys are damaged");
            return false;
        }
        if (!keyd_keys_read(&d->keys, record, note))
            return false;
    }
    return true;
}

static void
take_keys(struct keyd *d)
{
    struct note note = { "the sealed keys are not sealed" };
    int fd = ipc_take_fd(&d->message);
    struct bytes all = bytes_of(NULL, 0);
    bool good = fd >= 0 && seal_map(fd, &all) && read_keys(d, all, &note);

    seal_unmap(&all);
    if (fd >= 0)
        close(fd);
    if (!good)
        give_up(d, note.text);
}

/* --- the askers --- */

static bool
tell_asked(struct keyd *d, const struct keyd_finding *finding, bool is_odd)
{
    ipc_begin(&d->out, IPC_ASKED);
    ipc_put_string(&d->out, finding->name);
    ipc_put_u32(&d->out, is_odd);
    ipc_put_u64(&d->out, finding->count.questions);
    ipc_put_u64(&d->out, finding->count.refused);
    ipc_put_u64(&d->out, finding->usual);
    return send_to_parent(d);
}

/* Begins the next window. */
static void
tell_window(struct keyd *d)
{
    struct keyd_finding finding;

    for (unsigned i = 0; i < d->askers.tally_count; i++) {
        if (keyd_watch_is_odd(&d->askers, d->askers.tallies[i], &finding))
            (void)tell_asked(d, &finding, true);
    }
    keyd_watch_turn(&d->askers);
}

static void
tell_totals(struct keyd *d)
{
    for (unsigned i = 0; i < d->askers.tally_count; i++) {
        struct keyd_tally *tally = d->askers.tallies[i];
        const struct keyd_finding finding = { tally->name, tally->total, 0 };

        if (tally->total.questions + tally->total.refused > 0 &&
            tell_asked(d, &finding, false))
            tally->total = (struct keyd_count){ 0 };
    }
}

static void
add_asker(struct keyd *d)
{
    int fd = ipc_take_fd(&d->message);
    char name[32];
    struct bytes scope;

    ipc_get_string(&d->message, name, sizeof name);
    scope = ipc_get_bytes(&d->message);
    if (fd < 0)
        return;
    if (!ipc_at_end(&d->message) || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        close(fd); /* the asker sees it at once and says so */
        return;
    }
    keyd_askers_add(&d->askers, fd, name, scope, &d->keys);
    d->polled = realloc(d->polled, (1 + d->askers.count) * sizeof *d->polled);
    require(d->polled != NULL);
}

/* False when the asker's channel has to end. */
static bool
hear(struct keyd *d, unsigned row)
{
    enum key_status status;
    uint32_t number;

    switch (
        keyd_askers_hear(&d->askers, row, &d->message, &d->keys, &number, &status)) {
    case KEYD_HEARD:
        return true;
    case KEYD_HEARD_REFUSED:
        keyd_answer(d->askers.rows[row], &d->out, number, status, bytes_of("", 0));
        return true;
    case KEYD_HEARD_NONSENSE:
        break;
    }
    return false;
}

/* One message each, so that nobody is heard more than the others. */
static void
hear_asker(struct keyd *d, unsigned row)
{
    enum ipc_result result = ipc_receive(d->askers.rows[row]->fd, 0, &d->message);
    bool good = result == IPC_AGAIN;

    if (result == IPC_DONE) {
        good = hear(d, row);
        ipc_done(&d->message);
    }
    if (result == IPC_REFUSED)
        d->askers.rows[row]->tally->window.refused++;
    if (!good)
        keyd_askers_drop(&d->askers, row);
}

static void
look_at_window(struct keyd *d)
{
    if (clock_ms() < d->window_ends_ms)
        return;
    tell_window(d);
    d->window_ends_ms = clock_ms() + KEYD_WINDOW_MS;
    if (++d->windows % KEYD_REPORT_WINDOWS == 0)
        tell_totals(d);
}

/* --- the loop --- */

static void
begin(struct keyd *d, const char *user)
{
    struct note note = { "" };

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* threads begin with it */
    if (!jail_enter(JAIL_KEYD, user, &note)) {
        give_up(d, note.text);
        return;
    }
    if (!keyd_threads_start(&d->threads)) {
        give_up(d, "cannot start a thread to sign in");
        return;
    }
    d->working = true;
    d->window_ends_ms = clock_ms() + KEYD_WINDOW_MS;
    ipc_begin(&d->out, IPC_READY);
    if (!send_to_parent(d))
        end(d, 1);
}

static void
obey(struct keyd *d, const char *user)
{
    enum ipc_tag tag = d->message.tag;

    if (tag == IPC_DRAIN)
        end(d, 0);
    else if (tag == IPC_PING)
        ipc_pong(d->control, &d->message, &d->out);
    else if (tag == IPC_CLIENT)
        add_asker(d);
    else if (tag == IPC_KEYS && !d->working)
        take_keys(d);
    else if (tag == IPC_BEGIN && !d->working)
        begin(d, user);
    else
        give_up(d, "the parent sent a message that is not for keyd");
}

static void
hear_parent(struct keyd *d, const char *user)
{
    enum ipc_result result = ipc_receive(d->control, 0, &d->message);

    if (result == IPC_AGAIN)
        return;
    if (result != IPC_DONE) {
        end(d, result == IPC_CLOSED ? 0 : 1);
        return;
    }
    obey(d, user);
    ipc_done(&d->message);
}

/* Questions that come before the jail is shut wait in their sockets. */
static bool
wait_for_words(struct keyd *d, unsigned count)
{
    uint64_t now = clock_ms();
    int wait_ms = !d->working     ? -1
        : d->window_ends_ms > now ? (int)(d->window_ends_ms - now)
                                  : 0;

    d->polled[0] = (struct pollfd){ .fd = d->control, .events = POLLIN };
    for (unsigned i = 0; i < count; i++)
        d->polled[1 + i] =
            (struct pollfd){ .fd = d->askers.rows[i]->fd, .events = POLLIN };
    if (poll(d->polled, 1 + count, wait_ms) >= 0)
        return true;
    if (errno != EINTR)
        end(d, 1);
    return false;
}

static void
turn(struct keyd *d, const char *user)
{
    unsigned count = d->working ? d->askers.count : 0;

    if (!wait_for_words(d, count))
        return;
    keyd_threads_lock(&d->threads);
    /* Backwards, as a dropped asker's place is taken by the last one. */
    for (unsigned i = count; i-- > 0;) {
        if (d->polled[1 + i].revents != 0)
            hear_asker(d, i);
    }
    if (d->working)
        look_at_window(d);
    if (d->polled[0].revents != 0)
        hear_parent(d, user);
    keyd_threads_unlock(&d->threads);
}

int
keyd_run(int control, const char *user)
{
    struct keyd *d = require_zeroed(1, sizeof *d);
    int status;

    d->control = control;
    /* The parent may be slow to read what it is told: no signature waits for that. */
    require(fcntl(control, F_SETFL, O_NONBLOCK) == 0);
    keyd_threads_init(&d->threads, &d->askers);
    d->polled = require_zeroed(1, sizeof *d->polled);
    while (!d->ended)
        turn(d, user);
    status = d->status; /* whether or not the parent still hears the totals */
    keyd_threads_fini(&d->threads);
    tell_window(d);
    tell_totals(d);
    keyd_askers_fini(&d->askers);
    keyd_keys_fini(&d->keys);
    free(d->polled);
    free(d);
    return status;
}
