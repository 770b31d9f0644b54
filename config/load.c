/*
 * config/load.c - files to a tree, and across processes as text.
 *
 * A sealed configuration is a row of records (base/seal.h), four for each source: its
 * role, a number; its name, as messages show it; when its file was changed, in
 * nanoseconds, of certificates; the text. The reader trusts its parent but not its own
 * luck, so every length is checked.
 */
#include "config/load.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/seal.h"
#include "config/check.h"
#include "config/data_folder.h"
#include "config/validate.h"
#include "config/value.h"
#include "config/yaml.h"

static void
begin(struct loaded *loaded)
{
    stash_init(&loaded->stash);
    papers_init(&loaded->papers, &loaded->stash);
}

/* The path that a setting of the main block names; NULL when it is not written. */
static const char *
path_of(struct loaded *loaded, enum setting_id id)
{
    const struct node *node = tree_good(loaded->root, id);

    return node == NULL || node->kind != NODE_TEXT
        ? NULL
        : value_path(node->text, node->mark.source->name, &loaded->stash);
}

/* Where the files of presets and mitigations lie that the list does not have. */
static const char *
place_of(struct loaded *loaded, enum setting_id id, const char *shipped)
{
    const char *path = path_of(loaded, id);

    return path == NULL
        ? stash_print(&loaded->stash, "%s/%s", data_folder(&loaded->stash), shipped)
        : path;
}

/* The applications of the hosts, and the mitigations. Nothing is opened unless `opens`. */
static void
resolve(struct loaded *loaded, bool opens, struct diagnostics *d)
{
    const char *folder = NULL, *file = NULL;

    if (opens) {
        folder = place_of(loaded, SETTING_FILE_APPLICATIONS, "applications");
        file = place_of(loaded, SETTING_FILE_MITIGATIONS, "mitigations.yaml");
    }
    loaded->presets = (struct presets){ .list = &loaded->list,
        .stash = &loaded->stash,
        .d = d,
        .folder = folder };
    presets_resolve(&loaded->presets, loaded->root);
    loaded->mitigations = presets_read_mitigations(&loaded->presets, file,
        tree_good(loaded->root, SETTING_FILE_MITIGATIONS));
}

/* The main file's tree, then the others', then everything that is written checked. */
static void
join(struct loaded *loaded, struct node *root, bool opens, struct diagnostics *d)
{
    loaded->root = include_join(root, &loaded->list, &loaded->stash, d);
    validate(loaded->root, BLOCK_FILE, &loaded->stash, d);
    resolve(loaded, opens, d);
    check_tree(loaded->root, &loaded->stash, d);
}

void
loaded_read(struct loaded *loaded, const char *file, struct diagnostics *d)
{
    struct source *main_file = &loaded->list.sources[0];
    struct node *root;

    *loaded = (struct loaded){ .list.count = 1 };
    begin(loaded);
    if (d->file == NULL)
        d->file = require_copy(file);
    if (!source_read(main_file, file, &loaded->stash)) {
        report(d, CODE_FILE, (struct mark){ 0 }, NULL, "cannot read '%s': %s", file,
            source_error(errno));
        return;
    }
    root = yaml_read(main_file, &loaded->stash, d);
    if (root == NULL)
        return;
    include_read(root, &loaded->list, &loaded->stash, d);
    join(loaded, root, true, d);
}

/* From the sources in the list. */
static void
parse(struct loaded *loaded, struct diagnostics *d)
{
    struct node *root;

    if (d->file == NULL)
        d->file = require_copy(loaded->list.sources[0].name);
    root = yaml_read(&loaded->list.sources[0], &loaded->stash, d);
    if (root != NULL)
        join(loaded, root, false, d);
}

void
loaded_parse_all(struct loaded *loaded, const struct source *sources, unsigned count,
    struct diagnostics *d)
{
    require(count > 0 && count <= SOURCES_MAX);
    *loaded = (struct loaded){ .list.count = count };
    begin(loaded);
    for (unsigned i = 0; i < count; i++) {
        loaded->list.sources[i] = sources[i];
        loaded->list.sources[i].index = i;
    }
    parse(loaded, d);
}

void
loaded_parse(struct loaded *loaded, struct bytes text, struct diagnostics *d)
{
    struct source only = { .name = "memory", .text = text };

    loaded_parse_all(loaded, &only, 1, d);
}

void
loaded_fini(struct loaded *loaded)
{
    papers_fini(&loaded->papers);
    seal_unmap(&loaded->sealed);
    stash_fini(&loaded->stash);
    loaded->root = NULL;
}

/* --- across processes --- */

static bool
put_number(int fd, int64_t number)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%lld", (long long)number);

    return seal_put(fd, bytes_of(digits, (size_t)length));
}

static bool
put_source(int fd, enum source_role role, const char *name, int64_t changed_ns,
    struct bytes text)
{
    return put_number(fd, role) && seal_put(fd, bytes_of_string(name)) &&
        put_number(fd, changed_ns) && seal_put(fd, text);
}

static bool
put_all(int fd, const struct loaded *loaded)
{
    bool good = true;

    for (unsigned i = 0; good && i < loaded->list.count; i++) {
        const struct source *source = &loaded->list.sources[i];

        good = put_source(fd, source->role, source->name, 0, source->text);
    }
    for (const struct paper *p = loaded->papers.first; good && p != NULL; p = p->next)
        if (p->is_served)
            good = put_source(fd, SOURCE_CERTIFICATES, p->path, p->changed_ns, p->text);
    return good;
}

int
loaded_seal(const struct loaded *loaded)
{
    int fd = seal_open("postern-config"), error;

    if (fd >= 0 && put_all(fd, loaded) && seal_shut(fd))
        return fd;
    error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

static bool
cut_number(struct bytes *rest, uint64_t most, uint64_t *number)
{
    struct bytes digits;

    return seal_cut(rest, &digits) && bytes_to_u64(digits, most, number);
}

/* One source off `rest`: a paper, or the next of the list. */
static bool
cut_source(struct loaded *loaded, struct bytes *rest)
{
    struct source *source = &loaded->list.sources[loaded->list.count];
    uint64_t role, changed_ns;
    struct bytes name, text;

    if (!cut_number(rest, SOURCE_CERTIFICATES, &role) || !seal_cut(rest, &name) ||
        !cut_number(rest, INT64_MAX, &changed_ns) || !seal_cut(rest, &text))
        return false;
    if (role == SOURCE_CERTIFICATES) {
        papers_add(&loaded->papers, stash_copy(&loaded->stash, name), text,
            (int64_t)changed_ns);
        return true;
    }
    if (loaded->list.count == SOURCES_MAX)
        return false;
    source->role = (enum source_role)role;
    source->name = stash_copy(&loaded->stash, name);
    source->text.at = stash_copy(&loaded->stash, text);
    source->text.length = text.length;
    source->index = loaded->list.count++;
    return true;
}

void
loaded_unseal(struct loaded *loaded, int memfd, struct diagnostics *d)
{
    struct bytes rest;
    bool good;

    *loaded = (struct loaded){ 0 };
    begin(loaded);
    good = seal_map(memfd, &loaded->sealed);
    rest = loaded->sealed;
    while (good && rest.length > 0)
        good = cut_source(loaded, &rest);
    if (!good || loaded->list.count == 0) {
        report(d, CODE_FILE, (struct mark){ 0 }, NULL,
            "the sealed configuration is damaged");
        return;
    }
    parse(loaded, d);
}
