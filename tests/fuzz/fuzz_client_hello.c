/*
 * tests/fuzz/fuzz_client_hello.c - the first bytes that anybody may send to a port.
 *
 * The verdict must not depend on how the bytes lie in chunks, a verdict once given
 * must not change when more bytes come, and a name is a name.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/require.h"
#include "tls/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(enum client_hello verdict, const char *name)
{
    size_t length = strnlen(name, CLIENT_HELLO_NAME_BYTES);

    require(length < CLIENT_HELLO_NAME_BYTES);
    require((verdict == CLIENT_HELLO_NAMED) == (length > 0));
    require(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") == length);
}

/* A queue whose first chunk ends after `split` bytes of the data. */
static void
fill(struct chunk_queue *q, const uint8_t *data, size_t size, size_t split)
{
    static const char padding[CHUNK_BYTES];

    chunk_queue_init(q, CHUNK_BYTES);
    chunk_queue_append(q, bytes_of(padding, CHUNK_BYTES - split));
    chunk_queue_append(q, bytes_of(data, size));
    chunk_queue_drop(q, CHUNK_BYTES - split);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[CLIENT_HELLO_NAME_BYTES], again[CLIENT_HELLO_NAME_BYTES];
    enum client_hello early, verdict;
    struct chunk_queue q;

    if (size > 2 * CHUNK_BYTES)
        return 0;
    fill(&q, data, size / 2, 0);
    early = client_hello_read(&q, again);
    chunk_queue_clear(&q);
    fill(&q, data, size, size % 100);
    verdict = client_hello_read(&q, name);
    require(q.length == size);
    chunk_queue_clear(&q);
    check_name(early, again);
    check_name(verdict, name);
    if (early != CLIENT_HELLO_PARTIAL)
        require(early == verdict && strcmp(name, again) == 0);
    return 0;
}
