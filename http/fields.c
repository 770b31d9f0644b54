/*
 * http/fields.c - the table of known header fields and the way into it.
 *
 * Every field of every message is looked up, so names are hashed, not compared
 * down the list. The hash table is made from http/fields.def at first use: a new
 * row needs nothing else.
 */
#include "http/fields.h"

#include <stdint.h>

#include "base/require.h"

#define SLOTS 256u /* a power of two, several times the rows: few probes */
_Static_assert(FIELD_COUNT <= 64, "a set of fields fits a 64-bit mask");

#define FIELD(symbol, name, flags) { { (name), sizeof(name) - 1 }, (flags) },
static const struct {
    struct bytes name;
    unsigned flags;
} rows[FIELD_COUNT] = {
    { { "", 0 }, 0 }, /* FIELD_OTHER */
#include "http/fields.def"
};
#undef FIELD

static uint8_t slots[SLOTS]; /* enum field_id; FIELD_OTHER marks a free slot */

/*
 * Length, first and last letter tell nearly all known names apart. Setting bit 5
 * makes letters lower case; what it does to other bytes only costs a probe.
 */
static unsigned
slot_of(struct bytes name)
{
    unsigned first = (unsigned char)name.at[0] | 0x20;
    unsigned last = (unsigned char)name.at[name.length - 1] | 0x20;

    return ((unsigned)name.length * 31 + first * 7 + last * 3) % SLOTS;
}

static void
fill_slots(void)
{
    for (unsigned id = FIELD_OTHER + 1; id < FIELD_COUNT; id++) {
        unsigned slot = slot_of(rows[id].name);

        while (slots[slot] != FIELD_OTHER)
            slot = (slot + 1) % SLOTS;
        slots[slot] = (uint8_t)id;
    }
}

enum field_id
field_find(struct bytes name)
{
    static bool filled;

    if (name.length == 0)
        return FIELD_OTHER;
    if (!filled) {
        fill_slots();
        filled = true;
    }
    for (unsigned slot = slot_of(name); slots[slot] != FIELD_OTHER;
         slot = (slot + 1) % SLOTS)
        if (bytes_equal_nocase(rows[slots[slot]].name, name))
            return (enum field_id)slots[slot];
    return FIELD_OTHER;
}

unsigned
field_flags(enum field_id id)
{
    require((unsigned)id < FIELD_COUNT);
    return rows[id].flags;
}

const char *
field_name(enum field_id id)
{
    require((unsigned)id < FIELD_COUNT);
    return rows[id].name.at;
}
