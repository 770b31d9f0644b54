/*
 * proxy/parent.h - the process that opens, spawns, watches, and reads nothing from outside.
 */
#ifndef PROXY_PARENT_H
#define PROXY_PARENT_H

#include "config/snapshot.h"

/*
 * Runs postern with a checked configuration until SIGTERM or SIGINT, in the
 * foreground: opens sockets and key files, starts the other processes, writes
 * `postern ready` to standard output when they accept connections, starts again
 * what dies. Owns `snapshot`'s reference and `memfd` (config_load_sealed). What keeps it
 * from starting goes to standard error. Returns the exit status: 0 after a stop
 * that was asked for, 1 otherwise.
 */
int parent_run(struct snapshot *snapshot, int memfd);

#endif
