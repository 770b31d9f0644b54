/*
 * log/event_table.h - the rows of event.def and event_field.def, as data.
 *
 * For the encoder, the decoder, the formats and the generated manual.
 */
#ifndef LOG_EVENT_TABLE_H
#define LOG_EVENT_TABLE_H

#include "log/event.h"

/* What a field holds; event_field.def says which. */
enum event_type {
    EVENT_IS_TEXT,    /* what somebody outside wrote */
    EVENT_IS_URL,     /* the same, and values of secret parameters are masked */
    EVENT_IS_KEYWORD, /* a word out of a small set */
    EVENT_IS_IP,
    EVENT_IS_IPS, /* written by logd only: every address of the event */
    EVENT_IS_NUMBER,
    EVENT_IS_FLAG,
    EVENT_IS_FAULT, /* written as the fault's reason */
};

struct event_row {
    const char *symbol, *action;
    const char *categories, *types; /* comma separated */
    const char *outcome, *kind, *text;
};

struct event_field_row {
    const char *symbol;
    const char *name; /* dotted */
    enum event_type type;
    unsigned limit; /* bytes; 0 where the type has a size of its own */
    const char *text;
};

extern const struct event_row event_table[EVENT_COUNT];
extern const struct event_field_row event_field_table[EF_COUNT];

static inline bool
event_type_is_text(enum event_type type)
{
    return type == EVENT_IS_TEXT || type == EVENT_IS_URL || type == EVENT_IS_KEYWORD;
}

#endif
