/*
 * tls/tls_gate.h - what a finished handshake must have brought.
 */
#ifndef TLS_TLS_GATE_H
#define TLS_TLS_GATE_H

#include <openssl/ssl.h>

#include "base/fault.h"
#include "base/note.h"
#include "base/require.h"

/* FAULT_NONE, or why this session with a client is not good enough. */
enum fault tls_gate_client(const SSL *ssl, struct note *note) MUST_USE;

/* The same for a session with an upstream. */
enum fault tls_gate_upstream(const SSL *ssl, struct note *note) MUST_USE;

#endif
