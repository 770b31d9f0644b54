/*
 * http/multipart.h - the parts of a multipart/form-data body, while it streams past.
 *
 * For this folder. RFC 7578, in the way browsers write it and no other: no preamble,
 * no epilogue, CRLF only, no folded lines, no blanks behind a boundary. What is left has
 * one reading. Keeps one line of a part's head and nothing of a part's data.
 */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include <stdbool.h>

#include "base/bytes.h"

#define MULTIPART_BOUNDARY_BYTES 70 /* RFC 2046, 5.1.1 */
#define MULTIPART_PARTS_MAX 1024 /* PHP reads 1020 (max_input_vars, max_file_uploads) */
#define MULTIPART_FIELDS_MAX 16
#define MULTIPART_HEAD_BYTES 4096
/* Windows and macOS allow names of 255 UTF-16 units, which are up to 765 bytes. */
#define MULTIPART_LINE_BYTES 864

enum multipart_state {
    MULTIPART_OPENING,  /* within the first boundary */
    MULTIPART_BOUNDARY, /* behind a boundary */
    MULTIPART_BOUNDARY_LF,
    MULTIPART_BOUNDARY_DASH,
    MULTIPART_HEAD,
    MULTIPART_BODY,
    MULTIPART_LAST, /* behind the last boundary */
    MULTIPART_LAST_LF,
    MULTIPART_OVER,
};

struct multipart {
    enum multipart_state state;
    unsigned parts, fields;
    unsigned head_bytes, line_bytes;
    unsigned length;  /* of the delimiter */
    unsigned matched; /* bytes of it that were seen */
    unsigned kept;    /* how many of those are neither data nor sent by the part */
    const char *flaw; /* what is wrong, for the log; static */
    char delimiter[4 + MULTIPART_BOUNDARY_BYTES]; /* CRLF "--" boundary */
    char line[MULTIPART_LINE_BYTES];
};

enum multipart_event {
    MULTIPART_NEEDS_MORE, /* the piece is used up */
    MULTIPART_FIELD,      /* *text: a line of the part's head without its CRLF */
    MULTIPART_HEAD_END,
    MULTIPART_DATA, /* *text: data of the part, never empty, never of a boundary */
    MULTIPART_PART_END,
    MULTIPART_MALFORMED, /* `flaw` says why; the body is over */
};

/* False: the boundary is longer than 70 bytes, or has bytes that are not allowed. */
bool multipart_begin(struct multipart *multipart, struct bytes boundary);

/*
 * Takes from the front of `piece` up to the next event. *text holds until the next call.
 * The same events with the same texts come in whatever pieces a body arrives, only that
 * data may be cut differently.
 */
enum multipart_event
multipart_next(struct multipart *multipart, struct bytes *piece, struct bytes *text);

/* True when the body may end here. */
bool multipart_may_end(const struct multipart *multipart);

#endif
