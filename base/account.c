/*
 * base/account.c - whom a process becomes when postern was started as root.
 */
#include "base/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const role_names[] = {
    [JAIL_WORKER] = "postern",
    [JAIL_KEYD] = "postern-keyd",
    [JAIL_LOGD] = "postern-logd",
    [JAIL_RESOLVER] = "postern-resolver",
};

#define ROLES ((unsigned)JAIL_RESOLVER) /* without the parent, which is 0 */

static bool
find_number(const char *name, struct account *account, struct note *note)
{
    char *end;
    unsigned long number = strtoul(name + 1, &end, 10);

    if (*end != '\0' || number < ACCOUNT_LOWEST || number > ACCOUNT_HIGHEST) {
        note_set(note, "\"%s\" is no number of ours", name);
        return false;
    }
    *account = (struct account){ (uid_t)number, (gid_t)number, NULL };
    return true;
}

bool
account_find(const char *name, struct account *account, struct note *note)
{
    const struct passwd *row;

    if (name[0] == '#')
        return find_number(name, account, note);
    errno = 0;
    row = getpwnam(name);
    if (row == NULL && errno != 0)
        note_set(note, "%s: %s", name, strerror(errno));
    else if (row == NULL)
        note_set(note, "there is no user \"%s\"", name);
    else if (row->pw_uid == 0)
        note_set(note, "the user \"%s\" is root (uid 0)", name);
    else
        *account = (struct account){ row->pw_uid, row->pw_gid, name };
    return row != NULL && row->pw_uid != 0;
}

void
account_of_role(enum jail_role role, char name[ACCOUNT_NAME_BYTES])
{
    struct account named;
    unsigned number = ACCOUNT_LOWEST + (unsigned)role - 1;

    require(role != JAIL_PARENT);
    if (account_find(role_names[role], &named, NULL)) {
        snprintf(name, ACCOUNT_NAME_BYTES, "%s", role_names[role]);
        return;
    }
    /* In steps of all roles: whichever are taken, two roles never meet. */
    while (number <= ACCOUNT_HIGHEST &&
        (getpwuid(number) != NULL || getgrgid(number) != NULL))
        number += ROLES;
    if (number <= ACCOUNT_HIGHEST)
        snprintf(name, ACCOUNT_NAME_BYTES, "#%u", number);
    else
        name[0] = '\0';
}
