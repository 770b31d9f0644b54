/*
 * base/seal.c - memfds that are sealed: making, writing, shutting and reading them.
 *
 * Owns nothing. Trust: a reader trusts whoever sealed it, but not its own luck: every
 * length is checked.
 */
#include "base/seal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3, memfd_create(2) */
#endif

int
seal_open(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    /* A kernel before 6.3 does not know that it is no program. */
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd;
}

bool
seal_size(int fd, size_t bytes)
{
    return ftruncate(fd, (off_t)bytes) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

static bool
write_all(int fd, struct bytes left)
{
    while (left.length > 0) {
        ssize_t wrote = write(fd, left.at, left.length);

        if (wrote < 0 && errno != EINTR)
            return false;
        if (wrote > 0)
            left = bytes_of(left.at + wrote, left.length - (size_t)wrote);
    }
    return true;
}

bool
seal_put(int fd, struct bytes record)
{
    uint32_t length = htole32((uint32_t)record.length);

    require(record.length <= UINT32_MAX);
    return write_all(fd, bytes_of(&length, sizeof length)) && write_all(fd, record);
}

bool
seal_shut(int fd)
{
    return fcntl(fd, F_ADD_SEALS, ALL_SEALS) == 0;
}

bool
seal_map(int fd, struct bytes *all)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat status;
    void *memory;

    *all = bytes_of(NULL, 0);
    if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS || fstat(fd, &status) != 0)
        return false;
    if (status.st_size == 0)
        return true;
    memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (memory == MAP_FAILED)
        return false;
    *all = bytes_of(memory, (size_t)status.st_size);
    return true;
}

void
seal_unmap(struct bytes *all)
{
    if (all->at != NULL)
        require(munmap((void *)(uintptr_t)all->at, all->length) == 0);
    *all = bytes_of(NULL, 0);
}

bool
seal_cut(struct bytes *rest, struct bytes *record)
{
    uint32_t length;

    if (rest->length < sizeof length)
        return false;
    memcpy(&length, rest->at, sizeof length);
    length = le32toh(length);
    if (length > rest->length - sizeof length)
        return false;
    *record = bytes_of(rest->at + sizeof length, length);
    *rest = bytes_of(record->at + length, rest->length - sizeof length - length);
    return true;
}
