/*
 * tls/keyd_watch.h - is what an asker asks for as usual?
 *
 * keyd cannot see handshakes, and would have to believe a worker that told of them. It
 * compares: with what the asker used to ask for, and with what the others ask for now,
 * because the kernel deals connections out to all workers alike. A flood of hellos is
 * therefore odd only while it is new and if there is a single worker; a worker that
 * somebody uses to sign what no client asked for stands out at once.
 */
#ifndef TLS_KEYD_WATCH_H
#define TLS_KEYD_WATCH_H

#include "tls/keyd_askers.h"

#define KEYD_WINDOW_MS 10000
#define KEYD_REPORT_WINDOWS 360 /* an hour */

/*
 * An asker's window is odd when something had to be refused, or when it holds more than
 * KEYD_ODD_LEAST questions and more than KEYD_ODD_TIMES what is usual. In an asker's first
 * KEYD_LEARNING windows nothing is usual yet, unless others tell.
 */
#define KEYD_ODD_LEAST 200
#define KEYD_ODD_TIMES 4
#define KEYD_LEARNING 6

/* What to tell of one name. */
struct keyd_finding {
    const char *name;
    struct keyd_count count;
    uint64_t usual;
};

/* Looks at the window that is over; true when `finding` is to be told. */
bool keyd_watch_is_odd(const struct keyd_askers *askers, const struct keyd_tally *tally,
    struct keyd_finding *finding);

/* Begins the next window: adds this one to the totals and to what is usual. */
void keyd_watch_turn(struct keyd_askers *askers);

#endif
