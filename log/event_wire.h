/*
 * log/event_wire.h - an event as it travels in an IPC_EVENTS message.
 *
 * A message begins with a u64, the number of its first event: a sender counts its events
 * from 0 on. What is missing between two messages is lost. Then comes one bytes field
 * per event, or none when the sender only says where it stands:
 *
 *     id u16, flags u8, wall clock in ns u64, then per field: number u8, value
 *
 * TEXT, URL and KEYWORD are u16 length and bytes, IP is u8 length (4 or 16) and
 * the address, NUMBER u64, FLAG u8 (0 or 1), FAULT u16. Both ends are the same
 * program on the same machine, so integers are in the machine's order.
 */
#ifndef LOG_EVENT_WIRE_H
#define LOG_EVENT_WIRE_H

#include "log/event_table.h"

#define EVENT_WIRE_HEAD ((size_t)11)

/* Bits of `flags`. */
#define EVENT_WIRE_CUT 1U /* a text was longer than its field's limit */

/* Enough for an event with every field at its limit; 18: a field number and an IPv6 address. */
enum {
#define EVENT_FIELD(symbol, name, type, limit, text) +(limit) + 18
    EVENT_WIRE_FIELDS = 0
#include "log/event_field.def"
#undef EVENT_FIELD
};
#define EVENT_WIRE_BYTES (EVENT_WIRE_HEAD + (size_t)EVENT_WIRE_FIELDS)

_Static_assert(EF_COUNT <= 256, "a field's number travels in one byte");

/* Which fields an event has. */
struct event_set {
    uint64_t bits[(EF_COUNT + 63) / 64];
};

static inline bool
event_set_has(const struct event_set *set, enum event_field field)
{
    return set->bits[field / 64] >> field % 64 & 1;
}

static inline void
event_set_add(struct event_set *set, enum event_field field)
{
    set->bits[field / 64] |= (uint64_t)1 << field % 64;
}

static inline void
event_set_remove(struct event_set *set, enum event_field field)
{
    set->bits[field / 64] &= ~((uint64_t)1 << field % 64);
}

#endif
