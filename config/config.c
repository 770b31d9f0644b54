/*
 * config/config.c - the three ways in: a file, a seal, and what was sealed.
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* True when the configuration can be used; in any case the caller ends `loaded`. */
static bool
read_and_check(struct loaded *loaded, const char *file, struct diagnostics *d)
{
    loaded_read(loaded, file, d);
    if (loaded->root == NULL)
        return false;
    check_files(loaded->root, &loaded->list, &loaded->papers, &loaded->stash, d);
    check_machine(loaded->root, &loaded->stash, d);
    presets_check_dates(&loaded->presets, loaded->root, time(NULL));
    if (loaded->mitigations != NULL)
        check_dates(loaded->mitigations, time(NULL), d);
    return d->errors == 0;
}

struct snapshot *
config_load(const char *file, struct diagnostics *diagnostics)
{
    struct loaded *loaded = loaded_new();
    struct snapshot *snapshot = NULL;

    if (read_and_check(loaded, file, diagnostics))
        snapshot = freeze(loaded);
    report_finish(diagnostics);
    loaded_free(loaded);
    return snapshot;
}

static bool
seal(const struct loaded *loaded, struct sealed *sealed, struct diagnostics *d)
{
    sealed->text = loaded_seal(loaded);
    if (sealed->text >= 0)
        sealed->keys = papers_seal_keys(&loaded->papers);
    if (sealed->keys >= 0)
        return true;
    report(d, CODE_FILE, (struct mark){ 0 }, NULL,
        "the kernel keeps no copy of the configuration: %s", strerror(errno));
    if (sealed->text >= 0)
        close(sealed->text);
    sealed->text = -1;
    return false;
}

bool
config_seal(const char *file, struct sealed *sealed, struct diagnostics *diagnostics)
{
    struct loaded *loaded = loaded_new();
    bool good;

    *sealed = (struct sealed){ -1, -1 };
    good =
        read_and_check(loaded, file, diagnostics) && seal(loaded, sealed, diagnostics);
    report_finish(diagnostics);
    loaded_free(loaded);
    return good;
}

struct snapshot *
config_unseal(int text, struct diagnostics *diagnostics)
{
    struct loaded *loaded = loaded_new();
    struct snapshot *snapshot = NULL;

    loaded_unseal(loaded, text, diagnostics);
    if (loaded->root != NULL && diagnostics->errors == 0)
        snapshot = freeze(loaded);
    report_finish(diagnostics);
    loaded_free(loaded);
    return snapshot;
}
