/*
 * tests/fuzz/fuzz_config.c - whatever an editor left in a file of the configuration.
 *
 * What looks like a preset or like mitigations is read as such, for a host that needs it.
 * Either the text becomes a snapshot, or there is an error that says why; what is said
 * is printable, and a usable text is usable again after its way through a sealed memfd.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
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

static bool
holds(struct bytes text, const char *word)
{
    return text.at != NULL && memmem(text.at, text.length, word, strlen(word)) != NULL;
}

/* The name in "application: NAME"; "x" when there is none that could be a file's. */
static struct bytes
name_of(struct bytes text)
{
    static const char key[] = "application: ";
    const char *at = memmem(text.at, text.length, key, sizeof(key) - 1);
    struct bytes rest, name;

    if (at == NULL)
        return BYTES("x");
    at += sizeof(key) - 1;
    rest = bytes_of(at, text.length - (size_t)(at - text.at));
    name = bytes_cut(&rest, '\n');
    for (size_t i = 0; i < name.length; i++)
        if ((name.at[i] < 'a' || name.at[i] > 'z') && name.at[i] != '-')
            return BYTES("x");
    return name.length == 0 || name.length > 40 ? BYTES("x") : name;
}

/* The input alone, or as the file that a main file needs. */
static void
read_input(struct loaded *loaded, struct bytes text, struct diagnostics *d)
{
    bool is_preset = holds(text, "title:") && !holds(text, "listeners:");
    bool is_attacks = holds(text, "vectors:") && !holds(text, "listeners:");
    struct bytes name = is_preset ? name_of(text) : BYTES("any");
    static char main_text[512], file[64]; /* they outlive `loaded` */
    struct source sources[2] = { { .name = "main.yaml" }, { .name = file } };

    if (!is_preset && !is_attacks) {
        loaded_parse(loaded, text, d);
        return;
    }
    snprintf(file, sizeof(file), "%.*s.yaml", BYTES_ARG(name));
    snprintf(main_text, sizeof(main_text),
        "version: 1\nlisteners: {l: {address: \"*:443\", publish: {m: {certificate: "
        "/m.pem, upstream: u, application: {extends: %.*s, prefix: /p}}}}}\n"
        "upstreams: {u: {servers: https://u}}\n",
        BYTES_ARG(name));
    sources[0].text = bytes_of_string(main_text);
    sources[1].role = is_preset ? SOURCE_PRESET : SOURCE_MITIGATIONS;
    sources[1].text = text;
    loaded_parse_all(loaded, sources, 2, d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct loaded *loaded = require_zeroed(1, sizeof(*loaded));
    struct diagnostics d;
    struct snapshot *snapshot = NULL;

    diagnostics_init(&d);
    read_input(loaded, bytes_of(data, size), &d);
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
