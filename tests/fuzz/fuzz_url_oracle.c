/*
 * tests/fuzz/fuzz_url_oracle.c - two canonicalisers, written apart, must not differ.
 *
 * What passes a gate must be what the upstream opens; a difference between the two is
 * a place where http/url.h did not say clearly what a URL is.
 */
#include <stdio.h>

#include "base/require.h"
#include "http/url.h"
#include "url_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require_same(const char *what, struct bytes is, const struct oracle_text *must)
{
    if (bytes_equal(is, bytes_of(must->bytes, must->length)))
        return;
    fprintf(stderr, "%s: \"%.*s\", the oracle says \"%.*s\"\n", what, BYTES_ARG(is),
        (int)must->length, must->bytes);
    require(!"both canonicalisers agree");
}

static void
require_same_oddities(const char *what, uint32_t is, uint32_t must)
{
    if (is == must)
        return;
    fprintf(stderr, "oddities of the %s: %#x, the oracle says %#x\n", what, is, must);
    require(!"both canonicalisers agree");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char target[ORACLE_TARGET_BYTES];
    static struct oracle_url expected;
    struct arena arena;
    struct url url;

    if (size >= sizeof target)
        return 0;
    target[0] = '/'; /* the head parser lets no other path pass */
    if (size > 0)
        memcpy(target + 1, data, size);

    arena_init(&arena, (size_t)64 * 1024);
    require(url_canonicalise(bytes_of(target, size + 1), &arena, &url) == FAULT_NONE);
    oracle_canonicalise(bytes_of(target, size + 1), &expected);
    require_same("path", url.path, &expected.path);
    require_same("decoded", url.decoded, &expected.decoded);
    require_same("further", url.further, &expected.further);
    require_same("query", url.query, &expected.query);
    require((url.query.at != NULL) == expected.has_query);
    require_same("canonical", url.canonical, &expected.canonical);
    require_same_oddities("path", url.oddities, expected.oddities);
    require_same_oddities("query", url.query_oddities, expected.query_oddities);
    arena_clear(&arena);
    return 0;
}
