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
 * What `postern check` and `postern run` share: reads `file` and what it includes
 * (each at most 1 MiB), checks everything that needs no network, opens the
 * certificates and keys it names. Every mistake goes into `diagnostics`.
 * Returns a snapshot with one reference, or NULL when there was an error.
 */
struct snapshot *
config_load(const char *file, struct diagnostics *diagnostics) MUST_USE;

/*
 * The same, and in *memfd the text that was checked, as it crosses processes: a sealed
 * memfd that holds all files of the configuration; -1 when the kernel has none. And
 * back, in a child that trusts its parent: the same parser and schema, without looking
 * at keys.
 */
struct snapshot *config_load_sealed(const char *file, int *memfd,
    struct diagnostics *diagnostics) MUST_USE;
struct snapshot *config_unseal(int memfd, struct diagnostics *diagnostics) MUST_USE;

#endif
