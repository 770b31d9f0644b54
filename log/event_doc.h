/*
 * log/event_doc.h - the reference of events, fields and reasons, from their tables.
 */
#ifndef LOG_EVENT_DOC_H
#define LOG_EVENT_DOC_H

#include <stdio.h>

/* Writes docs/events.md, in Markdown. */
void event_doc_print(FILE *to);

#endif
