/*
 * base/account.h - whom a process becomes when postern was started as root.
 *
 * Each role has an account of its own, so that one which has fallen may not signal,
 * trace or read another (kill(2), ptrace(2)): an account that the operator names, else
 * the one of the role's own name (postern, postern-keyd, ...), else a number that
 * belongs to nobody.
 */
#ifndef BASE_ACCOUNT_H
#define BASE_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/jail.h"
#include "base/note.h"
#include "base/require.h"

/*
 * The numbers of processes without a named account. systemd's UIDS-GIDS.md lists them as
 * unused, Debian's policy (9.2.2) as reserved; below 65536, as containers may map no more.
 */
#define ACCOUNT_LOWEST 65520U
#define ACCOUNT_HIGHEST 65533U

#define ACCOUNT_NAME_BYTES 32

struct account {
    uid_t uid;
    gid_t gid;
    const char *name; /* has groups; NULL: a number, without any. The caller's */
};

/*
 * Reads `name`: one of the machine's accounts but root's, or "#NUMBER" of the range above.
 * False with a note when there is none.
 */
bool
account_find(const char *name, struct account *account, struct note *note) MUST_USE;

/*
 * The account of a child of `role` when the configuration names none: always one that
 * account_find takes, and of two roles never the same. "" when all numbers are taken.
 */
void account_of_role(enum jail_role role, char name[ACCOUNT_NAME_BYTES]);

#endif
