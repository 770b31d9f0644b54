/*
 * proxy/journal.h - which facts of a connection, a request, a server go into which event.
 */
#ifndef PROXY_JOURNAL_H
#define PROXY_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/note.h"
#include "proxy/phase.h"
#include "tls/tls_stream.h"

struct client;
struct exchange;
struct server;

/* What only the connection knows at its end. */
struct journal_connection {
    enum fault fault;
    enum phase phase;
    const struct note *note;
    const struct tls_stream *stream;
    uint64_t accepted_ns;
    unsigned requests;
    bool credentials_seen;
};

/* The one ending event of a connection: ended, TLS rejected, or clear text. */
void
journal_connection(const struct client *client, const struct journal_connection *c);

/* The one ending event of a request: forwarded, answered, blocked or redirected. */
void journal_request(const struct exchange *x);

void journal_server(const struct server *server, bool up, enum fault fault,
    const struct note *note);

/* What a browser reports; NULL and 0: it did not say. */
struct journal_csp {
    const char *document, *directive, *blocked, *source, *disposition;
    uint64_t line;
};
void journal_csp(const struct exchange *x, const struct journal_csp *csp);

#endif
