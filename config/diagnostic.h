/*
 * config/diagnostic.h - what is wrong with a configuration, as data and as text.
 */
#ifndef CONFIG_DIAGNOSTIC_H
#define CONFIG_DIAGNOSTIC_H

#include <stdbool.h>
#include <stdio.h>

#include "base/require.h"

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

struct diagnostic {
    enum severity severity;
    const char *code;         /* static: "C001" */
    char *file, *text, *hint; /* hint may be NULL */
    char *excerpt;            /* of the line, secrets masked; NULL when there is none */
    unsigned excerpt_column;  /* where on the line it begins */
    bool is_cut;              /* the line goes on behind it */
    unsigned line, column,
        length; /* from 1; bytes underlined; 0: the file as a whole */
    unsigned file_index, rank_line, rank_column, sequence; /* the order of messages */
};

/* Lines that hold a secret, from a column of the first one on. */
struct diagnostic_mask {
    unsigned file_index, line, column, last_line;
};

#define DIAGNOSTIC_MASKS_MAX 64

struct diagnostics {
    struct diagnostic *rows; /* sorted by place once a configuration is loaded */
    unsigned count, errors, warnings;
    char *file; /* the one that was asked for, for the closing line */
    struct diagnostic_mask masks[DIAGNOSTIC_MASKS_MAX];
    unsigned mask_count;
};

void diagnostics_init(struct diagnostics *d);
void diagnostics_fini(struct diagnostics *d);

/* Every warning becomes an error (`postern check --strict`). */
void diagnostics_make_strict(struct diagnostics *d);

/*
 * The text for people: file:line:col: severity: text [CODE], the line, the
 * underlining, the hint; then one closing line. `colour` only on a terminal.
 */
void diagnostics_print(const struct diagnostics *d, FILE *to, bool colour);

/* True when `to` is a terminal and the environment has no NO_COLOR (no-color.org). */
bool diagnostics_may_colour(FILE *to);

/* The closing line alone. */
void diagnostics_print_verdict(const struct diagnostics *d, FILE *to);

/* The same as one JSON document: {"file":..., "usable":..., "diagnostics":[...]}. */
void diagnostics_print_json(const struct diagnostics *d, FILE *to);

#endif
