/*
 * config/tree.c - walking the tree of a configuration.
 */
#include "config/tree.h"

#include <stdio.h>

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
