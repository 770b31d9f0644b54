/*
 * tls/tls_ticket.h - session ticket keys, shared by the workers and rotated.
 *
 * The parent makes a new secret every TICKET_ROTATION_S and tells all workers;
 * the newest one encrypts, the older ones still decrypt. Tickets of a secret that
 * is gone lead to a full handshake.
 */
#ifndef TLS_TLS_TICKET_H
#define TLS_TLS_TICKET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/require.h"

#define TICKET_SECRET_BYTES 80 /* 16 name, 32 AES-256 key, 32 HMAC key */
#define TICKET_SECRETS 3
#define TICKET_ROTATION_S (6 * 3600)

struct tls_tickets {
    uint8_t secret[TICKET_SECRETS][TICKET_SECRET_BYTES]; /* newest first */
    unsigned count;
};

/* Puts a fresh random secret in front; the oldest falls out. (parent) */
void tls_tickets_rotate(struct tls_tickets *tickets);

/* Replaces all by what an IPC_TICKETS message brought; false when its size is off. (worker) */
bool tls_tickets_replace(struct tls_tickets *tickets, struct bytes secrets) MUST_USE;

/* Makes `ctx` issue and accept tickets under `tickets`, which must outlive it. */
void tls_tickets_use(SSL_CTX *ctx, const struct tls_tickets *tickets);

#endif
