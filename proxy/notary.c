/*
 * proxy/notary.c - both sides of the one question that a notary is asked.
 *
 * Trust: the files are the operator's, and the notary runs with the parent's rights, as
 * it opens what only root may read. It meets nobody else's bytes and ends at once.
 */
#include "proxy/notary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/jail.h"
#include "proxy/child.h"

enum { SEALED_TEXT, SEALED_KEYS };

/* --- the parent --- */

static bool
ask(int control, const char *file)
{
    static struct ipc_writer question;

    ipc_begin(&question, IPC_NOTARIZE);
    ipc_put_string(&question, file);
    return ipc_send(control, &question) == IPC_DONE;
}

/* Until the notary closes the channel. */
static void
receive(int control, struct sealed *sealed)
{
    static struct ipc_message m;

    while (ipc_receive(control, -1, &m) == IPC_DONE) {
        int *place = ipc_get_u32(&m) == SEALED_TEXT ? &sealed->text : &sealed->keys;

        if (m.tag == IPC_NOTARIZED && ipc_at_end(&m) && *place < 0)
            *place = ipc_take_fd(&m);
        ipc_done(&m);
    }
}

static void
forget(struct sealed *sealed)
{
    if (sealed->text >= 0)
        close(sealed->text);
    if (sealed->keys >= 0)
        close(sealed->keys);
    *sealed = (struct sealed){ -1, -1 };
}

bool
notary_seal(const char *file, struct sealed *sealed, struct note *note)
{
    int control, status = 0;
    pid_t pid = child_spawn(CHILD_NOTARY, &control, note), ended;

    *sealed = (struct sealed){ -1, -1 };
    if (pid < 0)
        return false;
    if (ask(control, file))
        receive(control, sealed);
    close(control);
    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (sealed->text >= 0 && sealed->keys >= 0)
        return true;
    if (WIFSIGNALED(status))
        note_set(note, "the notary was killed by signal %d", WTERMSIG(status));
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
        note_set(note, "the notary could not work");
    forget(sealed);
    return false;
}

/* --- the notary --- */

static bool
hand_over(int control, unsigned which, int fd)
{
    static struct ipc_writer answer;
    bool good;

    ipc_begin(&answer, IPC_NOTARIZED);
    ipc_put_u32(&answer, which);
    ipc_put_fd(&answer, fd);
    good = ipc_send(control, &answer) == IPC_DONE;
    close(fd);
    return good;
}

/* As long as it may be: that a name is too long for the kernel is for the check to say. */
static bool
receive_file(int control, char file[IPC_MESSAGE_BYTES], struct note *note)
{
    static struct ipc_message m;
    bool good = false;

    if (ipc_receive(control, -1, &m) == IPC_DONE && m.tag == IPC_NOTARIZE) {
        ipc_get_string(&m, file, IPC_MESSAGE_BYTES);
        good = ipc_at_end(&m);
        ipc_done(&m);
    }
    if (!good)
        note_set(note, "was not told what to read");
    return good;
}

int
notary_run(int control)
{
    static char file[IPC_MESSAGE_BYTES];
    struct diagnostics diagnostics;
    struct note note = { "" };
    struct sealed sealed;
    bool good;

    /* The parent's jail: no memory dump of this process may hold a key. */
    if (!receive_file(control, file, &note) || !jail_enter(JAIL_PARENT, NULL, &note)) {
        fprintf(stderr, "postern: notary: %s\n", note.text);
        return 2;
    }
    diagnostics_init(&diagnostics);
    good = config_seal(file, &sealed, &diagnostics);
    if (!good || diagnostics.count > 0)
        diagnostics_print(&diagnostics, stderr, diagnostics_may_colour(stderr));
    diagnostics_fini(&diagnostics);
    if (!good)
        return 1;
    good = hand_over(control, SEALED_TEXT, sealed.text);
    return hand_over(control, SEALED_KEYS, sealed.keys) && good ? 0 : 1;
}
