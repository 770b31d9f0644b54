/*
 * base/jail_filter.h - the seccomp filter of a role; for base/jail.c only.
 */
#ifndef BASE_JAIL_FILTER_H
#define BASE_JAIL_FILTER_H

#include "base/jail.h"

/* Installs the filter for good. False with a note when the kernel refuses it. */
bool jail_filter_load(enum jail_role role, struct note *note) MUST_USE;

#endif
