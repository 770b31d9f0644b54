/*
 * http/body.h - a message body, from the wire's framing to plain bytes and back.
 *
 * llhttp is the engine for chunked bodies; the bounds that it lacks (length of a
 * chunk line, digits, extensions, trailers) are checked here before it sees a
 * byte. Trailers are checked, counted and dropped: they never join a head.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include <llhttp.h>

#include "base/chunk.h"
#include "base/fault.h"
#include "http/head.h"

struct http_body {
    struct http_framing framing;
    uint64_t left; /* HTTP_LENGTH: still to come; HTTP_CHUNKED: of the present chunk */
    uint64_t decoded; /* body bytes given out so far */
    bool ended;       /* the last byte of the message has been taken from the wire */
    const struct http_limits *limits;
    struct {
        unsigned state;
        uint32_t line_bytes, trailer_bytes, digits;
        uint32_t name_bytes; /* of the trailer name so far, and its beginning */
        char name[24];       /* as long as the longest name that is refused here */
        llhttp_t parser;
    } chunked;
};

/*
 * Begins a body. With HTTP_NO_BODY, or HTTP_LENGTH of 0, it has `ended` at once.
 * `limits` must outlive it. Owns nothing: there is no end call.
 */
void http_body_begin(struct http_body *body, struct http_framing framing,
    const struct http_limits *limits);

/*
 * Moves decoded bytes from `wire` to `data` until `data` is full, `wire` is empty
 * or the body has ended; never takes a byte behind the body's end. Whole chunks
 * of memory change hands where framing allows, so `data` may pass its mark by one.
 *
 * The faults are those of a client (HTTP_CHUNK_SIZE, HTTP_CHUNK_LINE,
 * HTTP_CHUNK_DATA, HTTP_TRAILER, HTTP_PARSERS_DISAGREE). Who reads an upstream's body
 * reports UPSTREAM_MALFORMED in their place. After a fault the body is over.
 */
enum fault http_body_decode(struct http_body *body, struct chunk_queue *wire,
    struct chunk_queue *data) MUST_USE;

/*
 * The wire ended (close_notify). FAULT_NONE when the body may end here
 * (HTTP_UNTIL_CLOSE, HTTP_TUNNEL: sets `ended`, or it had ended), UPSTREAM_TRUNCATED
 * otherwise; who reads a client's body reports CLIENT_TRUNCATED in its place.
 */
enum fault http_body_wire_ended(struct http_body *body) MUST_USE;

/*
 * The way out: moves all of `data` (it may be empty) to `wire` under `kind`.
 * For HTTP_CHUNKED each call writes one chunk, of what is there; with `last` the
 * final empty chunk follows. `last` means: nothing will be added to `data`.
 * HTTP_LENGTH: the caller guarantees the announced length.
 */
void http_body_encode(enum http_framing_kind kind, struct chunk_queue *data, bool last,
    struct chunk_queue *wire);

#endif
