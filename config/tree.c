/*
 * config/tree.c - walking the tree of a configuration.
 */
#include "config/tree.h"

#include <stdio.h>
#include <string.h>

#include "config/value.h"

void
tree_append(struct node *parent, struct node *child)
{
    child->parent = parent;
    child->next = NULL;
    if (parent->last == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
}

struct node *
tree_entry(const struct node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP)
        return NULL;
    for (struct node *child = map->first; child != NULL; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

const struct node *
tree_setting(const struct node *block, enum setting_id id)
{
    return tree_entry(block, schema_setting(id)->key);
}

const struct node *
tree_good(const struct node *block, enum setting_id id)
{
    const struct node *node = tree_setting(block, id);

    return node == NULL || node->refused ? NULL : node;
}

const struct node *
tree_meant(const struct node *block, enum setting_id id)
{
    const struct node *node = block == NULL ? NULL : block->first;

    while (node != NULL && node->setting != schema_setting(id))
        node = node->next;
    return node;
}

static const struct node *
skip_refused(const struct node *value)
{
    while (value != NULL && value->refused)
        value = value->next;
    return value;
}

const struct node *
tree_first_value(const struct node *setting)
{
    if (setting == NULL || setting->refused)
        return NULL;
    return setting->kind == NODE_LIST ? skip_refused(setting->first) : setting;
}

const struct node *
tree_next_value(const struct node *value)
{
    /* The neighbour of a single value is the next setting, not the next value. */
    return value->parent->kind == NODE_LIST ? skip_refused(value->next) : NULL;
}

uint64_t
tree_number(const struct node *block, enum setting_id id)
{
    const struct node *node = tree_good(block, id);

    return node == NULL ? value_default(schema_setting(id)) : node->number;
}

const char *
tree_text(const struct node *block, enum setting_id id)
{
    const struct node *node = tree_good(block, id);

    return node == NULL || node->kind != NODE_TEXT ? NULL : node->text;
}

/* Blocks of settings and named entries; what stands under an operator's name is one piece. */
static bool
may_merge(const struct node *base, const struct node *over)
{
    return base->kind == NODE_MAP && over->kind == NODE_MAP && base->setting != NULL &&
        !base->refused && !over->refused;
}

/* The entry of the same name; names of header fields are the same in any case. */
static const struct node *
find_same(const struct node *map, const struct node *entry)
{
    bool by_field = map->setting != NULL && map->setting->count == COUNT_EACH;
    const struct node *same = map->first;

    while (same != NULL &&
        (by_field ? strcasecmp(same->key, entry->key) : strcmp(same->key, entry->key)))
        same = same->next;
    return same;
}

static void
append_copy(struct node *map, const struct node *entry, struct stash *stash)
{
    struct node *copy = stash_take(stash, 1, sizeof(*copy));

    *copy = *entry;
    tree_append(map, copy);
}

const struct node *
tree_merge(const struct node *base, const struct node *over, struct stash *stash)
{
    struct node *map = stash_take(stash, 1, sizeof(*map));

    *map = *over;
    map->first = map->last = NULL;
    for (const struct node *o = over->first; o != NULL; o = o->next)
        if (find_same(base, o) == NULL)
            append_copy(map, o, stash);
    for (const struct node *b = base->first; b != NULL; b = b->next) {
        const struct node *o = find_same(over, b);

        if (o == NULL)
            append_copy(map, b, stash);
        else if (may_merge(b, o))
            append_copy(map, tree_merge(b, o, stash), stash);
        else
            append_copy(map, o, stash);
    }
    return map;
}

struct mark
tree_mark(const struct node *node)
{
    return node->kind != NODE_TEXT && node->key != NULL ? node->key_mark : node->mark;
}

const char *
tree_path(const struct node *node, char path[TREE_PATH_BYTES])
{
    const struct node *way[32];
    unsigned depth = 0;
    size_t length = 0;

    for (; node != NULL && depth < 32; node = node->parent)
        if (node->key != NULL)
            way[depth++] = node;
    path[0] = '\0';
    while (depth-- > 0 && length < TREE_PATH_BYTES) {
        int wrote = snprintf(path + length, TREE_PATH_BYTES - length, "%s%s",
            length == 0 ? "" : ".", way[depth]->key);

        length += (size_t)wrote;
    }
    return path;
}
