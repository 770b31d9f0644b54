/*
 * log/ecs.c - one event as one line of JSON in the names of the Elastic Common Schema.
 *
 * The names are dotted; the line has objects in objects. Fields of one object stand
 * together in the table (a unit test holds it to that), so one pass in the table's
 * order opens and closes every object once.
 *
 * Trust: the view went through event_read, its texts are anything at all. Owns its
 * tables; no I/O; no malloc per line; asks the C library for no time zone, which it
 * would read from a file.
 */
#include "log/ecs.h"

#include <stdio.h>
#include <stdlib.h>

#include "log/json.h"
#include "log/mask.h"

#define ECS_VERSION "8.11.0"
#define PREFIX_BYTES 384
#define OPENER_BYTES 64
#define DEPTH_MAX 5

/* Room behind the last field for the braces of every open object and the line feed. */
#define TAIL_BYTES (DEPTH_MAX + 2)

/* Elasticsearch refuses a whole line for one number that is no signed long. */
#define NUMBER_MAX ((uint64_t)INT64_MAX)

/* How a field begins: "http":{"request":{"method":" up to the quote of a text. */
struct opener {
    char text[2 * OPENER_BYTES]; /* so that OPENER_BYTES can be read from any start */
    uint8_t length;
    uint8_t depth;             /* objects around the value, without the outermost */
    uint8_t shared;            /* how many of them the field before has too */
    uint8_t starts[DEPTH_MAX]; /* where `text` begins when so many are open already */
};

struct ecs {
    struct opener openers[EF_COUNT];
    struct {
        char text[PREFIX_BYTES];
        size_t length;
    } prefixes[EVENT_COUNT]; /* from "ecs" up to the outcome */
    uint64_t second;         /* that `date` tells */
    char date[sizeof("2026-01-02T03:04:05")];
};

/* --- prepared once --- */

/* How many objects two dotted names have in common. */
static uint8_t
shared_depth(const char *a, const char *b)
{
    uint8_t shared = 0;

    for (; *a != '\0' && *a == *b; a++, b++)
        shared += *a == '.';
    return shared;
}

/* Is the value written between quotes that the opener and the field bring? */
static bool
is_quoted(enum event_type type)
{
    return event_type_is_text(type) || type == EVENT_IS_FAULT;
}

static void
make_opener(struct opener *opener, const struct event_field_row *row)
{
    struct bytes rest = bytes_of_string(row->name);
    size_t length = 0;

    while (rest.at != NULL) {
        struct bytes part = bytes_cut(&rest, '.');

        require(opener->depth < DEPTH_MAX);
        opener->starts[opener->depth] = (uint8_t)length;
        length += (size_t)snprintf(opener->text + length, OPENER_BYTES - length,
            rest.at != NULL ? "\"%.*s\":{" : "\"%.*s\":", BYTES_ARG(part));
        require(length < OPENER_BYTES - 1);
        opener->depth += rest.at != NULL;
    }
    if (is_quoted(row->type))
        opener->text[length++] = '"';
    opener->length = (uint8_t)length;
}

/* "a,b" as ["a","b"]. */
static size_t
print_list(char *to, size_t room, const char *list)
{
    struct bytes rest = bytes_of_string(list);
    size_t length = 0;

    while (rest.at != NULL) {
        struct bytes word = bytes_cut(&rest, ',');

        length += (size_t)snprintf(to + length, room - length, "%c\"%.*s\"",
            length == 0 ? '[' : ',', BYTES_ARG(word));
        require(length < room);
    }
    length += (size_t)snprintf(to + length, room - length, "]");
    require(length < room);
    return length;
}

static size_t
make_prefix(char prefix[PREFIX_BYTES], const struct event_row *row)
{
    char categories[80], types[80];

    print_list(categories, sizeof(categories), row->categories);
    print_list(types, sizeof(types), row->types);

    int length = snprintf(prefix, PREFIX_BYTES,
        "\"ecs\":{\"version\":\"" ECS_VERSION "\"},\"event\":{\"kind\":\"%s\","
        "\"category\":%s,\"type\":%s,\"action\":\"%s\",\"outcome\":\"",
        row->kind, categories, types, row->action);
    require(length > 0 && length < PREFIX_BYTES);
    return (size_t)length;
}

struct ecs *
ecs_new(void)
{
    struct ecs *ecs = require_zeroed(1, sizeof(*ecs));
    const char *before = "event.outcome";

    for (unsigned i = 0; i < EF_COUNT; i++) {
        make_opener(&ecs->openers[i], &event_field_table[i]);
        ecs->openers[i].shared = shared_depth(before, event_field_table[i].name);
        before = event_field_table[i].name;
    }
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        ecs->prefixes[i].length = make_prefix(ecs->prefixes[i].text, &event_table[i]);
    ecs->second = UINT64_MAX;
    return ecs;
}

