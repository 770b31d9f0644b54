/*
 * proxy/trial.h - a request that is judged and not sent.
 *
 * Runs the parser and the gates of the data path, in their order, on a request that
 * somebody describes: for `postern explain` and for tables of expectations in tests.
 * Nothing is connected, nothing is logged.
 */
#ifndef PROXY_TRIAL_H
#define PROXY_TRIAL_H

#include <stdbool.h>

#include "base/chunk.h"
#include "base/fault.h"
#include "base/note.h"
#include "config/snapshot.h"

#define TRIAL_STEPS_MAX 40

struct trial_request {
    const char *method; /* NULL: GET */
    const char *url;    /* https://host[:port]/path?query; http:// for redirect_http */
    const char
        *server_name;     /* that the client asks TLS for; NULL: the host of the URL */
    const char *listener; /* its name; NULL: the one that has the port of the URL */
    const char *from;     /* address of the client; NULL: 192.0.2.1 */
    const char *const *headers; /* "Name: value" */
    unsigned header_count;
    /*
     * The decoded body; { NULL, 0 }: not told, and not judged. Its length is added where
     * no header says how long it is; where one says more, the rest is still to come.
     */
    struct bytes body;
};

struct trial_step {
    const char *name; /* of the gate */
    enum fault fault;
    char detail[NOTE_BYTES]; /* what it found or compared; "" when nothing */
};

struct trial {
    struct trial_step steps[TRIAL_STEPS_MAX];
    unsigned count;
    enum fault fault;  /* FAULT_NONE: it would be forwarded, redirected or answered */
    unsigned redirect; /* the status that leads to https; 0: none does */
    char *redirect_to; /* where, when one does */
    bool is_own_page;  /* postern would answer it by itself */
    /* Of the snapshot; NULL: not reached. */
    const char *listener, *host, *route, *rule, *upstream;
    struct chunk_queue head; /* what the upstream would get; empty unless forwarded */
};

/*
 * Tries `request` against the configuration, of which a reference must be held
 * meanwhile and as long as `trial` is used. False with a note when the request is
 * not one that can be tried (a malformed URL, an unknown address). End it with
 * trial_fini, also after false.
 */
bool trial_run(struct snapshot *snapshot, const struct trial_request *request,
    struct trial *trial, struct note *note) MUST_USE;
void trial_fini(struct trial *trial);

#endif
