/*
 * tests/unit/log/strict_json.h - is this text one JSON value, to the letter?
 */
#ifndef TESTS_STRICT_JSON_H
#define TESTS_STRICT_JSON_H

#include <stdbool.h>

#include "base/bytes.h"

/*
 * True when `text` is exactly one JSON object (RFC 8259) without blanks, in valid
 * UTF-8, without raw control characters, lone surrogates or a key twice in an object.
 */
bool json_is_strict(struct bytes text);

#endif
