/*
 * base/jail.c - giving up what a process does not need, for good.
 *
 * The order is the point: what needs a privilege comes before the privilege
 * goes, the filter comes last, and then we look whether it really stuck. What
 * is allowed to whom stands in base/jail_call.def. Knows nothing of what the
 * processes do.
 */
#include "base/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/account.h"
#include "base/jail_filter.h"

#define CAPABILITY(name) (UINT64_C(1) << (name))

/*
 * The parent binds low ports, stops children (KILL), and hands them what they give up
 * after their first steps: to become their users (SETUID, SETGID, and SETPCAP, with
 * which they shrink further), and to open keys (the notary) and logs (logd) wherever the
 * operator keeps them.
 */
#define PARENT_CAPABILITIES                                                            \
    (CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID) | CAPABILITY(CAP_SETPCAP) |       \
        CAPABILITY(CAP_KILL) | CAPABILITY(CAP_NET_BIND_SERVICE) |                      \
        CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_DAC_OVERRIDE))

struct capabilities {
    uint64_t effective, permitted, inheritable;
};

static bool
failed(struct note *note, const char *step)
{
    note_set(note, "%s: %s", step, strerror(errno));
    return false;
}

/* --- capabilities, by system call: libcap would be one more library for two calls --- */

static bool
read_capabilities(struct capabilities *c)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, data) != 0)
        return false;
    c->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    c->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    c->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return true;
}

/* Both sets become `keep`; nothing is inheritable. */
static bool
write_capabilities(uint64_t keep)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    const uint32_t low = (uint32_t)keep, high = (uint32_t)(keep >> 32);
    const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        { low, low, 0 },
        { high, high, 0 },
    };

    return syscall(SYS_capset, &header, data) == 0;
}

/*
 * The bounding set limits what an exec could bring back. Without CAP_SETPCAP it
 * stays as it is: then there is nothing to bring back, because of no_new_privs.
 */
static bool
shrink_bounding_set(uint64_t keep)
{
    for (int c = 0; c < 64 && prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        if ((keep & CAPABILITY(c)) == 0 && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0 &&
            errno != EPERM)
            return false;
    return true;
}

static bool
shrink_capabilities(uint64_t keep, struct note *note)
{
    struct capabilities now;

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return failed(note, "ambient capabilities");
    if (!read_capabilities(&now) || !write_capabilities(now.permitted & keep))
        return failed(note, "capabilities");
    if (!read_capabilities(&now))
        return failed(note, "capabilities");
    if (((now.effective | now.permitted) & ~keep) != 0 || now.inheritable != 0) {
        note_set(note, "capabilities did not go away");
        return false;
    }
    return true;
}

/* --- the user --- */

/* True when every one of the three user and group ids is the account's. */
static bool
has_become(const struct account *account)
{
    uid_t uid[3];
    gid_t gid[3];

    if (getresuid(&uid[0], &uid[1], &uid[2]) != 0 ||
        getresgid(&gid[0], &gid[1], &gid[2]) != 0)
        return false;
    for (int i = 0; i < 3; i++)
        if (uid[i] != account->uid || gid[i] != account->gid)
            return false;
    return setresuid(0, 0, 0) != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) != 0;
}

static int
take_groups(const struct account *account)
{
    return account->name == NULL ? setgroups(0, NULL)
                                 : initgroups(account->name, account->gid);
}

/* From root to `user`, with the groups of that account and no other. */
static bool
become(const char *user, struct note *note)
{
    struct account account;

    if (user == NULL || user[0] == '\0') {
        note_set(note, "runs as root and was given no user to become");
        return false;
    }
    if (!account_find(user, &account, note))
        return false;
    if (take_groups(&account) != 0 ||
        setresgid(account.gid, account.gid, account.gid) != 0 ||
        setresuid(account.uid, account.uid, account.uid) != 0)
        return failed(note, user);
    if (!has_become(&account)) {
        note_set(note, "could come back from user \"%s\"", user);
        return false;
    }
    return true;
}

/* --- the jail --- */

/* No core file, and nobody of the same user may trace this process or read its memory. */
static bool
forbid_dumps(struct note *note)
{
    const struct rlimit none = { 0, 0 };

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return failed(note, "core limit");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return failed(note, "dumpable");
    return true;
}

bool
jail_enter(enum jail_role role, const char *user, struct note *note)
{
    const uint64_t keep = role == JAIL_PARENT ? PARENT_CAPABILITIES : 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed(note, "no_new_privs");
    if (!shrink_bounding_set(keep))
        return failed(note, "bounding set");
    if (role != JAIL_PARENT && geteuid() == 0 && !become(user, note))
        return false;
    /* A change of user makes a process dumpable again: forbid it afterwards. */
    return shrink_capabilities(keep, note) && forbid_dumps(note) &&
        jail_filter_load(role, note);
}
