/*
 * tests/fuzz/fuzz_body.c - any bytes as a chunked body.
 *
 * Whole and byte by byte there is one verdict, one body and one end; what was
 * decoded is encoded again and decodes to the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/require.h"
#include "http/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
    enum fault fault;
    bool ended;
    size_t left; /* not taken from the wire */
    size_t length;
    char *bytes;
};

static const struct http_limits limits = HTTP_LIMITS_DEFAULT;

static void
take_data(struct result *result, struct chunk_queue *data)
{
    size_t length = data->length;

    chunk_queue_peek(data, 0, result->bytes + result->length, length);
    chunk_queue_clear(data);
    result->length += length;
}

static struct result
decode(struct bytes coming, size_t step)
{
    struct result result = { .bytes = require_alloc(coming.length + 1) };
    struct chunk_queue wire, data;
    struct http_body body;

    chunk_queue_init(&wire, CHUNK_BYTES);
    chunk_queue_init(&data, CHUNK_BYTES);
    http_body_begin(&body, (struct http_framing){ .kind = HTTP_CHUNKED }, &limits);
    while (coming.length > 0 && result.fault == FAULT_NONE && !body.ended) {
        size_t bytes = coming.length < step ? coming.length : step;

        chunk_queue_append(&wire, bytes_of(coming.at, bytes));
        coming = bytes_of(coming.at + bytes, coming.length - bytes);
        do {
            result.fault = http_body_decode(&body, &wire, &data);
            take_data(&result, &data);
        } while (
            result.fault == FAULT_NONE && !body.ended && !chunk_queue_is_empty(&wire));
    }
    require(body.decoded == result.length);
    result.ended = body.ended;
    result.left = wire.length + coming.length;
    chunk_queue_clear(&wire);
    return result;
}

static void
require_same_body(const struct result *a, const struct result *b)
{
    require(a->length == b->length);
    require(a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

/* Encodes in two parts, so that there is more than one chunk. */
static void
check_again(const struct result *was)
{
    size_t half = was->length / 2;
    struct chunk_queue wire, data;
    struct result again;
    char *coded;
    size_t length;

    chunk_queue_init(&wire, CHUNK_BYTES);
    chunk_queue_init(&data, CHUNK_BYTES);
    chunk_queue_append(&data, bytes_of(was->bytes, half));
    http_body_encode(HTTP_CHUNKED, &data, false, &wire);
    chunk_queue_append(&data, bytes_of(was->bytes + half, was->length - half));
    http_body_encode(HTTP_CHUNKED, &data, true, &wire);

    length = wire.length;
    coded = require_alloc(length);
    chunk_queue_peek(&wire, 0, coded, length);
    chunk_queue_clear(&wire);
    again = decode(bytes_of(coded, length), length);
    require(again.fault == FAULT_NONE && again.ended && again.left == 0);
    require_same_body(was, &again);
    free(again.bytes);
    free(coded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole = decode(bytes_of(data, size), size);
    struct result bytewise = decode(bytes_of(data, size), 1);

    require(whole.fault == bytewise.fault && whole.ended == bytewise.ended);
    require(whole.fault != FAULT_HTTP_PARSERS_DISAGREE);
    require(whole.fault != FAULT_NONE || whole.left == bytewise.left);
    require_same_body(&whole, &bytewise);
    if (whole.ended)
        check_again(&whole);
    free(whole.bytes);
    free(bytewise.bytes);
    require(chunk_pool_lent() == 0);
    return 0;
}
