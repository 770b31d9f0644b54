/*
 * tests/fuzz/fuzz_head.c - any bytes as requests, or as responses if they begin so.
 *
 * However the network cuts them the verdict is one; and what passes is written
 * again by http/write.h and read as the same (tests/conformance/judge.c).
 */
#include <stddef.h>
#include <stdint.h>

#include "base/require.h"
#include "tests/conformance/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes raw = bytes_of(data, size);
    enum fault whole, bytewise;

    if (bytes_has_prefix(raw, BYTES("HTTP/"))) {
        whole = judge_responses(raw, SIZE_MAX, HTTP_METHOD_GET);
        bytewise = judge_responses(raw, 1, HTTP_METHOD_GET);
    } else {
        whole = judge_requests(raw, SIZE_MAX);
        bytewise = judge_requests(raw, 1);
    }
    require(whole == bytewise);
    /* Neither llhttp nor we may refuse what we passed: one of us would be wrong. */
    require(whole != FAULT_HTTP_PARSERS_DISAGREE);
    return 0;
}