void
ecs_free(struct ecs **ecs)
{
    free(*ecs);
    *ecs = NULL;
}

/* --- what logd itself has to say --- */

static enum fault_level
level_of(const struct event_view *view)
{
    const struct event_row *row = &event_table[view->id];

    if (view->fault != FAULT_NONE)
        return fault_level(view->fault);
    if (strcmp(row->outcome, "failure") == 0 || strcmp(row->kind, "alert") == 0)
        return FAULT_IS_WARNING;
    return FAULT_IS_INFO;
}

static const char *
outcome_of(const struct event_view *view)
{
    if (view->fault != FAULT_NONE && fault_level(view->fault) >= FAULT_IS_NOTICE)
        return "failure";
    return event_table[view->id].outcome;
}

static void
complete(struct event_view *view)
{
    static const struct {
        const char *word;
        uint64_t severity;
    } levels[] = {
        [FAULT_IS_DEBUG] = { "debug", 1 },
        [FAULT_IS_INFO] = { "info", 2 },
        [FAULT_IS_NOTICE] = { "notice", 4 },
        [FAULT_IS_WARNING] = { "warning", 6 },
        [FAULT_IS_ERROR] = { "error", 8 },
    };
    enum fault_level level = level_of(view);

    event_view_set_number(view, EF_SEVERITY, levels[level].severity);
    event_view_set_text(view, EF_LOG_LEVEL, bytes_of_string(levels[level].word));
    event_view_set_text(view, EF_OBSERVER_TYPE, BYTES("proxy"));
    event_view_set_text(view, EF_OBSERVER_PRODUCT, BYTES("postern"));
    event_view_set_text(view, EF_OBSERVER_VENDOR, BYTES("postern"));
    event_view_set_text(view, EF_OBSERVER_VERSION, BYTES(POSTERN_VERSION));
    if (event_set_has(&view->has, EF_SOURCE_IP) ||
        event_set_has(&view->has, EF_DESTINATION_IP))
        event_set_add(&view->has, EF_RELATED_IP);
    event_view_set_number(view, EF_TRUNCATED, view->cut);
    if (!view->cut)
        event_set_remove(&view->has, EF_TRUNCATED);
}

/* --- the line --- */

/* How long a value may be on the second and the third try, when a line was too long. */
struct limits {
    size_t text, keyword;
};

/*
 * Days since 1970 to year, month and day of the Gregorian calendar, counted in eras
 * of 400 years that begin on the first of March, so that a leap day ends its year.
 */
static void
civil_of_days(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    days += 719468; /* from 0000-03-01 to 1970-01-01 */

    unsigned era = (unsigned)(days / 146097), of_era = (unsigned)(days % 146097);
    unsigned years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
    unsigned from_march = (5 * of_year + 2) / 153;

    *day = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = years + era * 400 + (*month <= 2);
}

static void
put_time(struct json_out *out, struct ecs *ecs, uint64_t wall_ns)
{
    uint64_t second = wall_ns / 1000000000;
    unsigned ms = (unsigned)(wall_ns / 1000000 % 1000);
    const char tail[] = { '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
        (char)('0' + ms % 10), 'Z' };

    if (second != ecs->second) {
        unsigned of_day = (unsigned)(second % 86400), year, month, day;

        civil_of_days(second / 86400, &year, &month, &day);
        snprintf(ecs->date, sizeof(ecs->date), "%04u-%02u-%02uT%02u:%02u:%02u",
            year % 10000, month % 100, day % 100, of_day / 3600, of_day / 60 % 60,
            of_day % 60);
        ecs->second = second;
    }
    json_put(out, bytes_of(ecs->date, sizeof(ecs->date) - 1));
    json_put(out, bytes_of(tail, sizeof(tail)));
}

static void
put_masked(struct json_out *out, struct bytes url, size_t limit)
{
    struct bytes secret;

    while ((secret = mask_find(url)).length > 0) {
        const char *begin = out->at, *behind = secret.at + secret.length;

        json_put_text(out, bytes_of(url.at, (size_t)(secret.at - url.at)), limit);
        json_put(out, BYTES(MASK));
        if (out->full || (size_t)(out->at - begin) >= limit)
            return;
        limit -= (size_t)(out->at - begin);
        url = bytes_of(behind, url.length - (size_t)(behind - url.at));
    }
    json_put_text(out, url, limit);
}

