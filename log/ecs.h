/*
 * log/ecs.h - one event as one line of JSON in the names of the Elastic Common Schema.
 */
#ifndef LOG_ECS_H
#define LOG_ECS_H

#include "log/event_read.h"

/* The longest line, with its line feed. A SIEM's syslog input often takes no more. */
#define ECS_LINE_BYTES ((size_t)8192)

struct ecs;

/* What every line has in common, prepared once. */
struct ecs *ecs_new(void);
void ecs_free(struct ecs **ecs);

/*
 * Writes `view` to `line`: one object, keys in the fixed order of event_field.def,
 * ended by a line feed. When that is longer than ECS_LINE_BYTES, texts are cut until
 * it fits and postern.truncated is true. First sets what logd itself has to say: the
 * reason's words and numbers, observer and the related addresses. Returns the bytes.
 */
size_t ecs_write(struct ecs *ecs, struct event_view *view, char line[ECS_LINE_BYTES]);

#endif
