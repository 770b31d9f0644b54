/*
 * tests/fuzz/fuzz_config.c - whatever an editor left in the configuration file.
 *
 * Either the text becomes a snapshot, or there is an error that says why; what is said
 * is printable, and a usable text is usable again after its way through a sealed memfd.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "config/freeze.h"
#include "config/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many inputs became a snapshot; tests/config/mutate.c wants some of both kinds. */
unsigned fuzz_config_usable;

static void
require_printable(const char *text, size_t length)
{
    size_t step;

    for (size_t i = 0; i < length; i += step) {
        unsigned char c = (unsigned char)text[i];

        step = utf8_length(text + i, length - i);
        require(step > 0);
        require((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t');
        require(c != 0xc2 || (unsigned char)text[i + 1] >= 0xa0); /* U+0080 to U+009F */
    }
}

static void
read_messages(const struct diagnostics *d)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    require(to != NULL);
    diagnostics_print(d, to, false);
    diagnostics_print_json(d, to);
    fclose(to);
    require_printable(text, length);
    free(text);
}

static void
cross_processes(const struct loaded *loaded)
{
    struct diagnostics d;
    struct snapshot *snapshot;
    int memfd = loaded_seal(loaded);

    require(memfd >= 0);
    diagnostics_init(&d);
    snapshot = config_unseal(memfd, &d);
    close(memfd);
    require(snapshot != NULL && d.errors == 0);
    snapshot_unref(&snapshot);
    diagnostics_fini(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loaded *loaded = require_zeroed(1, sizeof(*loaded));
    struct diagnostics d;
    struct snapshot *snapshot = NULL;

    diagnostics_init(&d);
    loaded_parse(loaded, bytes_of(data, size), &d);
    require(loaded->root != NULL || d.errors > 0); /* never refused without a word */
    if (d.errors == 0) {
        snapshot = freeze(loaded);
        fuzz_config_usable++;
        cross_processes(loaded);
    }
    report_finish(&d);
    read_messages(&d);
    snapshot_unref(&snapshot);
    diagnostics_fini(&d);
    loaded_fini(loaded);
    free(loaded);
    return 0;
}
