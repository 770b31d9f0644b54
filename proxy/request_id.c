/*
 * proxy/request_id.c - identifiers that sort by time and never repeat.
 *
 * The layout is ULID's: time first, so that a log sorted by id is in order. The
 * rest begins at a random 80-bit number and counts: unique within the process for
 * certain, among processes but for a chance of 2^-60. It is a name, not a secret.
 */
#include "proxy/request_id.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/secret.h"

static void
write_base32(char *to, unsigned digits, uint64_t number)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    while (digits-- > 0) {
        to[digits] = alphabet[number & 31];
        number >>= 5;
    }
}

void
request_id_make(char id[REQUEST_ID_BYTES])
{
    static struct {
        uint64_t fixed, counter; /* 40 bits each */
        bool seeded;
    } tail;

    if (!tail.seeded) {
        secret_random(&tail.fixed, sizeof tail.fixed);
        secret_random(&tail.counter, sizeof tail.counter);
        tail.seeded = true;
    }
    write_base32(id, 10, clock_wall_ns() / 1000000);
    write_base32(id + 10, 8, tail.fixed);
    write_base32(id + 18, 8, tail.counter++);
    id[REQUEST_ID_BYTES - 1] = '\0';
}
