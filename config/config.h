/*
 * config/config.h - from the operator's text to a snapshot, or to all mistakes at once.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/require.h"
#include "config/diagnostic.h"
#include "config/snapshot.h"

/*
 * What `postern check`, `run` and `explain` share: reads `file` and what it includes
 * (each at most 1 MiB), checks everything that needs no network, reads the
 * certificates and keys it names. Every mistake goes into `diagnostics`.
 * Returns a snapshot with one reference, or NULL when there was an error.
 */
struct snapshot *
config_load(const char *file, struct diagnostics *diagnostics) MUST_USE;

/* A checked configuration as it crosses processes: two sealed memfds (base/seal.h). */
struct sealed {
    int text; /* all files of the configuration, and the certificates that they name */
    int keys; /* their private keys (config/papers.h); for keyd alone to read */
};

/*
 * The same reading and checks, for other processes than this one. False when there was
 * an error; then both are -1.
 */
bool config_seal(const char *file, struct sealed *sealed,
    struct diagnostics *diagnostics) MUST_USE;

/*
 * And back, in a process that trusts who sealed `text`: the same parser and schema,
 * without looking at files.
 */
struct snapshot *config_unseal(int text, struct diagnostics *diagnostics) MUST_USE;

#endif
