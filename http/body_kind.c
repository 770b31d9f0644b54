/*
 * http/body_kind.c - which reader the body of a request needs.
 *
 * Trust: the head comes from the network.
 */
#include "http/body_kind.h"

static bool
has_body(const struct http_framing *framing)
{
    return framing->kind != HTTP_NO_BODY && framing->kind != HTTP_TUNNEL &&
        !(framing->kind == HTTP_LENGTH && framing->length == 0);
}

enum body_kind
body_kind_of(const struct http_head *head)
{
    const struct http_field *type = http_head_field(head, FIELD_CONTENT_TYPE);

    if (!has_body(&head->framing))
        return BODY_NONE;
    if (type == NULL)
        return BODY_OTHER;
    if (bytes_has_prefix_nocase(type->value, BYTES("multipart/form-data")) ||
        (bytes_has_prefix_nocase(type->value, BYTES("multipart/")) &&
            bytes_contains_nocase(type->value, BYTES("boundary"))))
        return BODY_MULTIPART;
    if (bytes_has_prefix_nocase(type->value,
            BYTES("application/x-www-form-urlencoded")))
        return BODY_FORM;
    return BODY_OTHER;
}
