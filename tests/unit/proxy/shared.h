/*
 * tests/unit/proxy/shared.h - a ledger, and processes that write into it together.
 */
#ifndef UNIT_PROXY_SHARED_H
#define UNIT_PROXY_SHARED_H

#include <sys/types.h>

#include "proxy/ledger.h"

/* The parent's view of a ledger with one listener. */
struct ledger *shared_new(unsigned columns, uint32_t sources);

/* The view that the worker of `column` has, in this process. */
struct ledger *shared_view(const struct ledger *ledger, unsigned column);

/*
 * One process per column: each calls `work` on its own view, all at the same time, and
 * sends back the number that it returned. Then they wait to be killed.
 */
struct shared_crowd {
    pid_t pids[LEDGER_COLUMNS_MAX];
    uint32_t numbers[LEDGER_COLUMNS_MAX];
    unsigned count;
};
void shared_begin(struct shared_crowd *crowd, const struct ledger *ledger,
    uint32_t (*work)(struct ledger *view));

/* SIGKILL, and the end of that process has been seen. */
void shared_kill(struct shared_crowd *crowd, unsigned column);

/* The sum of what they returned. */
uint32_t shared_sum(const struct shared_crowd *crowd);

#endif
