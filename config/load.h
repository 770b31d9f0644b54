/*
 * config/load.h - the files of a configuration as one validated tree.
 */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/include.h"
#include "config/papers.h"
#include "config/preset.h"

struct loaded {
    struct stash stash;
    struct source_list list;        /* list.sources[0] is the main file */
    struct node *root;              /* NULL when the main file gave no tree */
    struct presets presets;         /* the applications of its hosts */
    const struct node *mitigations; /* NULL when there are none */
    struct papers papers;           /* certificates and keys, once they are checked */
    struct bytes sealed;            /* what it was unsealed from, mapped; else empty */
};

/* Reads, joins, validates and checks what is written. All mistakes are in `d`, not yet sorted. */
void loaded_read(struct loaded *loaded, const char *file, struct diagnostics *d);

/* The same for text in memory, which outlives `loaded`; no file is read. */
void loaded_parse(struct loaded *loaded, struct bytes text, struct diagnostics *d);

/* The same for several: sources[0] is the main file. Names and texts outlive `loaded`. */
void loaded_parse_all(struct loaded *loaded, const struct source *sources,
    unsigned count, struct diagnostics *d);

/* The same from the bytes of loaded_seal(). */
void loaded_unseal(struct loaded *loaded, int memfd, struct diagnostics *d);

/* A sealed memfd with the sources and the certificates that are served, -1 with errno. */
int loaded_seal(const struct loaded *loaded) MUST_USE;

void loaded_fini(struct loaded *loaded);

#endif
