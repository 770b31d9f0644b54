/*
 * log/event_doc.c - the reference of events, fields and reasons, from their tables.
 *
 * A unit test compares docs/events.md with this, so the page is never behind the code.
 */
#include "log/event_doc.h"

#include "log/ecs.h"
#include "log/event_table.h"
#include "log/mask.h"

static void
print_head(FILE *to)
{
    fprintf(to,
        "# Events\n"
        "\n"
        "Made from `log/event.def`, `log/event_field.def` and `base/fault.def` by "
        "`postern events`; do not edit.\n"
        "\n"
        "Each event is one line of JSON (RFC 8259) in UTF-8 with the names of the "
        "Elastic "
        "Common Schema, of at most %zu bytes. Actions, reasons, field names and the "
        "order "
        "of the fields are a contract: none is renamed, none is used again for "
        "something "
        "else.\n"
        "\n"
        "* `@timestamp` is UTC with milliseconds; durations are nanoseconds.\n"
        "* A line holds printable text only. Control characters, DEL, C1, the Unicode "
        "line "
        "separators and the marks that change the direction of writing are `\\uXXXX`. "
        "A "
        "byte that is not UTF-8 is written as `\\xNN` (`\\\\xNN` in JSON); whoever "
        "sends "
        "these four characters themselves looks the same.\n"
        "* A text beyond its limit is cut, and so are long texts when a line would be "
        "longer than %zu bytes; `postern.truncated` is `true` then.\n"
        "* A reason of the level notice or above makes the outcome `failure`. Without "
        "a "
        "reason, or with one that is only info, the event's own outcome stands.\n"
        "* In fields of the type URL, the values of secret parameters and a user name "
        "and "
        "password before a host are written as `%s`.\n"
        "* Passwords, cookies, Authorization fields and bodies never reach the log.\n"
        "* When the log cannot keep up, events are dropped and counted, never waited "
        "for; "
        "`log-dropped` tells the number.\n",
        ECS_LINE_BYTES, ECS_LINE_BYTES, MASK);
}

static void
print_events(FILE *to)
{
    fputs("\n## Events\n"
          "\n"
          "| event.action | event.kind | event.category | event.type | event.outcome | "
          "meaning |\n"
          "| --- | --- | --- | --- | --- | --- |\n",
        to);
    for (unsigned i = 0; i < EVENT_COUNT; i++) {
        const struct event_row *row = &event_table[i];

        fprintf(to, "| `%s` | %s | %s | %s | %s | %s |\n", row->action, row->kind,
            row->categories, row->types, row->outcome, row->text);
    }
}

static const char *
type_name(enum event_type type)
{
    switch (type) {
    case EVENT_IS_TEXT:
        return "text";
    case EVENT_IS_URL:
        return "URL";
    case EVENT_IS_KEYWORD:
    case EVENT_IS_FAULT:
        return "word";
    case EVENT_IS_IP:
        return "address";
    case EVENT_IS_IPS:
        return "list of addresses";
    case EVENT_IS_NUMBER:
        return "number";
    case EVENT_IS_FLAG:
        return "true or false";
    }
    return "";
}

static void
print_fields(FILE *to)
{
    fputs("\n## Fields\n"
          "\n"
          "In the order of the line. Before them stand `@timestamp`, `ecs.version` and "
          "the "
          "`event.*` of the table above. A field that has nothing to say is left out.\n"
          "\n"
          "| field | type | limit in bytes | meaning |\n"
          "| --- | --- | --- | --- |\n",
        to);
    for (unsigned i = 0; i < EF_COUNT; i++) {
        const struct event_field_row *row = &event_field_table[i];

        fprintf(to, "| `%s` | %s | ", row->name, type_name(row->type));
        if (row->limit > 0)
            fprintf(to, "%u", row->limit);
        fprintf(to, " | %s |\n", row->text);
    }
}

static void
print_reasons(FILE *to)
{
    static const char *const levels[] = {
        [FAULT_IS_DEBUG] = "debug",
        [FAULT_IS_INFO] = "info",
        [FAULT_IS_NOTICE] = "notice",
        [FAULT_IS_WARNING] = "warning",
        [FAULT_IS_ERROR] = "error",
    };

    fputs("\n## Reasons\n"
          "\n"
          "The word in `event.reason`, on the error page and in `postern explain`.\n"
          "\n"
          "| event.reason | status | whose doing | log.level | meaning |\n"
          "| --- | --- | --- | --- | --- |\n",
        to);
    for (unsigned i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
        enum fault fault = (enum fault)i;

        fprintf(to, "| `%s` | ", fault_reason(fault));
        if (fault_status(fault) > 0)
            fprintf(to, "%u", fault_status(fault));
        fprintf(to, " | %s | %s | %s |\n", fault_who_name(fault_who(fault)),
            levels[fault_level(fault)], fault_text(fault));
    }
}

static void
print_secrets(FILE *to)
{
    fputs("\n## Secret parameters\n\nFrom `log/secret_params.def`:", to);
#define SECRET_PARAM(name) fputs(" `" name "`", to);
#include "log/secret_params.def"
#undef SECRET_PARAM
    fputs(".\n", to);
}

void
event_doc_print(FILE *to)
{
    print_head(to);
    print_events(to);
    print_fields(to);
    print_reasons(to);
    print_secrets(to);
}
