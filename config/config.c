/*
 * config/config.c - the three ways in: a file, a seal, and what was sealed.
 */
#include "config/config.h"

#include <stdlib.h>
#include <time.h>

#include "config/check.h"
#include "config/check_application.h"
#include "config/freeze.h"
#include "config/load.h"

/* Allocated: the list of sources is too large for a stack. */
static struct loaded *
loaded_new(void)
{
    return require_zeroed(1, sizeof(struct loaded));
}

static void
loaded_free(struct loaded *loaded)
{
    loaded_fini(loaded);
    free(loaded);
}

/* `memfd`, unless NULL, gets the text that was read: it may be another one a moment later. */
static struct snapshot *
load(const char *file, int *memfd, struct diagnostics *diagnostics)
{
    struct loaded *loaded = loaded_new();
    struct snapshot *snapshot = NULL;

    loaded_read(loaded, file, diagnostics);
    if (loaded->root != NULL) {
        check_files(loaded->root, &loaded->list, &loaded->stash, diagnostics);
        presets_check_dates(&loaded->presets, loaded->root, time(NULL));
        if (loaded->mitigations != NULL)
            check_dates(loaded->mitigations, time(NULL), diagnostics);
    }
    if (loaded->root != NULL && diagnostics->errors == 0)
        snapshot = freeze(loaded);
    if (snapshot != NULL && memfd != NULL)
        *memfd = loaded_seal(loaded);
    report_finish(diagnostics);
    loaded_free(loaded);
    return snapshot;
}

struct snapshot *
config_load(const char *file, struct diagnostics *diagnostics)
{
    return load(file, NULL, diagnostics);
}

struct snapshot *
config_load_sealed(const char *file, int *memfd, struct diagnostics *diagnostics)
{
    *memfd = -1;
    return load(file, memfd, diagnostics);
}

struct snapshot *
config_unseal(int memfd, struct diagnostics *diagnostics)
{
    struct loaded *loaded = loaded_new();
    struct snapshot *snapshot = NULL;

    loaded_unseal(loaded, memfd, diagnostics);
    if (loaded->root != NULL && diagnostics->errors == 0)
        snapshot = freeze(loaded);
    report_finish(diagnostics);
    loaded_free(loaded);
    return snapshot;
}
