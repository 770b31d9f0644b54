/*
 * http/grammar.h - requests whose form no table of parameters can say.
 *
 * One predicate per protocol of the published webmails. Nothing allocates, every
 * length found in a message is compared with what is there, and what is not known is
 * refused. No body is read.
 */
#ifndef HTTP_GRAMMAR_H
#define HTTP_GRAMMAR_H

#include <stdbool.h>

#include "http/filter_policy.h"
#include "http/head.h"
#include "http/pairs.h"

struct grammar_input {
    const struct http_head *head;
    struct bytes path;              /* decoded */
    struct bytes query;             /* as sent on */
    const struct pairs *parameters; /* of the query, decoded */
};

/*
 * False when the request does not follow the grammar; *part is then what did not,
 * a view into the input or a literal, or is left alone.
 */
bool grammar_holds(enum grammar grammar, const struct grammar_input *input,
    struct bytes *part) MUST_USE;

/* MS-ASHTTP 2.2.1.1.1: in http/grammar_activesync.c. */
bool grammar_activesync(const struct grammar_input *input, struct bytes *part) MUST_USE;

/* An operation of http/ews.def, or none: in http/grammar_ews.c. */
bool grammar_ews(const struct grammar_input *input, struct bytes *part) MUST_USE;

#endif
