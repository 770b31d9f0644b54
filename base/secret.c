/*
 * base/secret.c - pages of their own for keys and passwords.
 *
 * Whole pages from mmap, not malloc: a lock and MADV_DONTDUMP work on pages, and
 * nothing that overruns a heap block lands here. A lock that RLIMIT_MEMLOCK
 * refuses is done without; core dumps are forbidden by the jail in any case.
 */
#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

void *
secret_new(size_t bytes)
{
    size_t length = bytes > 0 ? bytes : 1;
    void *at =
        mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    require(at != MAP_FAILED);
    (void)mlock(at, length);
    (void)madvise(at, length, MADV_DONTDUMP);
    return at;
}

void
secret_free(void **secret, size_t bytes)
{
    if (*secret == NULL)
        return;
    secret_wipe(*secret, bytes);
    require(munmap(*secret, bytes > 0 ? bytes : 1) == 0);
    *secret = NULL;
}

void
secret_wipe(void *at, size_t bytes)
{
    if (bytes > 0)
        explicit_bzero(at, bytes);
}

void
secret_random(void *at, size_t bytes)
{
    unsigned char *to = at;

    while (bytes > 0) {
        ssize_t got = getrandom(to, bytes, 0);

        if (got < 0 && errno == EINTR)
            continue;
        require(got > 0);
        to += got;
        bytes -= (size_t)got;
    }
}
