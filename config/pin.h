/*
 * config/pin.h - the fingerprint of a certificate or of its key, as it is written.
 */
#ifndef CONFIG_PIN_H
#define CONFIG_PIN_H

#include <openssl/x509.h>

#include "base/require.h"
#include "tls/tls_policy.h"

/*
 * "sha256/" and 32 bytes in base64 or hexadecimal, with colons or without. NULL when the
 * text is good, else a static hint: what to write instead.
 */
const char *pin_read(const char *text, struct tls_pin *pin) MUST_USE;

/* The two ways to write it; both return `text`. */
#define PIN_TEXT_BYTES 96
const char *pin_print(const struct tls_pin *pin, char text[PIN_TEXT_BYTES]);
const char *pin_print_hex(const struct tls_pin *pin, char text[PIN_TEXT_BYTES]);

/* The pin of a certificate. False when it cannot be written as DER. */
bool pin_of_certificate(X509 *certificate, struct tls_pin *pin) MUST_USE;

#endif
