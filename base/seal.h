/*
 * base/seal.h - bytes that cross processes and that nobody can change any more.
 *
 * A sealed memfd (fcntl(2), F_ADD_SEALS) holds records, each a length of four bytes,
 * little-endian, and that many bytes. What they mean is their writers' and readers'
 * business. Whoever has the descriptor can read it, as often as he likes.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/require.h"

/*
 * An empty memfd, close-on-exec, that shows as /memfd:NAME and never becomes a program
 * (vm.memfd_noexec demands that on some machines); -1 with errno.
 */
int seal_open(const char *name) MUST_USE;

/* It has so many bytes from now on, all zero, which can be written. False with errno. */
bool seal_size(int fd, size_t bytes) MUST_USE;

/* Appends one record, at most 4 GiB - 1 long. False with errno. */
bool seal_put(int fd, struct bytes record) MUST_USE;

/* No byte and no length changes from now on, and no seal is taken off. False with errno. */
bool seal_shut(int fd) MUST_USE;

/*
 * Everything in a shut memfd, read-only, until seal_unmap. False when it is not sealed in
 * full or cannot be mapped.
 */
bool seal_map(int fd, struct bytes *all) MUST_USE;

/* Idempotent; accepts what was never mapped. */
void seal_unmap(struct bytes *all);

/*
 * The next record off `rest`, a view into it; loop while rest->length > 0. False when
 * there is less than it says.
 */
bool seal_cut(struct bytes *rest, struct bytes *record) MUST_USE;

#endif
