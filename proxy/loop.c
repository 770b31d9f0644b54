/*
 * proxy/loop.c - the marks by which a request that comes again is known.
 *
 * Trust: the fields come from the client. A stranger who learned a mark, from a server
 * that shows what it gets, can have no request refused but his own.
 */
#include "proxy/loop.h"

void
loop_mark(const struct affinity_key *key, char mark[LOOP_MARK_BYTES])
{
    affinity_tag(key, "", "loop", mark); /* no upstream has an empty name */
}

bool
loop_is_closed(const struct http_head *head, struct bytes pseudonym, struct bytes mark)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];

        if (field->id == FIELD_VIA && bytes_contains_nocase(field->value, pseudonym))
            return true;
        if (field->id == FIELD_POSTERN_LOOP &&
            bytes_contains_nocase(field->value, mark))
            return true;
    }
    return false;
}
