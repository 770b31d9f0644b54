/*
 * log/json.h - JSON written into a buffer that does not grow.
 *
 * The only place that escapes. What comes out is one line of printable text
 * whatever goes in (RFC 8259, and then some): control characters, DEL, C1, the
 * Unicode line separators and the marks that turn the direction of writing are
 * written as \uXXXX; a byte that is not UTF-8 becomes the four characters \xNN
 * (in JSON "\\xNN"), so that the evidence stays readable.
 */
#ifndef LOG_JSON_H
#define LOG_JSON_H

#include "base/bytes.h"

struct json_out {
    char *at, *end;
    bool full; /* something did not fit: the text is not to be used */
    bool cut;  /* a text was shortened to its limit */
};

/* Copies `raw`, which is JSON already. Inline: most pieces are a few bytes long. */
static inline void
json_put(struct json_out *out, struct bytes raw)
{
    if ((size_t)(out->end - out->at) < raw.length) {
        out->full = true;
        return;
    }
    memcpy(out->at, raw.at, raw.length);
    out->at += raw.length;
}

/* The inside of a string, escaped, in at most `limit` bytes of output. */
void json_put_text(struct json_out *out, struct bytes text, size_t limit);

void json_put_number(struct json_out *out, uint64_t number);

/* An address of 4 or 16 bytes, in quotes (RFC 5952 form). */
void json_put_ip(struct json_out *out, struct bytes address);

#endif
