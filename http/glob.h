/*
 * http/glob.h - text against a pattern of literal bytes and asterisks.
 *
 * Time is bounded by the product of both lengths, and by their sum where a pattern has
 * one asterisk. filter_path_matches (http/filter.h) is the other kind of glob.
 */
#ifndef HTTP_GLOB_H
#define HTTP_GLOB_H

#include <stdbool.h>

#include "base/bytes.h"

/* The whole of `text`, '*' standing for any bytes or none; ASCII case is ignored. */
bool glob_matches(struct bytes glob, struct bytes text);

#endif
