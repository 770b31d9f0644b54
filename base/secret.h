/*
 * base/secret.h - memory for keys and passwords.
 *
 * Locked into memory where the limit allows, kept out of core dumps, and wiped
 * before it is freed. A secret has no conversion to a log field.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

#include "base/require.h"

/* Zeroed pages of at least `bytes` bytes; ends the process when memory is out. */
void *secret_new(size_t bytes);

/* Wipes and frees what secret_new gave for `bytes`; accepts NULL, leaves NULL. */
void secret_free(void **secret, size_t bytes);

/* Overwrites memory in a way that the compiler does not remove. */
void secret_wipe(void *at, size_t bytes);

/* Random bytes from the kernel; waits for the pool at boot, never fails. */
void secret_random(void *at, size_t bytes);

#endif
