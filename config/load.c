/*
 * config/load.c - files to a tree, and across processes as text.
 *
 * A sealed configuration is a sequence of "role\0name\0length\0bytes": the role a
 * number, the names as messages show them. The reader trusts its parent but not its own luck, so every length is checked.
 */
#include "config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/check.h"
#include "config/data_folder.h"
#include "config/validate.h"
#include "config/value.h"
#include "config/yaml.h"

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
    stash_init(&loaded->stash);
    if (d->file == NULL)
        d->file = require_copy(file);
    if (!source_read(main_file, file, &loaded->stash)) {
        report(d, CODE_FILE, (struct mark){ 0 }, NULL, "cannot read '%s': %s", file,
            strerror(errno));
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
    stash_init(&loaded->stash);
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
    stash_fini(&loaded->stash);
    loaded->root = NULL;
}

static bool
write_all(int fd, const char *at, size_t length)
{
    while (length > 0) {
        ssize_t wrote = write(fd, at, length);

        if (wrote < 0 && errno != EINTR)
            return false;
        if (wrote > 0) {
            at += wrote;
            length -= (size_t)wrote;
        }
    }
    return true;
}

static bool
write_source(int fd, const struct source *source)
{
    char role[24], length[24];
    int role_digits = snprintf(role, sizeof(role), "%d", (int)source->role);
    int digits = snprintf(length, sizeof(length), "%zu", source->text.length);

    return write_all(fd, role, (size_t)role_digits + 1) &&
        write_all(fd, source->name, strlen(source->name) + 1) &&
        write_all(fd, length, (size_t)digits + 1) &&
        write_all(fd, source->text.at, source->text.length);
}

int
loaded_seal(const struct loaded *loaded)
{
    int fd = memfd_create("postern-config", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
    bool good = fd >= 0;

    for (unsigned i = 0; good && i < loaded->list.count; i++)
        good = write_source(fd, &loaded->list.sources[i]);
    if (good &&
        fcntl(fd, F_ADD_SEALS,
            F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return fd;
    error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

/* One "role\0name\0length\0bytes" off `rest`. */
static bool
cut_source(struct source *source, struct bytes *rest, struct stash *stash)
{
    struct bytes kind = bytes_cut(rest, '\0'), name = bytes_cut(rest, '\0');
    struct bytes digits = bytes_cut(rest, '\0');
    uint64_t role, length;

    if (rest->at == NULL || !bytes_to_u64(kind, SOURCE_MITIGATIONS, &role) ||
        !bytes_to_u64(digits, SOURCE_BYTES_MAX + 1, &length) || length > rest->length)
        return false;
    source->role = (enum source_role)role;
    source->name = stash_copy(stash, name);
    source->text.at = stash_copy(stash, bytes_of(rest->at, length));
    source->text.length = length;
    *rest = bytes_of(rest->at + length, rest->length - length);
    return true;
}

static bool
cut_sources(struct loaded *loaded, struct bytes rest)
{
    while (rest.length > 0) {
        struct source *source = &loaded->list.sources[loaded->list.count];

        if (loaded->list.count == SOURCES_MAX ||
            !cut_source(source, &rest, &loaded->stash))
            return false;
        source->index = loaded->list.count++;
    }
    return loaded->list.count > 0;
}

void
loaded_unseal(struct loaded *loaded, int memfd, struct diagnostics *d)
{
    struct stat status;
    void *memory = MAP_FAILED;
    bool good = false;

    *loaded = (struct loaded){ 0 };
    stash_init(&loaded->stash);
    if (fstat(memfd, &status) == 0 && status.st_size > 0)
        memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, memfd, 0);
    if (memory != MAP_FAILED) {
        good = cut_sources(loaded, bytes_of(memory, (size_t)status.st_size));
        munmap(memory, (size_t)status.st_size);
    }
    if (!good) {
        report(d, CODE_FILE, (struct mark){ 0 }, NULL,
            "the sealed configuration is damaged");
        return;
    }
    parse(loaded, d);
}
