/*
 * cli/explain.h - the verb `explain`: why is a request let through, or not?
 */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "proxy/trial.h"

/*
 * argv[0] is "explain". Needs no running postern and no network. Returns 0 when the
 * request would be let through (with --expect: every line came out as it says), 1
 * when not, 2 for a wrong command line.
 */
int cli_explain(int argc, char **argv);

/* --- explain_body.c --- */

/*
 * The body that a word tells: itself, or behind '@' the file of that name, which counts
 * from `folder` (NULL: from here). False with a note when there is no such file. `body` is
 * the caller's to free.
 */
bool explain_body_read(const char *word, const char *folder, char **body,
    struct bytes *text, struct note *note) MUST_USE;

/* --- explain_print.c --- */

/* The way of a request, for people. */
void explain_print(const struct trial_request *request, struct trial *trial, FILE *to);

/* The same as one JSON object. */
void
explain_print_json(const struct trial_request *request, struct trial *trial, FILE *to);

/* What a reason in the log or a code of `check` means; false when it is neither. */
bool explain_word(const char *word, FILE *to);

#endif
