/*
 * config/tree_print.h - a tree as YAML again.
 */
#ifndef CONFIG_TREE_PRINT_H
#define CONFIG_TREE_PRINT_H

#include <stdio.h>

#include "config/tree.h"

/*
 * The entries of `map`, without the one of `leave_out` (SETTING_COUNT: all). What is read
 * from it is the same tree; comments are gone, and so is how it was laid out.
 */
void tree_print(const struct node *map, enum setting_id leave_out, FILE *to);

#endif
