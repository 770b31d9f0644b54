/*
 * proxy/parent.h - the process that opens, spawns, watches, and reads nothing from outside.
 */
#ifndef PROXY_PARENT_H
#define PROXY_PARENT_H

#include "config/config.h"

/*
 * Runs postern with a checked configuration until SIGTERM or SIGINT, in the
 * foreground: opens sockets, starts the other processes, writes `postern ready` to
 * standard output when they accept connections, starts again what dies. Owns the
 * descriptors of `sealed` (notary.h). What keeps it from starting goes to standard
 * error. Returns the exit status: 0 after a stop that was asked for, 1 otherwise.
 */
int parent_run(const struct sealed *sealed);

#endif
