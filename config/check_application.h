/*
 * config/check_application.h - rules held against each other, in presets and under hosts.
 *
 * For validated trees, in which nodes may be refused. Pure: opens nothing.
 */
#ifndef CONFIG_CHECK_APPLICATION_H
#define CONFIG_CHECK_APPLICATION_H

#include "config/report.h"
#include "config/tree.h"

/* A preset's file: who it is, and each of its rules. */
void check_preset(const struct node *root, const char *name, struct diagnostics *d);

/* The block under a published host, which extends a preset. */
void check_extension(const struct node *application, struct diagnostics *d);

/* A host's application with all it extends: what only the whole can get wrong. */
void check_resolved(const struct node *application, struct diagnostics *d);

/* The file of mitigations; then that each is for one of the `count` presets. */
void check_mitigations(const struct node *root, struct diagnostics *d);
void check_mitigated(const struct node *root, const char *const *names, unsigned count,
    struct stash *stash, struct diagnostics *d);

/* What only reports, by its date: `now` in seconds since 1970. Any of the trees above. */
void check_dates(const struct node *root, int64_t now, struct diagnostics *d);

#endif
