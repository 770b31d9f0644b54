/*
 * cli/explain_event.h - a request of the past, from the log.
 */
#ifndef CLI_EXPLAIN_EVENT_H
#define CLI_EXPLAIN_EVENT_H

#include <stdbool.h>
#include <stdio.h>

#include "proxy/trial.h"

struct explain_event {
    char *method, *url, *from, *listener; /* of the request, to be tried again */
    char *line;                           /* the event as logged */
};

/*
 * Looks for the ending event of request `id` in `file` (ECS JSON, a line each),
 * newest last. False with a note when the file cannot be read or does not have it.
 * End it with explain_event_fini in both cases.
 */
bool explain_event_find(const char *file, const char *id, struct explain_event *event,
    struct note *note) MUST_USE;
void explain_event_fini(struct explain_event *event);

/* What happened then, for people. */
void explain_event_print(const struct explain_event *event, FILE *to);

#endif
