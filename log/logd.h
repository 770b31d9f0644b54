/*
 * log/logd.h - the process that formats events and appends them to their targets.
 */
#ifndef LOG_LOGD_H
#define LOG_LOGD_H

#include "log/log_policy.h"

/*
 * Runs logd on the control channel to the parent until that closes or a drain
 * comes; then writes what still waits in its channels and ends. `policy` says the
 * targets; files are opened (append, 0640) before the jail is entered as `user`.
 * The first message brings IPC_BACKLOG, the memory of log/backlog.h, in which the logd
 * before left what it had not written.
 * Each asker comes as an IPC_CLIENT message that names it: the name in an event's
 * process.name is the parent's word, not the worker's. A channel on which comes what
 * is no batch of events is closed, and a LOG_REFUSED event says whose it was.
 * SIGINT, SIGTERM and SIGHUP are ignored: the parent ends logd, after all others.
 * Returns the exit status.
 */
int logd_run(int control, const struct log_policy *policy, const char *user);

#endif
