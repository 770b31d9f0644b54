/*
 * proxy/child.h - how one of our processes is started, and how it starts.
 */
#ifndef PROXY_CHILD_H
#define PROXY_CHILD_H

#include <sys/types.h>

#include "base/note.h"

enum child_role {
    CHILD_LOGD,
    CHILD_KEYD,
    CHILD_RESOLVER,
    CHILD_WORKER,
    CHILD_NOTARY, /* ends before the others start: proxy/notary.h */
};

/* The descriptor of the control channel in every child. */
#define CHILD_CONTROL 3

const char *child_role_name(enum child_role role); /* "logd", "keyd", ... */

/*
 * Starts this very program again as `postern process ROLE`, with nothing open but
 * the standard descriptors and its end of a control channel. A fresh image: it
 * shares no memory layout and no secret with its parent. The signals that stop a group
 * of processes (SIGINT, SIGTERM, SIGHUP) do not reach it at any moment.
 * Returns the process id and the parent's end in *control, or -1 with a note.
 */
pid_t child_spawn(enum child_role role, int *control, struct note *note);

/*
 * `postern process NAME`: the side of the child, whose role has this name. Reads the
 * configuration (the notary its place) from the control channel and runs the role.
 * Returns the exit status; 2 when it was not started by a parent.
 */
int child_main(const char *name);

#endif
