/*
 * cli/explain_event.c - finding a request in the log, and what happened to it.
 *
 * Trust: the log was written by logd, but what stands in its fields came from
 * outside; it is printed through escapes only.
 */
#include "cli/explain_event.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "config/printable.h"

/* The text at a dotted path, or "". */
static const char *
text_at(const json_t *event, const char *path)
{
    char step[64];
    const char *text;

    while (event != NULL && path[0] != '\0') {
        size_t length = strcspn(path, ".");

        require(length < sizeof step);
        memcpy(step, path, length);
        step[length] = '\0';
        event = json_object_get(event, step);
        path += length + (path[length] == '.');
    }
    text = json_string_value(event);
    return text != NULL ? text : "";
}

static bool
is_request(const json_t *event, const char *id)
{
    return strcmp(text_at(event, "event.id"), id) == 0 &&
        strncmp(text_at(event, "event.action"), "request-", 8) == 0;
}

/* The whole line is kept: the parsed form is made again for printing. */
static void
keep(struct explain_event *event, const json_t *json, const char *line)
{
    size_t room = strlen(line) + 16;

    explain_event_fini(event);
    event->line = require_copy(line);
    event->method = require_copy(text_at(json, "http.request.method"));
    event->from = require_copy(text_at(json, "source.ip"));
    event->listener = require_copy(text_at(json, "postern.listener"));
    event->url = require_zeroed(1, room);
    snprintf(event->url, room, "https://%s%s", text_at(json, "url.domain"),
        text_at(json, "url.original"));
}

bool
explain_event_find(const char *file, const char *id, struct explain_event *event,
    struct note *note)
{
    FILE *from = fopen(file, "re");
    char *line = NULL;
    size_t room = 0;

    *event = (struct explain_event){ .line = NULL };
    if (from == NULL) {
        note_set(note, "cannot read the log %s: %s", file, strerror(errno));
        return false;
    }
    while (getline(&line, &room, from) >= 0) {
        json_t *json = strstr(line, id) != NULL ? json_loads(line, 0, NULL) : NULL;

        if (json != NULL && is_request(json, id))
            keep(event, json, line);
        json_decref(json);
    }
    free(line);
    fclose(from);
    if (event->line == NULL)
        note_set(note, "the log %s has no request %s", file, id);
    return event->line != NULL;
}

void
explain_event_fini(struct explain_event *event)
{
    free(event->method);
    free(event->url);
    free(event->from);
    free(event->listener);
    free(event->line);
    *event = (struct explain_event){ .line = NULL };
}

void
explain_event_print(const struct explain_event *event, FILE *to)
{
    static const char *const facts[][2] = {
        { "when", "@timestamp" },
        { "event", "event.action" },
        { "reason", "event.reason" },
        { "rule", "rule.id" },
        { "sub-status", "postern.substatus" },
        { "would block", "postern.would_block" },
        { "phase", "postern.phase" },
        { "ended by", "postern.ended_by" },
        { "upstream", "postern.upstream.name" },
        { "server", "destination.domain" },
        { "detail", "error.message" },
        { "agent", "user_agent.original" },
    };
    json_t *json = json_loads(event->line, 0, NULL);
    json_t *http = json_object_get(json, "http");
    json_t *status = json_object_get(json_object_get(http, "response"), "status_code");

    fprintf(to, "Then\n");
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const char *text = text_at(json, facts[i][1]);

        if (text[0] != '\0')
            printable_line(to, "  %-12s %s", facts[i][0], text);
    }
    if (status != NULL)
        fprintf(to, "  %-12s %lld\n", "status", (long long)json_integer_value(status));
    fprintf(to,
        "\nNow, under this configuration (its header fields are not in the log)\n");
    json_decref(json);
}
