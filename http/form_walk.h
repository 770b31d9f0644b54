/*
 * http/form_walk.h - the structure of an application/x-www-form-urlencoded body.
 *
 * For this folder. Counts fields, measures names and checks escapes while the body
 * streams past; remembers no byte of it.
 */
#ifndef HTTP_FORM_WALK_H
#define HTTP_FORM_WALK_H

#include <stdbool.h>

#include "base/bytes.h"

#define FORM_FIELDS_MAX 1000u    /* PHP reads no more (max_input_vars) */
#define FORM_NAME_BYTES_MAX 256u /* decoded */

/* Zero before the first piece. */
struct form_walk {
    unsigned fields; /* behind the first */
    unsigned name_bytes;
    unsigned digits_left; /* of an escape */
    unsigned escaped;     /* its value so far */
    bool in_value;
};

/*
 * NULL, or what is wrong with the form up to the end of `piece`, for the log; static.
 * Refused are escapes without two hex digits, control characters but tabs, names that
 * are too long or hold an escaped control character, and too many fields. A value is as
 * long as the body may be.
 */
const char *form_walk_take(struct form_walk *walk, struct bytes piece);

/* The same at the end of the body. */
const char *form_walk_end(const struct form_walk *walk);

#endif
