/*
 * http/head_priv.h - what the readers of requests and responses share.
 */
#ifndef HTTP_HEAD_PRIV_H
#define HTTP_HEAD_PRIV_H

#include "http/head.h"

#define HEAD_METHOD_BYTES 32u /* the longest registered method has 17 */
#define HEAD_VERSION_BYTES 9u /* " HTTP/1.1" */

/* A head being read. `end` stands behind a CRLFCRLF, so no scan can run over it. */
struct head_reader {
    const char *at, *end;
    const struct http_limits *limits;
    struct arena *arena;
    struct http_head *head;
    struct note *note;
    uint64_t seen; /* bit per enum field_id */
    bool is_response;
};

static inline bool
head_has_seen(const struct head_reader *reader, enum field_id id)
{
    return (reader->seen >> id & 1) != 0;
}

/* Refuses what is no head by its end alone, and zeroes `head`. */
enum fault head_reader_begin(struct head_reader *reader, struct bytes raw,
    const struct http_limits *limits, struct arena *arena, struct http_head *head,
    struct note *note) MUST_USE;

/*
 * Steps over the CRLF at `at`. Where there is none, tells what the byte is:
 * HTTP_BARE_CR, HTTP_BARE_LF, HTTP_NUL, or `otherwise`.
 */
enum fault head_line_end(struct head_reader *reader, const char *at,
    enum fault otherwise) MUST_USE;

/* All field lines and the empty one. Checks syntax and bounds, not meaning. */
enum fault head_read_fields(struct head_reader *reader) MUST_USE;

/*
 * "WHAT: TEXT" for the log, where all of `text` is of `harmless` (a class of scan.h; 0: none) and
 * short; else only how long it is: a password may stand anywhere.
 */
void head_note_text(struct note *note, const char *what, struct bytes text,
    unsigned harmless);

/* What is to be told of an answer where this is the fault of a request. */
enum fault head_fault_of_answer(enum fault fault);

/* RFC 9112, 9.3, without regard to framing. */
bool head_wants_keep_alive(const struct http_head *head);

bool head_carries_connection_auth(const struct http_head *head);

/* What the framing fields of a head claim: http/framing.c */
struct framing_claim {
    bool has_length, is_chunked;
    uint64_t length;
};

enum fault framing_read_claim(const struct http_head *head, struct framing_claim *claim,
    struct note *note) MUST_USE;
enum fault framing_of_request(const struct http_head *head,
    const struct framing_claim *claim, struct http_framing *framing) MUST_USE;
enum fault framing_of_response(const struct http_head *head, enum http_method to,
    const struct framing_claim *claim, struct http_framing *framing) MUST_USE;

/* HTTP_PARSERS_DISAGREE unless llhttp reads a canonical copy as we did: http/opinion.c */
enum fault opinion_confirm(const struct http_head *head,
    const struct framing_claim *claim, bool is_response) MUST_USE;

#endif
