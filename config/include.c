/*
 * config/include.c - whole files only, one level, nothing overrides anything.
 *
 * Each file is parsed on its own, so that an unclosed quote in one never swallows
 * the next; the same name in two files is an error that shows both places.
 */
#include "config/include.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

#include "config/value.h"
#include "config/yaml.h"

static void
read_one(const char *path, const struct node *pattern, struct source_list *list,
    struct stash *stash, struct diagnostics *d)
{
    struct source *source = &list->sources[list->count];

    if (list->count == SOURCES_MAX) {
        report(d, CODE_NESTING, pattern->mark, NULL, "include: more than %d files",
            SOURCES_MAX);
        return;
    }
    if (!source_read(source, path, stash)) {
        report(d, CODE_FILE, pattern->mark, NULL, "include: cannot read '%s': %s", path,
            source_error(errno));
        return;
    }
    source_guard(source, &list->sources[0]);
    source->index = list->count++;
}

static void
read_pattern(const struct node *pattern, struct source_list *list, struct stash *stash,
    struct diagnostics *d)
{
    const char *path = value_path(pattern->text, list->sources[0].name, stash);
    glob_t found;

    if (strpbrk(pattern->text, "*?[") == NULL) {
        read_one(path, pattern, list, stash, d);
        return;
    }
    if (glob(path, 0, NULL, &found) != 0)
        return; /* an empty conf.d is nothing to complain about */
    for (size_t i = 0; i < found.gl_pathc && list->count < SOURCES_MAX; i++)
        read_one(found.gl_pathv[i], pattern, list, stash, d);
    globfree(&found);
}

void
include_read(const struct node *root, struct source_list *list, struct stash *stash,
    struct diagnostics *d)
{
    const struct node *include = tree_setting(root, SETTING_FILE_INCLUDE), *pattern;

    for (pattern = tree_first_value(include); pattern != NULL;
         pattern = tree_next_value(pattern))
        if (pattern->kind == NODE_TEXT && pattern->text[0] != '\0')
            read_pattern(pattern, list, stash, d);
}

static void
refuse_second(const struct node *entry, const struct node *first, struct diagnostics *d)
{
    char path[TREE_PATH_BYTES];

    report(d, CODE_TWO_FILES, entry->key_mark, "keep one of the two",
        "'%s' stands in two files", tree_path(entry, path));
    report_second_place(d, first->key_mark, "first given here");
}

/* Moves the entries of `from` into `to`; the same name in both is an error. */
static void
join_names(struct node *to, struct node *from, struct diagnostics *d)
{
    struct node *entry = from->first;

    while (entry != NULL) {
        struct node *next = entry->next, *first = tree_entry(to, entry->key);

        if (first == NULL)
            tree_append(to, entry);
        else
            refuse_second(entry, first, d);
        entry = next;
    }
}

static void
join_file(struct node *root, struct node *file, struct diagnostics *d)
{
    struct node *entry = file->first;

    while (entry != NULL) {
        struct node *next = entry->next, *first = tree_entry(root, entry->key);
        const struct setting *setting = schema_find(BLOCK_FILE, entry->key);
        bool by_name = setting != NULL && setting->keyed != KEYED_BY_ITSELF;

        if (setting == schema_setting(SETTING_FILE_INCLUDE))
            report(d, CODE_INCLUDE, entry->key_mark, "include it from the main file",
                "an included file includes no other");
        else if (setting == schema_setting(SETTING_FILE_VERSION) &&
            entry->kind == NODE_TEXT && strcmp(entry->text, "1") == 0)
            ; /* each file may say its format; this one is right */
        else if (first == NULL || setting == schema_setting(SETTING_FILE_VERSION))
            tree_append(root, entry);
        else if (by_name && first->kind == NODE_MAP && entry->kind == NODE_MAP)
            join_names(first, entry, d);
        else
            refuse_second(entry, first, d);
        entry = next;
    }
}

struct node *
include_join(struct node *root, const struct source_list *list, struct stash *stash,
    struct diagnostics *d)
{
    for (unsigned i = 1; i < list->count; i++) {
        struct node *file = list->sources[i].role == SOURCE_SETTINGS
            ? yaml_read(&list->sources[i], stash, d)
            : NULL;

        if (file != NULL)
            join_file(root, file, d);
    }
    return root;
}
