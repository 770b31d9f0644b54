/*
 * http/mime.h - the parameters behind a media type or a disposition: "; name=value".
 *
 * For this folder. Stricter than RFC 2045: what PHP, a browser and the RFC would cut
 * in different places is malformed.
 */
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

#include "base/bytes.h"

struct mime_parameter {
    struct bytes name;  /* case as sent, never empty */
    struct bytes value; /* without its quotes; nothing is unescaped */
};

enum mime_found {
    MIME_END,
    MIME_PARAMETER,
    MIME_MALFORMED,
};

/* Cuts the word before the first ';' off `rest` and returns it, trimmed. */
struct bytes mime_word(struct bytes *rest);

/*
 * The next parameter of `rest`, which mime_word has left. Refused, beyond the grammar:
 * a quoted value with a backslash before its last quote (an escape to PHP, the name's
 * last byte to browsers), and an apostrophe in an unquoted one (PHP takes it for a
 * quote), unless the parameter's name ends in '*' (RFC 8187).
 */
enum mime_found mime_next(struct bytes *rest, struct mime_parameter *parameter);

#endif
