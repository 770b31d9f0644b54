/*
 * tests/conformance/conformance.h - raw bytes and the answer they must get.
 *
 * To add a case, add a row to the table of its kind; nothing else is needed. Each
 * row is judged whole, byte by byte and in threes, and must get one verdict.
 */
#ifndef TESTS_CONFORMANCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_CONFORMANCE_H

#include "base/bytes.h"
#include "base/fault.h"
#include "http/head.h"

/* What a row gets whose message is not there to its end. */
#define UNFINISHED FAULT_CLIENT_TRUNCATED

struct row {
    const char *name;
    struct bytes raw;    /* everything that one side sends before it closes */
    enum fault fault;    /* FAULT_NONE: all of raw is read as whole messages */
    enum http_method to; /* responses: the method that is answered */
};

/* ROW("name", "bytes", SYMBOL): NULs inside the bytes count. */
#define ROW(name, bytes, symbol)                                                       \
    {                                                                                  \
        (name), { (bytes), sizeof(bytes) - 1 }, FAULT_##symbol, HTTP_METHOD_GET        \
    }
#define ROW_TO(method, name, bytes, symbol)                                            \
    {                                                                                  \
        (name), { (bytes), sizeof(bytes) - 1 }, FAULT_##symbol, HTTP_METHOD_##method   \
    }

struct table {
    const char *name;
    const struct row *rows;
    size_t count;
};

#define TABLE(name, rows)                                                              \
    {                                                                                  \
        (name), (rows), sizeof(rows) / sizeof *(rows)                                  \
    }

extern const struct table requests_passed, requests_refused, paths_refused;
extern const struct table responses_passed, responses_refused;

/* Rows made by program: every byte that may not stand in each place, bounds passed by one. */
void variants_each(void (*each)(const struct row *row));

#endif
