/*
 * http/form_walk.h - the fields of an application/x-www-form-urlencoded body, as it passes.
 *
 * For this folder. Counts fields, measures names and checks escapes while the body
 * streams past; keeps the name of the present field and no byte of a value.
 */
#ifndef HTTP_FORM_WALK_H
#define HTTP_FORM_WALK_H

#include <stdbool.h>

#include "base/bytes.h"

#define FORM_FIELDS_MAX 1000u    /* PHP reads no more (max_input_vars) */
#define FORM_NAME_BYTES_MAX 256u /* decoded */

enum form_state {
    FORM_IN_NAME,
    FORM_NAME_CUT, /* a name whose rest PHP does not read: a NUL was in it */
    FORM_IN_VALUE,
    FORM_OVER,
};

/* Zero before the first piece, but for `is_loose`. */
struct form_walk {
    bool is_loose;
    bool
        wants_value; /* set after FORM_NAME by who wants the value's bytes, else false */
    enum form_state state;
    unsigned fields; /* behind the first */
    unsigned name_bytes;
    unsigned held_bytes; /* of an escape: the percent sign and one digit */
    char held[2];
    char text[2]; /* what FORM_VALUE shows when it was decoded */
    char name[FORM_NAME_BYTES_MAX];
    const char *flaw; /* what is wrong, for the log; static */
};

enum form_event {
    FORM_NEEDS_MORE, /* the piece is used up; at the end of the body: that was all */
    FORM_NAME,       /* *text: the decoded name of a field that begins */
    FORM_VALUE,      /* *text: decoded bytes of its value, never empty */
    FORM_FIELD_END,
    FORM_MALFORMED, /* `flaw` says why; the body is over */
};

/*
 * Takes from the front of `piece` up to the next event; *text holds until the next call.
 * Only that a value may be cut differently depends on the pieces.
 *
 * Refused are escapes without two hex digits, control characters but tabs, names that
 * are too long or hold an escaped control character, and too many fields. A value is as
 * long as the body may be. Fields of which nothing is there ("&&") are none.
 *
 * A loose walk refuses nothing and reads as servers do that refuse nothing either: what
 * is no escape stands for itself, a NUL ends a name (PHP), and of a long name the
 * beginning is shown, without leading blanks, which PHP does not count.
 */
enum form_event
form_walk_next(struct form_walk *walk, struct bytes *piece, struct bytes *text);

/* The same behind the last piece, until FORM_NEEDS_MORE. */
enum form_event form_walk_last(struct form_walk *walk, struct bytes *text);

#endif
