/*
 * log/event_table.c - the rows of event.def and event_field.def, as data.
 */
#include "log/event_table.h"

#define EVENT(symbol, action, category, type, outcome, kind, text)                     \
    [EVENT_##symbol] = { #symbol, action, category, type, outcome, kind, text },
const struct event_row event_table[EVENT_COUNT] = {
#include "log/event.def"
};
#undef EVENT

#define EVENT_FIELD(symbol, name, type, limit, text)                                   \
    [EF_##symbol] = { #symbol, name, EVENT_IS_##type, limit, text },
const struct event_field_row event_field_table[EF_COUNT] = {
#include "log/event_field.def"
};
#undef EVENT_FIELD