static void
put_related(struct json_out *out, const struct event_view *view)
{
    static const enum event_field ends[] = { EF_SOURCE_IP, EF_DESTINATION_IP };
    struct bytes separator = BYTES("[");

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        if (!event_set_has(&view->has, ends[i]))
            continue;
        json_put(out, separator);
        json_put_ip(out, view->values[ends[i]].text);
        separator = BYTES(",");
    }
    json_put(out, BYTES("]"));
}

static void
put_value(struct json_out *out, const struct event_view *view, unsigned field,
    const struct limits *limits)
{
    const union event_value *value = &view->values[field];

    switch (event_field_table[field].type) {
    case EVENT_IS_TEXT:
        json_put_text(out, value->text, limits->text);
        json_put(out, BYTES("\""));
        break;
    case EVENT_IS_URL:
        put_masked(out, value->text, limits->text);
        json_put(out, BYTES("\""));
        break;
    case EVENT_IS_KEYWORD:
        json_put_text(out, value->text, limits->keyword);
        json_put(out, BYTES("\""));
        break;
    case EVENT_IS_IP:
        json_put_ip(out, value->text);
        break;
    case EVENT_IS_IPS:
        put_related(out, view);
        break;
    case EVENT_IS_NUMBER:
        json_put_number(out, value->number < NUMBER_MAX ? value->number : NUMBER_MAX);
        break;
    case EVENT_IS_FLAG:
        json_put(out, value->number ? BYTES("true") : BYTES("false"));
        break;
    case EVENT_IS_FAULT:
        json_put(out, bytes_of_string(fault_reason(view->fault)));
        json_put(out, BYTES("\""));
        break;
    }
}

/*
 * Closes `closing` objects and opens what `opener` needs beyond the `shared` that stay
 * open. Copies of a fixed size, of which the front counts: half a line consists of
 * these pieces, and a memcpy of 20 bytes whose length is not known costs more than one
 * of 64 that is known.
 */
static void
put_joint(struct json_out *out, const struct opener *opener, unsigned closing,
    unsigned shared)
{
    static const char braces[2 * DEPTH_MAX] = "}}}}},";
    uint8_t start = opener->starts[shared];

    if ((size_t)(out->end - out->at) < DEPTH_MAX + OPENER_BYTES) {
        out->full = true;
        return;
    }
    memcpy(out->at, braces + DEPTH_MAX - closing, DEPTH_MAX);
    out->at += closing + 1;
    memcpy(out->at, opener->text + start, OPENER_BYTES);
    out->at += opener->length - start;
}

/*
 * `open` counts the objects that are open now, `shared` those of them that the
 * coming field stands in too: the least of what any two neighbours share.
 */
static void
put_fields(struct json_out *out, const struct ecs *ecs, const struct event_view *view,
    const struct limits *limits)
{
    unsigned open = 1, shared = 1; /* "event" is open */

    for (unsigned i = 0; i < EF_COUNT; i++) {
        const struct opener *opener = &ecs->openers[i];

        if (opener->shared < shared)
            shared = opener->shared;
        if (!event_set_has(&view->has, i))
            continue;
        put_joint(out, opener, open - shared, shared);
        put_value(out, view, i, limits);
        open = shared = opener->depth;
    }
    out->end += TAIL_BYTES;
    json_put(out, bytes_of("}}}}}", open));
    json_put(out, BYTES("}\n"));
}

static size_t
write_line(struct ecs *ecs, const struct event_view *view, const struct limits *limits,
    struct json_out *out)
{
    char *begin = out->at;

    json_put(out, BYTES("{\"@timestamp\":\""));
    put_time(out, ecs, view->wall_ns);
    json_put(out, BYTES("\","));
    json_put(out,
        bytes_of(ecs->prefixes[view->id].text, ecs->prefixes[view->id].length));
    json_put(out, bytes_of_string(outcome_of(view)));
    json_put(out, BYTES("\""));
    put_fields(out, ecs, view, limits);
    return (size_t)(out->at - begin);
}

size_t
ecs_write(struct ecs *ecs, struct event_view *view, char line[ECS_LINE_BYTES])
{
    static const struct limits tries[] = {
        { SIZE_MAX, SIZE_MAX },
        { 1024, 64 },
        { 256, 48 },
    };

    complete(view);
    for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
        struct json_out out = { .at = line, .end = line + ECS_LINE_BYTES - TAIL_BYTES };
        size_t length = write_line(ecs, view, &tries[i], &out);

        if (!out.full)
            return length;
        event_view_set_number(view, EF_TRUNCATED, 1);
    }
    require_failed("every field at its last limit fits a line", __FILE__, __LINE__);
}
