/*
 * tls/key_wire.h - the two messages between a worker and keyd (base/ipc.h).
 *
 * IPC_SIGN:   u32 number, bytes key name (KEY_NAME_BYTES), u32 scheme, u32 hash,
 *             bytes digest (exactly as long as the hash)
 * IPC_SIGNED: u32 number of the question, u32 status, bytes signature (DER for ECDSA)
 *
 * A channel has at most KEY_TURNS questions open; answers come in any order, one each.
 * There is no message for anything but the signature of a digest: whoever owns a
 * worker can sign while he owns it, and takes no key and no decryption with him.
 */
#ifndef TLS_KEY_WIRE_H
#define TLS_KEY_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define KEY_TURNS 16
#define KEY_RECORDS 16384 /* private keys of one configuration */
#define KEY_SCOPE_BYTES (KEY_RECORDS / 8)

enum key_scheme { KEY_ECDSA, KEY_RSA_PKCS1, KEY_RSA_PSS, KEY_SCHEMES };

/* For PSS the same hash serves MGF1, and the salt is as long as the digest. */
enum key_hash { KEY_SHA256, KEY_SHA384, KEY_SHA512, KEY_HASHES };

enum key_status { KEY_SIGNED, KEY_UNKNOWN, KEY_REFUSED };

#define KEY_NAME_BYTES 32        /* SHA-256 of the certificate's SubjectPublicKeyInfo */
#define KEY_DIGEST_BYTES 64      /* the longest */
#define KEY_SIGNATURE_BYTES 1024 /* RSA-8192 */

/* "SHA256" and its digest's length, by enum key_hash. */
static const struct key_hash_row {
    const char *name;
    size_t bytes;
} key_hashes[KEY_HASHES] = {
    [KEY_SHA256] = { "SHA256", 32 },
    [KEY_SHA384] = { "SHA384", 48 },
    [KEY_SHA512] = { "SHA512", 64 },
};

#endif
