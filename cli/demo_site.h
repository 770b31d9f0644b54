/*
 * cli/demo_site.h - the internal webmail of the demonstration, as a process.
 */
#ifndef CLI_DEMO_SITE_H
#define CLI_DEMO_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/note.h"
#include "base/require.h"

#define DEMO_SITE_CLIENTS 64 /* served at once; the next one waits */

struct demo_site {
    pid_t pid;
    uint16_t port; /* of 127.0.0.1, chosen by the kernel */
    int lifeline;  /* the site ends when nobody holds this any more */
};

/*
 * Starts the site with FOLDER/internal.pem and internal.key, as `user` when that
 * is not NULL (then we are root). When it returns true the site accepts
 * connections; the caller owes a demo_site_stop. False: a note says why.
 */
bool demo_site_start(struct demo_site *site, const char *folder, const char *user,
    struct note *note) MUST_USE;

/* Ends the site and all its connections, and waits for it. */
void demo_site_stop(struct demo_site *site);

#endif
