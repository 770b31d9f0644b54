/*
 * proxy/parent_priv.h - the parent's own struct, shared by parent.c (life), family.c
 * (the children) and watchdog.c (who looks after them).
 */
#ifndef PROXY_PARENT_PRIV_H
#define PROXY_PARENT_PRIV_H

#include <uv.h>

#include "base/ipc.h"
#include "config/config.h"
#include "log/event.h"
#include "proxy/address_list.h"
#include "proxy/affinity.h"
#include "proxy/child.h"
#include "proxy/ledger.h"
#include "proxy/sockets.h"
#include "proxy/watch.h"
#include "tls/tls_ticket.h"

struct parent;

/* How far a process of this name had come when it ended. */
struct child_end {
    uint64_t life;
    uint64_t events; /* that it made, sent or not */
};

struct child {
    struct parent *parent;
    enum child_role role;
    unsigned index; /* among the workers */
    char name[24];
    pid_t pid;        /* 0: not running */
    int control;      /* -1: not running */
    uv_poll_t *poll;  /* on the heap: it may outlive this run of the child */
    uv_timer_t again; /* starts it after a pause */
    uint64_t started_ms;
    unsigned quick_ends;      /* how often in a row it ended within a second */
    uint64_t life;            /* how often one of this name was started */
    struct child_end ends[4]; /* the last of them, for a logd that was away */
    unsigned end_count;
    struct watch watch;
    bool ready, drained;
    bool deaf;            /* a message found no room: it does not know what it must */
    bool condemned;       /* killed by the watchdog, which knows: */
    char state_at_end;    /* what the kernel said of it (proxy/watch.h) */
    uint64_t silent_ms;   /* for how long it had not answered */
    uint64_t asked_ms[2]; /* when keyd last told of it: as a total, as odd */
    uint64_t lost_ms[2]; /* when it was last granted a channel anew: to keyd, to logd */
};

struct parent {
    uv_loop_t loop;
    struct snapshot *snapshot;
    struct sealed sealed; /* what every process of this configuration gets */
    struct sockets sockets;
    struct ledger *ledger; /* of all workers */
    struct tls_tickets tickets;
    struct affinity_key cookie_key;
    char pseudonym[32];
    struct event_log *log;
    int backlog; /* memory that each logd gets (log/backlog.h) */

    struct child *children; /* logd, keyd, resolver, then the workers */
    unsigned child_count;
    struct address_list *names; /* what the resolver has said so far */
    unsigned name_count;
    uint64_t names_seen; /* bit per name (the first 64): answered at least once */

    uint8_t *names_are_news; /* by name: the workers have not been told yet */

    uint64_t look_ms, looked_ms; /* the watchdog's period, and when it looked last */
    uv_timer_t watchdog, news;
    uv_signal_t sigterm, sigint, sigchld, sighup;
    uv_timer_t rotation, daily, patience;
    uv_prepare_t batch;
    bool workers_started, announced, stopping, impatient;
    int status;
};

/* --- family.c --- */

/* Starts a child and tells it what it needs. False with a note. */
bool family_start(struct child *child, struct note *note) MUST_USE;

/* Reads some of a child's messages; called as long as its control channel is readable. */
void family_listen(struct child *child);

/* Asks whether it still works (proxy/watch.h); false when there is no room to. */
bool family_ask(struct child *child, uint32_t number) MUST_USE;

/* Tells it to finish and end. */
void family_drain(struct child *child);

/* The child has ended: forgets its channel. */
void family_forget(struct child *child);

/* Sends the present ticket keys to all workers. */
void family_send_tickets(struct parent *parent);

static inline struct child *
parent_logd(struct parent *parent)
{
    return &parent->children[0];
}

static inline struct child *
parent_keyd(struct parent *parent)
{
    return &parent->children[1];
}

/* --- watchdog.c --- */

/* Begins to look after all children, twice within the snapshot's watchdog_ms. */
void watchdog_start(struct parent *parent);

/* Tells why it killed this child, which has ended and is not forgotten yet. */
void watchdog_tell(const struct child *child);

/* --- parent.c --- */

/* A child is ready, or the resolver has said more: what comes next? */
void parent_advance(struct parent *parent);

/* A child said why it cannot work, or there is something to say about it. */
void parent_complain(const struct child *child, const char *why);

#endif
