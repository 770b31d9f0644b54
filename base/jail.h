/*
 * base/jail.h - what each of our processes may still do.
 *
 * Called once per process, after everything it needs is open and before it reads a byte
 * that somebody else wrote, while it has a single thread. As root it changes to its user
 * for good; in any case it sets no_new_privs, drops every capability, forbids core dumps
 * and installs a seccomp filter that lists the allowed system calls of its role. Any
 * other call ends the process with SIGSYS, save for those that look for a file, which
 * are refused with EACCES. docs/threats.md says what a full compromise of each role
 * yields.
 */
#ifndef BASE_JAIL_H
#define BASE_JAIL_H

#include <stdbool.h>

#include "base/note.h"
#include "base/require.h"

enum jail_role {
    JAIL_PARENT, /* keeps what spawning, binding and opening needs; a deny list only */
    JAIL_WORKER, /* accept, connect, read, write; opens no file */
    JAIL_KEYD,   /* read, write, memory; no sockets of its own */
    JAIL_LOGD,   /* appends to the files that are open; opens none */
    JAIL_RESOLVER, /* asks the name servers, reads /etc */
};

/*
 * Puts the process into the jail of `role`. `user` is the account to become
 * when running as root (base/account.h); NULL or "" as non-root. For
 * JAIL_PARENT the user stays, capabilities shrink.
 * Returns false with a note when any step failed; the caller must then end.
 */
bool jail_enter(enum jail_role role, const char *user, struct note *note) MUST_USE;

#endif
