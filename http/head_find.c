/*
 * http/head_find.c - does a whole head lie in the queue already?
 *
 * Looks at each byte once, however the network cuts the message, and remembers
 * where it stood. It knows line ends and bounds, and nothing of what the lines
 * say. Every bound is checked at the byte that passes it, so that the verdict
 * does not depend on the cut.
 *
 * Trust: the bytes come from the network, from either side. Owns nothing.
 */
#include "http/head.h"

#include "http/head_priv.h"
#include "http/scan.h"

/* Where the bounds lie for the line that is being read. */
static uint32_t
line_limit(const struct http_head_search *search, const struct http_limits *limits,
    bool is_response)
{
    if (search->lines == 0 && !is_response)
        return HEAD_METHOD_BYTES + 1 + limits->target_bytes + HEAD_VERSION_BYTES;
    return limits->name_bytes + 1 + limits->value_bytes;
}

/* Text of a line: only its length can be wrong. */
static enum fault
take_text(struct http_head_search *search, size_t bytes,
    const struct http_limits *limits, bool is_response)
{
    size_t line_left = line_limit(search, limits, is_response) - search->line_bytes;
    size_t head_left = limits->head_bytes - search->seen;

    if (search->matched != 0)
        return FAULT_HTTP_BARE_CR;
    if (bytes > line_left && line_left < head_left)
        return search->lines == 0 ? FAULT_HTTP_TARGET_LONG : FAULT_HTTP_FIELD_LONG;
    if (bytes > head_left)
        return FAULT_HTTP_HEAD_LONG;
    search->seen += bytes;
    search->line_bytes += (unsigned)bytes;
    return FAULT_NONE;
}

/* LF. An empty line ends the head, unless it stands before the first. */
static enum fault
take_line_end(struct http_head_search *search, const struct http_limits *limits,
    bool *ended)
{
    if (search->matched == 0)
        return FAULT_HTTP_BARE_LF;
    search->matched = 0;
    if (search->line_bytes == 0) {
        *ended = true;
        return FAULT_NONE;
    }
    search->line_bytes = 0;
    if (search->lines++ > limits->fields) /* the start line is not counted */
        return FAULT_HTTP_FIELD_COUNT;
    return FAULT_NONE;
}

static enum fault
take_control(struct http_head_search *search, char c, const struct http_limits *limits,
    bool is_response, bool *ended)
{
    if (c != '\r' && c != '\n' && c != '\0')
        return take_text(search, 1, limits, is_response); /* the parser names it */
    if (c == '\0')
        return FAULT_HTTP_NUL;
    if (search->seen == limits->head_bytes)
        return FAULT_HTTP_HEAD_LONG;
    search->seen++;
    if (c == '\n')
        return take_line_end(search, limits, ended);
    if (search->matched != 0)
        return FAULT_HTTP_BARE_CR;
    search->matched = 1;
    return FAULT_NONE;
}

/* One run of memory; *ended tells that an empty line stands at search->seen. */
static enum fault
take_run(struct http_head_search *search, struct bytes run,
    const struct http_limits *limits, bool is_response, bool *ended)
{
    const char *at = run.at;
    const char *end = run.at + run.length;
    enum fault fault = FAULT_NONE;

    while (at < end && fault == FAULT_NONE && !*ended) {
        const char *stop = scan_text(at, end);

        if (stop > at)
            fault = take_text(search, (size_t)(stop - at), limits, is_response);
        if (fault == FAULT_NONE && stop < end)
            fault = take_control(search, *stop++, limits, is_response, ended);
        at = stop;
    }
    return fault;
}

/* Goes on from search->seen to the end of the queue or of the head. */
static enum fault
take_queue(struct http_head_search *search, const struct chunk_queue *queue,
    const struct http_limits *limits, bool is_response, bool *ended)
{
    size_t skip = search->seen;
    enum fault fault = FAULT_NONE;

    for (const struct chunk *c = queue->head;
         c != NULL && fault == FAULT_NONE && !*ended; c = c->next) {
        size_t length = c->end - c->start;
        size_t passed = skip < length ? skip : length;

        skip -= passed;
        fault =
            take_run(search, bytes_of(c->bytes + c->start + passed, length - passed),
                limits, is_response, ended);
    }
    return fault;
}

enum http_progress
http_head_find(struct http_head_search *search, struct chunk_queue *queue,
    const struct http_limits *limits, bool is_response, size_t *head_bytes,
    enum fault *fault)
{
    for (;;) {
        bool ended = false;

        *fault = take_queue(search, queue, limits, is_response, &ended);
        if (*fault == FAULT_NONE && !ended)
            return HTTP_NEEDS_MORE;
        if (*fault == FAULT_NONE && search->lines > 0) {
            *head_bytes = search->seen;
            return HTTP_HAS_ALL;
        }
        if (*fault == FAULT_NONE && (is_response || search->skipped_empty_line))
            *fault = FAULT_HTTP_REQUEST_LINE;
        if (*fault != FAULT_NONE) {
            if (is_response)
                *fault = head_fault_of_answer(*fault);
            return HTTP_IS_REFUSED;
        }
        chunk_queue_drop(queue, search->seen); /* one CRLF before a request line */
        *search = (struct http_head_search){ .skipped_empty_line = true };
    }
}
