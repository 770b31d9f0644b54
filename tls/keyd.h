/*
 * tls/keyd.h - the process that holds the private keys and signs digests.
 */
#ifndef TLS_KEYD_H
#define TLS_KEYD_H

/*
 * Runs keyd on the control channel to the parent until that closes or a drain
 * comes. Reads IPC_KEYS (a sealed memfd of keys, config/papers.h), then IPC_BEGIN;
 * enters its jail as `user`, answers IPC_READY or IPC_FAILED, then serves the askers that
 * IPC_CLIENT messages bring. Refuses anything but signing a digest of the length
 * that its hash has. Returns the process's exit status.
 */
int keyd_run(int control, const char *user);

#endif
