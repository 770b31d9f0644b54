/*
 * log/event_read.h - an event as logd received it: decoded, checked, still unformatted.
 */
#ifndef LOG_EVENT_READ_H
#define LOG_EVENT_READ_H

#include "base/require.h"
#include "log/event_wire.h"

/* What a field holds: text for TEXT, URL and KEYWORD, 4 or 16 raw bytes for IP. */
union event_value {
    struct bytes text;
    uint64_t number; /* NUMBER, and 0 or 1 for FLAG */
};

struct event_view {
    enum event_id id;
    uint64_t wall_ns; /* since 1970 */
    bool cut;         /* the writer had to shorten a text */
    enum fault fault; /* FAULT_NONE: none was given */
    struct event_set has;
    union event_value values[EF_COUNT]; /* only those in `has` are set */
};

/* An event of logd's own, stamped with the present time, without fields. */
void event_view_init(struct event_view *view, enum event_id id);

/*
 * Reads one event. False when it is anything but what log/event.c writes: too
 * short, an unknown event, field or fault, a field twice, a text over its limit,
 * bytes left over. `view` points into `raw`.
 */
bool event_read(struct bytes raw, struct event_view *view) MUST_USE;

/* Set or replace a field; logd's own word, so the limits do not count. */
void event_view_set_text(struct event_view *, enum event_field, struct bytes text);
void event_view_set_number(struct event_view *, enum event_field, uint64_t number);

#endif
