/*
 * tests/e2e/starve.c - takes memory away from one process, loaded before the C library.
 *
 * Beside the library lies a file of the same name and ".order", made by the scene before
 * anything is started. Each process maps it when it begins, long before its jail. While
 * it names a process and a number n, each n-th allocation of that process gets nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct order {
    _Atomic uint32_t process, each;
    _Atomic uint32_t asked;   /* how often since the scene wrote 0, or what it wrote */
    _Atomic uint32_t refused; /* of them, for the scene */
};

static struct order *order;
static uint32_t us;

__attribute__((constructor)) static void
begin(void)
{
    char path[4096];
    Dl_info self;
    void *at;
    int fd;

    if (dladdr((void *)(uintptr_t)begin, &self) == 0 ||
        (size_t)snprintf(path, sizeof path, "%s.order", self.dli_fname) >= sizeof path)
        return;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    at = mmap(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    us = (uint32_t)getpid();
    if (at != MAP_FAILED)
        order = at;
}

static int
is_refused(void)
{
    uint32_t each = order == NULL ? 0 : atomic_load(&order->each);

    if (each == 0 || atomic_load(&order->process) != us ||
        (atomic_fetch_add(&order->asked, 1) + 1) % each != 0)
        return 0;
    atomic_fetch_add(&order->refused, 1);
    errno = ENOMEM;
    return 1;
}

/* The next one in line: the C library's, or a sanitizer's. */
#define NEXT(name)                                                                     \
    static __typeof__(name) *next;                                                     \
    void *symbol;                                                                      \
                                                                                       \
    if (next == NULL) {                                                                \
        symbol = dlsym(RTLD_NEXT, #name);                                              \
        memcpy(&next, &symbol, sizeof next);                                           \
    }

void *
malloc(size_t bytes)
{
    NEXT(malloc)
    return is_refused() ? NULL : next(bytes);
}

void *
calloc(size_t count, size_t bytes)
{
    NEXT(calloc)
    return is_refused() ? NULL : next(count, bytes);
}

void *
realloc(void *at, size_t bytes)
{
    NEXT(realloc)
    return is_refused() ? NULL : next(at, bytes);
}
