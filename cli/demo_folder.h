/*
 * cli/demo_folder.h - the one folder that holds all that the demonstration writes.
 */
#ifndef CLI_DEMO_FOLDER_H
#define CLI_DEMO_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/note.h"
#include "base/require.h"

struct demo_folder {
    char path[PATH_MAX];   /* absolute; no quote, backslash or control character */
    char tls[PATH_MAX];    /* path/tls */
    char config[PATH_MAX]; /* path/postern.yaml */
};

/* What differs from one demonstration to the next. */
struct demo_setting {
    const char *address;  /* HOST:PORT */
    const char *redirect; /* HOST:PORT of redirect_http; NULL: none */
    const char *user;     /* account of the workers; NULL: not root */
    uint16_t site_port;
};

/*
 * Makes `asked` and its tls folder, or takes what an earlier demonstration left.
 * A folder that holds other things is refused, so that nothing of the
 * operator's is ever overwritten. False: a note says why.
 */
bool demo_folder_open(struct demo_folder *folder, const char *asked,
    struct note *note) MUST_USE;

/* Writes the configuration that `postern run` is to read. False: a note says why. */
bool demo_folder_configure(const struct demo_folder *folder,
    const struct demo_setting *setting, struct note *note) MUST_USE;

#endif
