/*
 * tests/bench/message.h - the request that bench-load sends, the response it expects.
 */
#ifndef TESTS_BENCH_MESSAGE_H
#define TESTS_BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/bench/plan.h"

/*
 * The request's head and body, made once: all clients send the same bytes. The
 * memory is the caller's, to free(). Ends the program when it cannot be made.
 */
char *request_new(const struct plan *plan, size_t *length_bytes);

/*
 * Judges a response's head: lines with CR LF, without the empty one, ended by NUL.
 * Returns whether the connection ends with this response. Ends the program when it
 * is not a 200 with the Content-Length of the plan: what was measured so far would
 * not be the work that was asked for.
 */
bool response_judge(const char *head, const struct plan *plan);

#endif
