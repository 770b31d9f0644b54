/*
 * config/preset.c - the files of applications, each read once, by name.
 *
 * Only what is named is read, so that a preset nobody uses cannot keep postern from
 * starting. In a child nothing is opened: all files came sealed.
 */
#include "config/preset.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/check_application.h"
#include "config/suggest.h"
#include "config/validate.h"
#include "config/yaml.h"

#define SUFFIX ".yaml"
#define NAMES_MAX 256

/* The text before ".yaml"; empty when the name is another. */
static struct bytes
stem(const char *file)
{
    const char *slash = strrchr(file, '/');
    struct bytes name = bytes_of_string(slash == NULL ? file : slash + 1);

    if (name.length <= strlen(SUFFIX) ||
        strcmp(name.at + name.length - strlen(SUFFIX), SUFFIX) != 0)
        return bytes_of("", 0);
    name.length -= strlen(SUFFIX);
    return name;
}

static int
is_preset_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && stem(entry->d_name).length > 0;
}

unsigned
presets_list(const struct presets *p, const char *const **names)
{
    const char **all = stash_take(p->stash, NAMES_MAX, sizeof(*all));
    struct dirent **entries = NULL;
    int found =
        p->folder == NULL ? 0 : scandir(p->folder, &entries, is_preset_file, alphasort);
    unsigned count = 0;

    for (int i = 0; i < found; i++) {
        if (count < NAMES_MAX - 1)
            all[count++] = stash_copy(p->stash, stem(entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    for (unsigned i = 0; p->folder == NULL && i < p->list->count; i++)
        if (p->list->sources[i].role == SOURCE_PRESET && count < NAMES_MAX - 1)
            all[count++] = stash_copy(p->stash, stem(p->list->sources[i].name));
    *names = all;
    for (unsigned i = 0; i < count; i++)
        if (strcmp(all[i], "any") == 0)
            return count;
    all[count++] = "any";
    return count;
}

static void
refuse_unknown(struct presets *p, const char *name, const struct node *place)
{
    const char *const *names, *list = "possible values:";
    unsigned count = presets_list(p, &names);
    char path[TREE_PATH_BYTES];
    struct suggestion s;

    suggest_begin(&s, name);
    for (unsigned i = 0; i < count; i++) {
        suggest_consider(&s, names[i]);
        list = stash_print(p->stash, "%s %s", list, names[i]);
    }
    report(p->d, CODE_CHOICE, place->mark,
        suggest_is_near(&s)
            ? stash_print(p->stash, "did you mean '%s'? %s", s.best, list)
            : list,
        "%s: there is no application '%s'", tree_path(place, path), name);
}

/* The source of a role in the list; `name` NULL: the first one. */
static const struct source *
find_source(const struct presets *p, enum source_role role, const char *name)
{
    for (unsigned i = 0; i < p->list->count; i++) {
        const struct source *source = &p->list->sources[i];

        if (source->role == role &&
            (name == NULL || bytes_equal(stem(source->name), bytes_of_string(name))))
            return source;
    }
    return NULL;
}

/* NULL with errno. */
static const struct source *
read_source(struct presets *p, enum source_role role, const char *file)
{
    struct source *source = &p->list->sources[p->list->count];

    if (p->list->count == SOURCES_MAX) {
        errno = EMFILE;
        return NULL;
    }
    if (!source_read(source, file, p->stash))
        return NULL;
    source->role = role;
    source_guard(source, &p->list->sources[0]);
    source->index = p->list->count++;
    return source;
}

static const struct source *
find_file(struct presets *p, const char *name, const struct node *place)
{
    const struct source *source = find_source(p, SOURCE_PRESET, name);
    char path[TREE_PATH_BYTES];
    const char *file;

    if (source != NULL)
        return source;
    errno = ENOENT;
    file =
        stash_print(p->stash, "%s/%s" SUFFIX, p->folder == NULL ? "" : p->folder, name);
    if (p->folder != NULL)
        source = read_source(p, SOURCE_PRESET, file);
    if (source != NULL)
        return source;
    if (errno != ENOENT ||
        (p->folder != NULL && access(p->folder, F_OK) != 0 && strcmp(name, "any") != 0))
        report(p->d, CODE_FILE, place->mark,
            "name the folder of the presets: applications: "
            "/usr/share/postern/applications",
            "%s: cannot read '%s': %s", tree_path(place, path), file,
            source_error(errno));
    else if (strcmp(name, "any") != 0)
        refuse_unknown(p, name, place);
    return NULL;
}

/* What the file, or the block under a host, says, over what it extends. */
static const struct node *
resolve(struct presets *p, const struct node *root, const struct preset **base)
{
    const struct node *extends = tree_good(root, SETTING_APPLICATION_EXTENDS);

    *base = extends == NULL ? NULL : presets_find(p, extends->text, extends);
    if (extends == NULL)
        return root;
    return *base == NULL || (*base)->resolved == NULL
        ? NULL
        : tree_merge((*base)->resolved, root, p->stash);
}

static void
read_preset(struct presets *p, struct preset *preset, const struct node *place)
{
    const struct source *source = find_file(p, preset->name, place);
    struct node *root;

    if (source == NULL) {
        if (strcmp(preset->name, "any") == 0) {
            root = stash_take(p->stash, 1, sizeof(*root));
            root->kind = NODE_MAP;
            preset->resolved = root; /* the schema's defaults are this application */
        }
        return;
    }
    preset->root = root = yaml_read(source, p->stash, p->d);
    if (root == NULL)
        return;
    validate(root, BLOCK_APPLICATION, p->stash, p->d);
    check_preset(root, preset->name, p->d);
    preset->resolved = resolve(p, root, &preset->base);
}

const struct preset *
presets_find(struct presets *p, const char *name, const struct node *place)
{
    struct preset *preset = p->first;

    while (preset != NULL && strcmp(preset->name, name) != 0)
        preset = preset->next;
    if (preset == NULL) {
        preset = stash_take(p->stash, 1, sizeof(*preset));
        preset->name = stash_copy(p->stash, bytes_of_string(name));
        preset->next = p->first;
        p->first = preset;
        preset->is_being_read = true;
        read_preset(p, preset, place);
        preset->is_being_read = false;
    } else if (preset->is_being_read) {
        report(p->d, CODE_EXTENDS, place->mark, "remove one of the `extends`",
            "'%s' extends itself", name);
    }
    return preset->resolved == NULL ? NULL : preset;
}

const struct preset *
presets_of(const struct presets *p, const struct node *application)
{
    const char *name = application->kind == NODE_TEXT
        ? application->text
        : tree_text(application, SETTING_APPLICATION_EXTENDS);
    const struct preset *preset = p->first;

    while (preset != NULL && (name == NULL || strcmp(preset->name, name) != 0))
        preset = preset->next;
    return preset;
}

/* Calls `visit` for the application of every published host that has a good one. */
static void
for_each_application(struct presets *p, const struct node *root,
    void (*visit)(struct presets *p, struct node *application))
{
    const struct node *listeners = tree_good(root, SETTING_LISTENER_BLOCK), *publish;
    struct node *application;

    if (listeners == NULL || listeners->kind != NODE_MAP)
        return;
    for (const struct node *l = listeners->first; l != NULL; l = l->next) {
        publish = tree_good(l, SETTING_PUBLISH_BLOCK);
        if (publish == NULL || publish->kind != NODE_MAP)
            continue;
        for (const struct node *h = publish->first; h != NULL; h = h->next) {
            application =
                tree_entry(h, schema_setting(SETTING_PUBLISH_APPLICATION)->key);
            if (application != NULL && !application->refused)
                visit(p, application);
        }
    }
}

static void
resolve_application(struct presets *p, struct node *application)
{
    const struct preset *base;

    if (application->kind == NODE_TEXT) {
        base = presets_find(p, application->text, application);
        application->resolved = base == NULL ? NULL : base->resolved;
    } else {
        check_extension(application, p->d);
        application->resolved = resolve(p, application, &base);
    }
    check_resolved(application, p->d);
}

void
presets_resolve(struct presets *p, const struct node *root)
{
    for_each_application(p, root, resolve_application);
}

static void
check_dates_of(struct presets *p, struct node *application)
{
    check_dates(application, p->now, p->d);
}

void
presets_check_dates(struct presets *p, const struct node *root, int64_t now)
{
    p->now = now;
    for (const struct preset *preset = p->first; preset != NULL; preset = preset->next)
        if (preset->root != NULL)
            check_dates(preset->root, now, p->d);
    for_each_application(p, root, check_dates_of);
}

/* True when some host needs more than what holds for all. */
static bool
has_model(const struct presets *p)
{
    for (const struct preset *preset = p->first; preset != NULL; preset = preset->next)
        if (preset->resolved != NULL && strcmp(preset->name, "any") != 0)
            return true;
    return false;
}

const struct node *
presets_read_mitigations(struct presets *p, const char *file, const struct node *place)
{
    const struct source *source = file == NULL
        ? find_source(p, SOURCE_MITIGATIONS, NULL)
        : read_source(p, SOURCE_MITIGATIONS, file);
    const char *const *names;
    struct node *root;

    if (source == NULL) {
        if (file != NULL && (place != NULL || errno != ENOENT || has_model(p)))
            report(p->d, CODE_FILE, place == NULL ? (struct mark){ 0 } : place->mark,
                NULL, "the rules against published attacks: cannot read '%s': %s", file,
                source_error(errno));
        return NULL;
    }
    root = yaml_read(source, p->stash, p->d);
    if (root == NULL)
        return NULL;
    validate(root, BLOCK_MITIGATION_FILE, p->stash, p->d);
    check_mitigations(root, p->d);
    if (p->folder != NULL && access(p->folder, F_OK) == 0) {
        unsigned count = presets_list(p, &names);

        check_mitigated(root, names, count, p->stash, p->d);
    }
    return root;
}
