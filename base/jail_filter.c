/*
 * base/jail_filter.c - the table of base/jail_call.def, made a seccomp filter.
 *
 * What a child's column does not allow ends the process with SIGSYS: a library
 * that needs more after an update is seen at once, not as a strange error. Owns
 * nothing after the load; the kernel keeps the filter until the process ends.
 */
#include "base/jail_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sanitizer.h"

enum verdict {
    VERDICT_N, /* no: ends the process */
    VERDICT_Y, /* yes */
    VERDICT_E, /* refused with an errno */
    VERDICT_S, /* refused with ENOSYS, as if the kernel did not know it */
};

/* An argument that, masked, must have this value. */
struct condition {
    unsigned argument; /* 0 is the first */
    uint64_t mask;     /* 0: no condition */
    uint64_t value;
};

#define CONDITIONS 3

/* One call, or only that form of it for which every condition holds. */
struct rule {
    int call;
    struct condition when[CONDITIONS];
    enum verdict verdict[JAIL_RESOLVER + 1]; /* by role */
};

/* The kernel looks at the low half of an int; the high half may hold anything. */
#define INT UINT32_MAX
#define ALL UINT64_MAX

#define CONDITION(argument, mask, value)                                               \
    {                                                                                  \
        argument, mask, value                                                          \
    }
#define VERDICTS(worker, keyd, logd, resolver)                                         \
    {                                                                                  \
        [JAIL_WORKER] = VERDICT_##worker, [JAIL_KEYD] = VERDICT_##keyd,                \
        [JAIL_LOGD] = VERDICT_##logd, [JAIL_RESOLVER] = VERDICT_##resolver             \
    }
#define CALL(name, worker, keyd, logd, resolver)                                       \
    CALL_IF(name, 0, 0, 0, worker, keyd, logd, resolver)
#define CALL_IF(name, argument, mask, value, worker, keyd, logd, resolver)             \
    { SCMP_SYS(name), { CONDITION(argument, mask, value) },                            \
        VERDICTS(worker, keyd, logd, resolver) },
#define CALL_IF_BOTH(name, argument, mask, value, other, other_mask, other_value,      \
    worker, keyd, logd, resolver)                                                      \
    { SCMP_SYS(name),                                                                  \
        { CONDITION(argument, mask, value),                                            \
            CONDITION(other, other_mask, other_value) },                               \
        VERDICTS(worker, keyd, logd, resolver) },
#define OPTION(name, level, option, worker, keyd, logd, resolver)                      \
    CALL_IF_BOTH(name, 1, INT, level, 2, INT, option, worker, keyd, logd, resolver)
#define SOCKET(family, type, protocol, worker, keyd, logd, resolver)                   \
    { SCMP_SYS(socket),                                                                \
        { CONDITION(0, INT, family),                                                   \
            CONDITION(1, INT & ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC), type),       \
            CONDITION(2, INT, protocol) },                                             \
        VERDICTS(worker, keyd, logd, resolver) },
#define DENIED(name) DENIED_IF(name, 0, 0, 0)
#define DENIED_IF(name, argument, mask, value)                                         \
    { SCMP_SYS(name), { CONDITION(argument, mask, value) },                            \
        { [JAIL_PARENT] = VERDICT_E } },
#define ABSENT(name)                                                                   \
    { SCMP_SYS(name), { CONDITION(0, 0, 0) },                                          \
        { [JAIL_PARENT] = VERDICT_S,                                                   \
            [JAIL_WORKER] = VERDICT_S,                                                 \
            [JAIL_KEYD] = VERDICT_S,                                                   \
            [JAIL_LOGD] = VERDICT_S,                                                   \
            [JAIL_RESOLVER] = VERDICT_S } },
static const struct rule rules[] = {
#include "base/jail_call.def"
};
#undef CONDITION
#undef VERDICTS
#undef CALL
#undef CALL_IF
#undef CALL_IF_BOTH
#undef OPTION
#undef SOCKET
#undef DENIED
#undef DENIED_IF
#undef ABSENT

/* A filter being built. The first thing that goes wrong stays in `error`. */
struct filter {
    scmp_filter_ctx context;
    int error; /* 0, or a negative errno of libseccomp */
};

static void
set(struct filter *f, enum scmp_filter_attr attribute, uint32_t value)
{
    if (f->error == 0)
        f->error = seccomp_attr_set(f->context, attribute, value);
}

static void
add(struct filter *f, uint32_t action, const struct rule *rule)
{
    struct scmp_arg_cmp comparisons[CONDITIONS];
    unsigned count = 0;

    for (unsigned i = 0; i < CONDITIONS; i++) {
        const struct condition *when = &rule->when[i];

        if (when->mask != 0)
            comparisons[count++] = (struct scmp_arg_cmp){ when->argument,
                SCMP_CMP_MASKED_EQ, when->mask, when->value };
    }
    if (f->error == 0)
        f->error =
            seccomp_rule_add_array(f->context, action, rule->call, count, comparisons);
}

static void
add_table(struct filter *f, enum jail_role role)
{
    uint32_t action[] = {
        [VERDICT_Y] = SCMP_ACT_ALLOW,
        [VERDICT_E] = SCMP_ACT_ERRNO(role == JAIL_PARENT ? EPERM : EACCES),
        [VERDICT_S] = SCMP_ACT_ERRNO(ENOSYS),
    };

    /* A sanitizer opens files of its own: what libc may try, it may do. */
    if (WITH_ADDRESS_SANITIZER && role != JAIL_PARENT)
        action[VERDICT_E] = SCMP_ACT_ALLOW;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].verdict[role] != VERDICT_N)
            add(f, action[rules[i].verdict[role]], &rules[i]);
}

bool
jail_filter_load(enum jail_role role, struct note *note)
{
    const bool is_parent = role == JAIL_PARENT;
    const struct rule clone3 = { .call = SCMP_SYS(clone3) };
    /* abort() must end this process, and nothing here may signal another. */
    const struct rule own_signal = { .call = SCMP_SYS(tgkill),
        .when = { { 0, INT, (uint64_t)getpid() } } };
    struct filter f = { .context = seccomp_init(
                            is_parent ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS) };

    if (f.context == NULL) {
        note_set(note, "no memory for a seccomp filter");
        return false;
    }
    set(&f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    set(&f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree instead of a list to walk */
    /*
     * Before Linux 5.16 a filter also switched speculation off for its process. No
     * foreign code runs here (base/jail_call.def), so TLS need not pay for that.
     */
    set(&f, SCMP_FLTATR_CTL_SSB, 1);
    add_table(&f, role);
    if (!is_parent)
        add(&f, SCMP_ACT_ALLOW, &own_signal);
    if (is_parent || role == JAIL_KEYD || role == JAIL_RESOLVER)
        add(&f, SCMP_ACT_ERRNO(ENOSYS), &clone3);
    if (f.error == 0)
        f.error = seccomp_load(f.context);
    seccomp_release(f.context);
    if (f.error != 0)
        note_set(note, "seccomp: %s", strerror(-f.error));
    return f.error == 0;
}
