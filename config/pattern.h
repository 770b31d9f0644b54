/*
 * config/pattern.h - what the rules of an application are written with: names, globs,
 * shapes, networks, dates.
 *
 * All of these give NULL when the text is good, else a static hint: what to write
 * instead. Strict, because a rule that means something else than it seems to is a hole.
 */
#ifndef CONFIG_PATTERN_H
#define CONFIG_PATTERN_H

#include "base/require.h"
#include "config/schema.h"
#include "http/filter_policy.h"

/* True for the types that pattern_check knows. */
bool pattern_is_known(enum setting_type type);

/* `text` is not empty. Must not be called for other types. */
const char *pattern_check(enum setting_type type, const char *text) MUST_USE;

/* The name of a header field, without an asterisk (RFC 9110, 5.1). */
const char *pattern_check_field(const char *text) MUST_USE;

/* Fields that say where a message or a connection ends: written by postern alone. */
bool pattern_is_of_framing(const char *name);

/* The name of a parameter of a query; with '*' in front, the end of one. */
const char *pattern_check_parameter(const char *text) MUST_USE;

/* The ids of rules, "RC010" or "RC010a", and of mitigations, "PM-2021-26855". */
const char *pattern_check_rule(const char *text) MUST_USE;
const char *pattern_check_mitigation(const char *text) MUST_USE;

/*
 * "[A-Za-z0-9._-]{1,64}": in the brackets ASCII characters and ranges, with \] \\ and \-
 * for these; '-' stands for itself at both ends, too. Then {n} or {least,most}.
 */
const char *pattern_read_shape(const char *text, struct shape *shape) MUST_USE;

/* "10.0.0.0/8", "fd00::/8", or one address. Bits behind the prefix must be zero. */
const char *pattern_read_network(const char *text, struct network *network) MUST_USE;

/* "2026-12-31": the second at which that day (UTC) is over, since 1970. */
const char *pattern_read_date(const char *text, int64_t *end) MUST_USE;

#endif
