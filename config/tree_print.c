/*
 * config/tree_print.c - a tree as YAML again: on one line what fits there.
 *
 * Everything that might mean something to YAML stands in single quotes, in which nothing
 * does but the quote itself; in double quotes where a terminal would obey a character.
 */
#include "config/tree_print.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "config/printable.h"

#define WIDTH 100

static bool
is_plain(const char *text)
{
    size_t length = strlen(text);

    return (isalnum((unsigned char)text[0]) ||
               (text[0] != '\0' && strchr("/._", text[0]) != NULL)) &&
        text[length - 1] != ' ' && strpbrk(text, ",[]{}#:'\"&!|>%@`\\?") == NULL;
}

static void
print_text(const char *text, bool quote, FILE *to)
{
    if (!quote && is_plain(text) && printable_is(text)) {
        fputs(text, to);
        return;
    }
    if (!printable_is(text)) {
        char *yaml = printable_yaml(text);

        fputs(yaml, to);
        free(yaml);
        return;
    }
    putc('\'', to);
    for (; *text != '\0'; text++)
        fputs(*text == '\'' ? "''" : (char[2]){ *text, '\0' }, to);
    putc('\'', to);
}

static void
print_flow(const struct node *node, FILE *to)
{
    const char *comma = "";

    if (node->kind == NODE_TEXT) {
        print_text(node->text, node->quoted, to);
        return;
    }
    putc(node->kind == NODE_MAP ? '{' : '[', to);
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        fputs(comma, to);
        if (child->key != NULL) {
            print_text(child->key, false, to);
            fputs(": ", to);
        }
        print_flow(child, to);
        comma = ", ";
    }
    putc(node->kind == NODE_MAP ? '}' : ']', to);
}

/* True when the line, which has `used` columns, has room for the node. */
static bool
fits(const struct node *node, size_t used)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);

    require(to != NULL);
    print_flow(node, to);
    fclose(to);
    free(text);
    return used + length <= WIDTH;
}

static void
print_block(const struct node *parent, unsigned indent, const char *leave_out, FILE *to)
{
    for (const struct node *child = parent->first; child != NULL; child = child->next) {
        size_t used = indent + 2;

        if (child->key != NULL && strcmp(child->key, leave_out) == 0)
            continue;
        fprintf(to, "%*s", (int)indent, "");
        if (child->key == NULL) {
            fputs("- ", to);
            print_flow(child, to);
            putc('\n', to);
            continue;
        }
        print_text(child->key, false, to);
        putc(':', to);
        used += strlen(child->key);
        if (child->kind == NODE_TEXT || child->first == NULL || fits(child, used)) {
            putc(' ', to);
            print_flow(child, to);
            putc('\n', to);
        } else {
            putc('\n', to);
            print_block(child, indent + 2, "", to);
        }
    }
}

void
tree_print(const struct node *map, enum setting_id leave_out, FILE *to)
{
    print_block(map, 0,
        leave_out == SETTING_COUNT ? "" : schema_setting(leave_out)->key, to);
}
