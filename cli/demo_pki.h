/*
 * cli/demo_pki.h - the two certificate authorities of the demonstration.
 *
 * Each signs one server certificate and loses its key: it never touches a disk,
 * so whoever trusts such an authority in a browser trusts that one certificate.
 */
#ifndef CLI_DEMO_PKI_H
#define CLI_DEMO_PKI_H

#include <stdbool.h>
#include <time.h>

#include "base/note.h"
#include "base/require.h"

#define DEMO_INTERNAL_NAME "webmail.internal.test"
#define DEMO_PUBLIC_NAME "localhost"

#define DEMO_PKI_DAYS 30      /* how long what we sign is valid */
#define DEMO_PKI_RENEW_DAYS 3 /* with less than this left it is made anew */

/*
 * Sees to it that `folder`, which exists, holds for each of "internal" and
 * "public": NAME-ca.pem (the authority), NAME.pem (the server's certificate, then
 * the authority) and NAME.key (its key, mode 0600). What is there, fits together
 * and is valid at `now` and for DEMO_PKI_RENEW_DAYS more is kept; otherwise that
 * set is made anew, valid for DEMO_PKI_DAYS from `now`. Returns false with a note
 * when a file could not be written.
 */
bool demo_pki_prepare(const char *folder, time_t now, struct note *note) MUST_USE;

#endif
