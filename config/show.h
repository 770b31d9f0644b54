/*
 * config/show.h - the settings in force, each with its origin.
 */
#ifndef CONFIG_SHOW_H
#define CONFIG_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "config/tree.h"

/*
 * One line per setting: path, value, "file:line" or "default". Only what lies at or
 * under `path`, or all for "". Unwritten settings only with `defaults`.
 * `root` passed the checks. Returns how many lines were written.
 */
unsigned
show_settings(const struct node *root, const char *path, bool defaults, FILE *to);

#endif
