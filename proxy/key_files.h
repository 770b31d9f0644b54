/*
 * proxy/key_files.h - the files that hold private keys: opened by the parent, read by keyd.
 *
 * The parent never reads them. It keeps them open, so that a keyd that is started
 * again gets the very keys that fit the certificates the workers loaded.
 */
#ifndef PROXY_KEY_FILES_H
#define PROXY_KEY_FILES_H

#include <stdbool.h>

#include "base/note.h"
#include "config/snapshot.h"

struct key_file {
    const char *certificate, *place; /* of the snapshot */
    int fd;
};

struct key_files {
    struct key_file *rows;
    unsigned count;
};

/* Opens every key that the configuration names. False with a note. */
bool key_files_open(struct key_files *files, const struct snapshot *snapshot,
    struct note *note) MUST_USE;

/* Idempotent. */
void key_files_close(struct key_files *files);

#endif
