/*
 * proxy/notary.h - the process that reads a configuration, and ends.
 *
 * It reads the files of the configuration and all that they name, certificates and
 * private keys too, checks everything that `postern check` checks, and seals what it
 * read. The parent gets descriptors: no byte of a key is ever in its memory, and what
 * was checked is what every process of this configuration gets, whenever it starts.
 */
#ifndef PROXY_NOTARY_H
#define PROXY_NOTARY_H

#include <stdbool.h>

#include "base/note.h"
#include "config/config.h"

/*
 * The parent's side: starts a notary for `file` and waits for its end. False when the
 * configuration cannot be used, which the notary has said on standard error, or with a
 * note when there was none. Two descriptors are the caller's otherwise.
 */
bool notary_seal(const char *file, struct sealed *sealed, struct note *note) MUST_USE;

/* The notary's side: one question from the control channel. Returns the exit status. */
int notary_run(int control);

#endif
