/*
 * tls/tls_tap.h - the junction of OpenSSL and a stream's ciphertext queues.
 */
#ifndef TLS_TLS_TAP_H
#define TLS_TLS_TAP_H

#include <openssl/bio.h>

#include "tls/tls_stream.h"

/*
 * A BIO whose two ends are s->cipher_in and s->cipher_out. The caller owns one
 * reference; `s` must outlive the BIO. Ends the process when memory is out.
 */
BIO *tls_tap_new(struct tls_stream *s);

#endif
