/*
 * tests/unit/base/jail_lab.h - a child in a jail, which tries one thing.
 *
 * For tests that are built twice: as shipped, and with the sanitizers, whose jail is
 * wider (base/jail_call.def).
 */
#ifndef TESTS_BASE_JAIL_LAB_H
#define TESTS_BASE_JAIL_LAB_H

#include <stdbool.h>

#include "base/jail.h"

/* Whom a child becomes that starts as root. */
#define JAIL_LAB_USER "nobody"

/* How a child ends. */
enum { SUCCEEDED = 0, REFUSED = 11, NO_JAIL = 12 };

extern const enum jail_role jail_lab_roles[]; /* the parent's is the first */
#define ROLES ((size_t)5)

/* In a child: ends it when it cannot be jailed. */
void jail_lab_enter(enum jail_role role);

/* `attempt`, in a child in the jail of `role`, gives `code`... */
void assert_exits(enum jail_role role, bool (*attempt)(void), int code);

/* ...or the child is ended by signal `number`. */
void assert_dies(enum jail_role role, bool (*attempt)(void), int number);

#endif
