/*
 * tests/fuzz/fuzz_ipc.c - a message from a compromised process, read field by field.
 *
 * The input is the datagram. What comes next to be read is chosen by the message
 * itself, so every order of kinds is tried. Beyond the crashes that a sanitizer
 * sees: a view lies inside the message, a broken message stays broken, and
 * reading always comes to an end.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/ipc.h"
#include "base/sanitizer.h"

#if WITH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define hide(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#define unhide(at, bytes) ASAN_UNPOISON_MEMORY_REGION(at, bytes)
#else
#define hide(at, bytes) ((void)(at), (void)(bytes))
#define unhide(at, bytes) ((void)(at), (void)(bytes))
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_bytes(struct ipc_message *m)
{
    struct bytes field = ipc_get_bytes(m);
    const char *start = (const char *)m->bytes;

    if (m->broken) {
        require(field.at == NULL && field.length == 0);
        return;
    }
    require(field.at > start && field.at + field.length <= start + m->length);
}

static void
read_string(struct ipc_message *m)
{
    char text[32];

    ipc_get_string(m, text, sizeof text);
    require(memchr(text, '\0', sizeof text) != NULL);
    require(!m->broken || text[0] == '\0');
}

static void
read_field(struct ipc_message *m)
{
    const size_t before = m->at;
    const bool was_broken = m->broken;

    switch (before < m->length ? m->bytes[before] % 4 : 0) {
    case 0:
        read_bytes(m);
        break;
    case 1:
        read_string(m);
        break;
    case 2:
        (void)ipc_get_u32(m);
        break;
    case 3:
        (void)ipc_get_u64(m);
        break;
    }
    require(m->at <= m->length);
    require(m->broken ? !ipc_at_end(m) : m->at > before);
    require(!was_broken || m->broken);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ipc_message m;

    if (size > sizeof m.bytes)
        return 0;
    if (size > 0)
        memcpy(m.bytes, data, size);
    hide(m.bytes + size, sizeof m.bytes - size);
    if (ipc_open(&m, size))
        while (!ipc_at_end(&m) && !m.broken)
            read_field(&m);
    if (m.broken)
        read_field(&m);
    ipc_done(&m);
    unhide(m.bytes, sizeof m.bytes);
    return 0;
}
