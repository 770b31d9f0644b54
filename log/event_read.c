/*
 * log/event_read.c - the side that reads events: logd.
 *
 * Trust: none. A worker that an attacker took over writes these bytes. Whatever
 * log/event.c would not have written is refused as a whole, so what comes behind
 * need not check again. Owns nothing; no I/O; safe to fuzz.
 */
#include "log/event_read.h"

#include "base/clock.h"

/* Takes `bytes` bytes off the front of `raw`; false when there are not so many. */
static bool
take(struct bytes *raw, void *to, size_t bytes)
{
    if (raw->length < bytes)
        return false;
    memcpy(to, raw->at, bytes);
    raw->at += bytes;
    raw->length -= bytes;
    return true;
}

static bool
take_view(struct bytes *raw, size_t bytes, struct bytes *view)
{
    if (raw->length < bytes)
        return false;
    *view = bytes_of(raw->at, bytes);
    raw->at += bytes;
    raw->length -= bytes;
    return true;
}

static bool
take_text(struct bytes *raw, unsigned limit, struct bytes *text)
{
    uint16_t length;

    return take(raw, &length, sizeof(length)) && length > 0 && length <= limit &&
        take_view(raw, length, text);
}

static bool
take_ip(struct bytes *raw, struct bytes *ip)
{
    uint8_t length;

    return take(raw, &length, sizeof(length)) && (length == 4 || length == 16) &&
        take_view(raw, length, ip);
}

static bool
take_flag(struct bytes *raw, uint64_t *number)
{
    uint8_t flag;

    if (!take(raw, &flag, sizeof(flag)) || flag > 1)
        return false;
    *number = flag;
    return true;
}

static bool
take_fault(struct bytes *raw, enum fault *fault)
{
    uint16_t number;

    if (!take(raw, &number, sizeof(number)) || number == FAULT_NONE ||
        number >= FAULT_COUNT)
        return false;
    *fault = (enum fault)number;
    return true;
}

static bool
take_field(struct bytes *raw, struct event_view *view)
{
    uint8_t field;

    if (!take(raw, &field, sizeof(field)) || field >= EF_COUNT ||
        event_set_has(&view->has, field))
        return false;
    event_set_add(&view->has, field);

    union event_value *value = &view->values[field];

    switch (event_field_table[field].type) {
    case EVENT_IS_TEXT:
    case EVENT_IS_URL:
    case EVENT_IS_KEYWORD:
        return take_text(raw, event_field_table[field].limit, &value->text);
    case EVENT_IS_IP:
        return take_ip(raw, &value->text);
    case EVENT_IS_NUMBER:
        return take(raw, &value->number, sizeof(value->number));
    case EVENT_IS_FLAG:
        return take_flag(raw, &value->number);
    case EVENT_IS_FAULT:
        return take_fault(raw, &view->fault);
    case EVENT_IS_IPS:
        return false;
    }
    return false;
}

static bool
take_head(struct bytes *raw, struct event_view *view)
{
    uint16_t id;
    uint8_t flags;

    if (!take(raw, &id, sizeof(id)) || !take(raw, &flags, sizeof(flags)) ||
        !take(raw, &view->wall_ns, sizeof(view->wall_ns)) || id >= EVENT_COUNT ||
        flags > EVENT_WIRE_CUT)
        return false;
    view->id = (enum event_id)id;
    view->cut = flags == EVENT_WIRE_CUT;
    return true;
}

void
event_view_init(struct event_view *view, enum event_id id)
{
    view->id = id;
    view->wall_ns = clock_wall_ns();
    view->cut = false;
    view->fault = FAULT_NONE;
    view->has = (struct event_set){ 0 };
}

bool
event_read(struct bytes raw, struct event_view *view)
{
    view->fault = FAULT_NONE;
    view->has = (struct event_set){ 0 };
    if (!take_head(&raw, view))
        return false;
    while (raw.length > 0)
        if (!take_field(&raw, view))
            return false;
    return true;
}

void
event_view_set_text(struct event_view *view, enum event_field field, struct bytes text)
{
    require(event_type_is_text(event_field_table[field].type));
    if (text.length == 0)
        return;
    event_set_add(&view->has, field);
    view->values[field].text = text;
}

void
event_view_set_number(struct event_view *view, enum event_field field, uint64_t number)
{
    require(event_field_table[field].type == EVENT_IS_NUMBER ||
        event_field_table[field].type == EVENT_IS_FLAG);
    event_set_add(&view->has, field);
    view->values[field].number = number;
}
