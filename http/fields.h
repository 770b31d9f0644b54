/*
 * http/fields.h - the header fields we know by name, and what is special about each.
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include <stdbool.h>

#include "base/bytes.h"

/* Rows in http/fields.def: FIELD(symbol, "Name", flags) */
#define FIELD(symbol, name, flags) FIELD_##symbol,
enum field_id {
    FIELD_OTHER,
#include "http/fields.def"
    FIELD_COUNT
};
#undef FIELD

enum field_flag {
    FIELD_HOP = 1, /* ends at the next hop (RFC 9110, 7.6.1): never forwarded as is */
    FIELD_SINGLE = 2, /* a second one is an error, not a list */
    FIELD_SECRET = 4, /* its value never enters a log */
    FIELD_IDENTITY =
        8, /* we say it ourselves; what a client sends under it is dropped */
    FIELD_FRAMING = 16,   /* written by the engine, never copied */
    FIELD_PROTECTED = 32, /* Connection may not name it away */
    FIELD_FIRST = 64,     /* of several the first counts, the others are dropped */
};

/* FIELD_OTHER for a name the table does not hold. Any case. */
enum field_id field_find(struct bytes name);

unsigned field_flags(enum field_id id); /* 0 for FIELD_OTHER */
const char *field_name(enum field_id id);

#endif
