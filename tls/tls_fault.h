/*
 * tls/tls_fault.h - what OpenSSL's error queue means in our words.
 */
#ifndef TLS_TLS_FAULT_H
#define TLS_TLS_FAULT_H

#include "base/fault.h"
#include "base/note.h"
#include "tls/tls_stream.h"

/*
 * Empties the error queue of a call on s->ssl that failed for good and returns
 * the fault; the note says more where there is more. Never FAULT_NONE.
 */
enum fault tls_fault_take(const struct tls_stream *s, struct note *note);

/*
 * The fault of a dial that failed with this libuv code: is it the other side that did not
 * answer, or are we the ones who have nothing left?
 */
enum fault tls_fault_of_connect(int error);

/*
 * The fault of a connection that ended, by FIN, reset or close_notify, where that was
 * no orderly end. Never FAULT_NONE.
 */
enum fault tls_fault_of_end(const struct tls_stream *s, struct note *note);

#endif
