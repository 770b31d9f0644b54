/*
 * config/show.c - walks the schema, not the file, so that defaults have their place too.
 *
 * Secrets cannot appear: the tree holds places of keys, never keys.
 */
#include "config/show.h"

#include <stdlib.h>
#include <string.h>

#include "config/printable.h"

struct line {
    const char *path, *value, *origin;
    struct line *next;
};

struct show {
    struct stash stash;
    const char *wanted;
    bool defaults;
    struct line *first, **end;
    size_t path_width, value_width;
    unsigned count;
};

#define WIDTH_MAX 60 /* longer values push their origin aside */

static bool
is_wanted(const struct show *s, const char *path)
{
    size_t length = strlen(s->wanted);

    return length == 0 ||
        (strncmp(path, s->wanted, length) == 0 &&
            (path[length] == '\0' || path[length] == '.'));
}

static void
add(struct show *s, const char *path, const char *value, const char *origin)
{
    struct line *line;

    if (!is_wanted(s, path))
        return;
    line = stash_take(&s->stash, 1, sizeof(*line));
    *line = (struct line){ path, value, origin, NULL };
    *s->end = line;
    s->end = &line->next;
    s->count++;
    if (strlen(path) > s->path_width)
        s->path_width = strlen(path);
    if (strlen(value) > s->value_width && strlen(value) <= WIDTH_MAX)
        s->value_width = strlen(value);
}

/* The text as YAML would take it again. */
static const char *
quoted(struct show *s, const char *text)
{
    if (text[0] == '\0' || strpbrk(text, "*&!|>'\"%@`#,[]{}\n") != NULL ||
        strstr(text, ": ") != NULL || !printable_is(text)) {
        char *yaml = printable_yaml(text);
        const char *copy = stash_copy(&s->stash, bytes_of_string(yaml));

        free(yaml);
        return copy;
    }
    return text;
}

static const char *
print_value(struct show *s, const struct node *node)
{
    const char *list = NULL;

    if (node->kind == NODE_TEXT)
        return quoted(s, node->text);
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        const char *one = print_value(s, child);

        if (node->kind == NODE_MAP)
            one = stash_print(&s->stash, "%s: %s", child->key, one);
        list = list == NULL ? one : stash_print(&s->stash, "%s, %s", list, one);
    }
    return stash_print(&s->stash, node->kind == NODE_MAP ? "{%s}" : "[%s]",
        list == NULL ? "" : list);
}

static const char *
origin_of(struct show *s, const struct node *node)
{
    return stash_print(&s->stash, "%s:%u", node->mark.source->name,
        tree_mark(node).line);
}

static void show_block(struct show *s, enum block_id block, const struct node *map,
    const char *path);

/* A host's application: what is written, then what holds; its rules are show-application's. */
static void
show_application(struct show *s, const struct node *node, const char *path)
{
    const char *name = node->kind == NODE_TEXT
        ? node->text
        : tree_text(node, SETTING_APPLICATION_EXTENDS);

    add(s, path, name, origin_of(s, node));
    show_block(s, BLOCK_APPLICATION, node->resolved, path);
}

static void
show_setting(struct show *s, const struct setting *setting, const struct node *node,
    const char *path)
{
    if (node != NULL)
        add(s, path, print_value(s, node), origin_of(s, node));
    else if (s->defaults && setting->initial != NULL)
        add(s, path, setting->initial, "default");
}

/* `map` is NULL for a block that is not written: then its defaults are in force. */
static void
show_block(struct show *s, enum block_id block, const struct node *map,
    const char *path)
{
    for (int id = 0; id < SETTING_COUNT; id++) {
        const struct setting *setting = schema_setting((enum setting_id)id);
        const struct node *node = tree_entry(map, setting->key);
        const char *here = stash_print(&s->stash, "%s%s%s", path,
            path[0] == '\0' ? "" : ".", setting->key);

        if (setting->block != block)
            continue;
        if (setting->type == TYPE_APPLICATION && node != NULL) {
            show_application(s, node, here);
        } else if (setting->keyed == KEYED_BY_RULES) {
            continue; /* postern show-application prints them */
        } else if (setting->type != TYPE_BLOCK) {
            show_setting(s, setting, node, here);
        } else if (setting->keyed == KEYED_BY_ITSELF) {
            show_block(s, setting->inner, node, here);
        } else {
            for (const struct node *e = node == NULL ? NULL : node->first; e != NULL;
                 e = e->next)
                show_block(s, setting->inner, e,
                    stash_print(&s->stash, "%s.%s", here, e->key));
        }
    }
}

unsigned
show_settings(const struct node *root, const char *path, bool defaults, FILE *to)
{
    struct show s = { .wanted = path, .defaults = defaults };

    stash_init(&s.stash);
    s.end = &s.first;
    show_block(&s, BLOCK_FILE, root, "");
    for (const struct line *line = s.first; line != NULL; line = line->next)
        printable_line(to, "%-*s  %-*s  %s", (int)s.path_width, line->path,
            (int)s.value_width, line->value, line->origin);
    stash_fini(&s.stash);
    return s.count;
}
