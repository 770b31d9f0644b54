/*
 * tests/conformance/judge.h - reads bytes as the proxy would and tells its verdict.
 */
#ifndef TESTS_CONFORMANCE_JUDGE_H
#define TESTS_CONFORMANCE_JUDGE_H

#include "tests/conformance/conformance.h"

/*
 * Reads whole requests (responses) from `raw`, which arrives in pieces of `step`
 * bytes, until it is used up or one is refused: head, URL, body. Each that passes is
 * written again by http/write.h and must be read as the same; else the result is
 * FAULT_HTTP_PARSERS_DISAGREE.
 */
enum fault judge_requests(struct bytes raw, size_t step) MUST_USE;
enum fault judge_responses(struct bytes raw, size_t step, enum http_method to) MUST_USE;

#endif
