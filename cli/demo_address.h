/*
 * cli/demo_address.h - is this address free to listen on?
 */
#ifndef CLI_DEMO_ADDRESS_H
#define CLI_DEMO_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/note.h"
#include "base/require.h"

struct demo_address {
    char host[64]; /* as written: an IPv4 address, a bracketed IPv6 address, or "*" */
    uint16_t port;
};

/*
 * Reads HOST:PORT and binds it for a moment, because only a try tells. With port
 * 0 the kernel's choice is filled in. False: a note says what is wrong with it.
 */
bool demo_address_try(struct demo_address *address, const char *text,
    struct note *note) MUST_USE;

#endif
