/*
 * http/filter_head.c - what a head may hold, whatever it asks for: sizes, methods, fields.
 *
 * Stateless. The bounds of http_limits held before; these are the application's own.
 *
 * Trust: the head comes from the network.
 */
#include "http/filter_priv.h"

FILTER_CHECK(header_bytes)
{
    const struct http_head *head = input->head;
    uint32_t most = input->policy->header_bytes;
    uint64_t bytes = 0;

    (void)verdict;
    filter_tell_bound(limit, most, "bytes");
    if (most == 0)
        return filter_found_nothing();
    for (unsigned i = 0; i < head->field_count; i++)
        bytes += head->fields[i].name.length + head->fields[i].value.length +
            sizeof(": \r\n") - 1;
    if (bytes <= most)
        return filter_found_nothing();
    return filter_found(FAULT_FILTER_HEADER_LONG, "limits.header", 10, BYTES(""));
}

FILTER_CHECK(header_count)
{
    uint32_t most = input->policy->headers;

    (void)verdict;
    filter_tell_bound(limit, most, "fields");
    if (most == 0 || input->head->field_count <= most)
        return filter_found_nothing();
    return filter_found(FAULT_FILTER_HEADER_LONG, "limits.headers", 10, BYTES(""));
}

/* A value may be cut over several fields, so they count together. */
static uint64_t
bytes_of_fields(const struct http_head *head, struct bytes name)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < head->field_count; i++)
        if (word_is(name, head->fields[i].name))
            bytes += head->fields[i].value.length;
    return bytes;
}

FILTER_CHECK(header_limits)
{
    const struct filter_policy *policy = input->policy;

    (void)verdict;
    note_set(limit, "%u named fields", policy->header_limit_count);
    for (unsigned i = 0; i < policy->header_limit_count; i++) {
        const struct header_limit *named = &policy->header_limits[i];

        if (bytes_of_fields(input->head, named->name) > named->bytes)
            return filter_found(FAULT_FILTER_HEADER_LONG, "limits.fields", 10,
                named->name);
    }
    return filter_found_nothing();
}

FILTER_CHECK(methods)
{
    const struct filter_policy *policy = input->policy;
    const struct http_head *head = input->head;
    bool may_pass;

    (void)verdict;
    note_set(limit, "%u methods", policy->methods.count);
    if (policy->methods.count > 0)
        may_pass = words_hold(&policy->methods, head->method);
    else
        may_pass = policy->has_model ||
            (head->method_id != HTTP_METHOD_CONNECT &&
                head->method_id != HTTP_METHOD_TRACE);
    if (may_pass)
        return filter_found_nothing();
    return filter_found(FAULT_FILTER_METHOD, "methods", 6, head->method);
}

FILTER_CHECK(denied_headers)
{
    const struct word_list *denied = &input->policy->denied_headers;
    const struct http_head *head = input->head;

    (void)verdict;
    note_set(limit, "%u names", denied->count);
    for (unsigned i = 0; denied->count > 0 && i < head->field_count; i++)
        if (filter_names(denied, head->fields[i].name))
            return filter_found(FAULT_FILTER_HEADER, "headers.deny", 0,
                head->fields[i].name);
    return filter_found_nothing();
}
