/*
 * tests/fuzz/url_oracle.h - a second canonicaliser, to compare the first one with.
 */
#ifndef TESTS_FUZZ_URL_ORACLE_H
#define TESTS_FUZZ_URL_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define ORACLE_TARGET_BYTES 4096u

struct oracle_text {
    size_t length;
    char bytes[3 * ORACLE_TARGET_BYTES];
};

struct oracle_url {
    struct oracle_text path, decoded, further, query, canonical;
    bool has_query;
    uint32_t oddities, query_oddities; /* enum url_oddity */
};

/* `target`: "*", or at most ORACLE_TARGET_BYTES that begin with '/'. */
void oracle_canonicalise(struct bytes target, struct oracle_url *url);

#endif
