/*
 * config/yaml.c - drives libfyaml's event parser and builds our own tree.
 *
 * Events, not the library's documents: its duplicate test is quadratic and names
 * one place only. Its error display reads out of bounds on odd bytes (0.7.12), so
 * source_flaw() goes first and errors are collected as data, never displayed.
 * Positions are taken as byte offsets; the library counts characters.
 */
#include "config/yaml.h"

#include <libfyaml.h>
#include <string.h>

#define KEY_BYTES_MAX 255

struct reader {
    struct fy_parser *parser;
    const struct source *source;
    struct stash *stash;
    struct diagnostics *d;
    struct mark flow; /* the innermost [ or { now open, for "never closed" */
    bool ended;       /* a message was given after which reading makes no sense */
};

/* What the library says, and what we say instead. */
static const struct phrase {
    const char *theirs;
    enum code code;
    int shift; /* where our caret goes, in bytes from theirs */
    const char *text, *hint;
} phrases[] = {
    { "wrongly indented double-quoted", CODE_SYNTAX, 0, "this quote is never closed",
        "the closing quote is missing" },
    { "wrongly indented single-quoted", CODE_SYNTAX, 0, "this quote is never closed",
        "the closing quote is missing" },
    { "double-quoted scalar without closing", CODE_SYNTAX, -1,
        "this quote is never closed", "the closing quote is missing" },
    { "single-quoted scalar without closing", CODE_SYNTAX, -1,
        "this quote is never closed", "the closing quote is missing" },
    { "tab character", CODE_SYNTAX, 0, "a tab stands where blanks have to indent",
        "replace the tab by blanks" },
    { "invalid multiline plain key", CODE_SYNTAX, 0,
        "the line after this value is indented deeper than its neighbours",
        "settings of one block begin in the same column" },
    { "could not find expected ':'", CODE_SYNTAX, 0, "there is no ':' after this name",
        "write name: value" },
    { "invalid nested block mapping", CODE_SYNTAX, 0,
        "there is a second ': ' on this line",
        "put a value that contains ': ' in quotes" },
    { "plain scalar cannot start with", CODE_SYNTAX, 0,
        "a value cannot begin with this character", "put the value in quotes" },
    { "invalid escape", CODE_SYNTAX, 0, "this escape is unknown",
        "in double quotes write \\\\ for a backslash, or use single quotes" },
    { "invalid trailing content after", CODE_SYNTAX, 0,
        "something stands behind the closing quote",
        "the quotes go around the whole value" },
    { "invalid alias", CODE_NOT_OUR_YAML, -1,
        "anchors and aliases are not part of this configuration language",
        "a value that starts with * needs quotes" },
    { "invalid anchor", CODE_NOT_OUR_YAML, -1,
        "anchors and aliases are not part of this configuration language",
        "a value that starts with & needs quotes" },
};

static struct mark
mark_of(const struct reader *r, struct fy_token *token)
{
    const struct fy_mark *start = token == NULL ? NULL : fy_token_start_mark(token);
    const struct fy_mark *end = token == NULL ? NULL : fy_token_end_mark(token);
    size_t from, to, length = r->source->text.length;
    enum fy_scalar_style style;

    if (start == NULL || end == NULL || start->line < 0)
        return (struct mark){ .source = r->source };
    from = start->input_pos < length ? start->input_pos : length;
    to = end->input_pos < length ? end->input_pos : length;
    style = fy_token_scalar_style(token);
    if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && from > 0 &&
        to < length) {
        from--;
        to++;
    }
    return source_mark(r->source, from, to < from ? from : to,
        (unsigned)start->line + 1);
}

/* The next event, which the caller frees; NULL at the end or after an error. */
static struct fy_event *
next_event(struct reader *r)
{
    return r->ended ? NULL : fy_parser_parse(r->parser);
}

static void
end_with(struct reader *r, enum code code, struct mark mark, const char *hint,
    const char *text)
{
    report(r->d, code, mark, hint, "%s", text);
    r->ended = true;
}

/* Anchors and tags may stand before any value. */
static void
refuse_property(struct reader *r, struct node *node, struct fy_token *token,
    const char *what)
{
    if (token == NULL || node->refused)
        return;
    node->refused = true;
    report(r->d, CODE_NOT_OUR_YAML, mark_of(r, token),
        "put a value that begins with & or ! in quotes",
        "%s are not part of this configuration language", what);
}

static struct node *
read_scalar(struct reader *r, struct fy_event *event, struct mark fallback)
{
    struct node *node = stash_take(r->stash, 1, sizeof(*node));
    struct fy_token *token = event->scalar.value;
    const struct fy_mark *end;
    size_t length = 0;
    const char *text = token == NULL ? NULL : fy_token_get_text(token, &length);

    node->kind = NODE_TEXT;
    node->quoted = token != NULL && fy_token_scalar_style(token) != FYSS_PLAIN;
    if (length == 0 && !node->quoted)
        token = NULL; /* nothing written; libfyaml 0.8 has a token for that, 0.7 none */
    end = token == NULL ? NULL : fy_token_end_mark(token);
    node->mark = token == NULL ? fallback : mark_of(r, token);
    node->last_line = end == NULL ? node->mark.line : (unsigned)end->line + 1;
    node->text = stash_copy(r->stash, bytes_of(text, text == NULL ? 0 : length));
    refuse_property(r, node, event->scalar.anchor, "anchors and aliases");
    refuse_property(r, node, event->scalar.tag, "tags");
    if (strlen(node->text) != length && !node->refused) {
        node->refused = true;
        report(r->d, CODE_ENCODING, node->mark, NULL, "the text holds a NUL byte");
    }
    return node;
}

/* `*:443` without quotes is an alias to YAML: the most likely slip of all. */
static struct node *
read_alias(struct reader *r, struct fy_event *event)
{
    struct node *node = stash_take(r->stash, 1, sizeof(*node));
    struct fy_token *token = event->alias.anchor;
    size_t length = 0;
    const char *text = token == NULL ? NULL : fy_token_get_text(token, &length);

    node->kind = NODE_TEXT;
    node->text = stash_copy(r->stash, bytes_of(text, text == NULL ? 0 : length));
    node->refused = true;
    node->mark = mark_of(r, token);
    if (node->mark.column > 1) {
        node->mark.column--;
        node->mark.length++;
    }
    node->last_line = node->mark.line;
    report(r->d, CODE_NOT_OUR_YAML, node->mark,
        stash_print(r->stash, "a value that starts with * needs quotes: \"*%s\"",
            node->text),
        "anchors and aliases are not part of this configuration language");
    return node;
}

static struct node *
read_collection(struct reader *r, struct fy_event *event, unsigned depth);

/* Takes over `event`. NULL when reading has ended. */
static struct node *
read_node(struct reader *r, struct fy_event *event, struct mark fallback,
    unsigned depth)
{
    struct node *node = NULL;

    if (event == NULL)
        return NULL;
    if (event->type == FYET_SCALAR)
        node = read_scalar(r, event, fallback);
    else if (event->type == FYET_ALIAS)
        node = read_alias(r, event);
    else if (event->type == FYET_MAPPING_START || event->type == FYET_SEQUENCE_START)
        node = read_collection(r, event, depth);
    fy_parser_event_free(r->parser, event);
    return node;
}

/* Whether an entry of this name may join its map; if not, a message was given. */
static bool
may_join(struct reader *r, const struct node *map, const struct node *name)
{
    const struct node *first;

    if (name->refused || name->kind != NODE_TEXT || name->text[0] == '\0' ||
        strlen(name->text) > KEY_BYTES_MAX) {
        if (!name->refused)
            report(r->d, CODE_KIND, name->mark, NULL, "a name is one short text");
        return false;
    }
    if (strcmp(name->text, "<<") == 0 && !name->quoted) {
        report(r->d, CODE_NOT_OUR_YAML, name->mark, "write the settings out",
            "merge keys are not part of this configuration language");
        return false;
    }
    first = tree_entry(map, name->text);
    if (first == NULL)
        return true;
    report(r->d, CODE_DUPLICATE, name->mark,
        "each name may stand once in a block; remove or merge one of them",
        "'%s' stands twice in this block", name->text);
    report_second_place(r->d, first->key_mark, "first given here");
    return false;
}

/* One entry of a map or list. False when the collection or the reading has ended. */
static bool
read_entry(struct reader *r, struct node *parent, unsigned depth)
{
    struct fy_event *event = next_event(r);
    struct node *name = NULL, *child;

    if (event == NULL || event->type == FYET_MAPPING_END ||
        event->type == FYET_SEQUENCE_END) {
        r->ended |= event == NULL;
        fy_parser_event_free(r->parser, event);
        return false;
    }
    if (parent->kind == NODE_MAP) {
        name = read_node(r, event, parent->mark, depth);
        event = name == NULL ? NULL : next_event(r);
    }
    child = read_node(r, event, name == NULL ? parent->mark : name->mark, depth);
    if (child == NULL) {
        r->ended = true;
        return false;
    }
    if (name == NULL) {
        tree_append(parent, child);
    } else if (may_join(r, parent, name)) {
        child->key = name->text;
        child->key_mark = name->mark;
        tree_append(parent, child);
    }
    return true;
}

static struct node *
read_collection(struct reader *r, struct fy_event *event, unsigned depth)
{
    struct node *node = stash_take(r->stash, 1, sizeof(*node));
    bool is_map = event->type == FYET_MAPPING_START;
    struct mark outer = r->flow;
    char first;

    node->kind = is_map ? NODE_MAP : NODE_LIST;
    node->mark = mark_of(r,
        is_map ? event->mapping_start.mapping_start
               : event->sequence_start.sequence_start);
    node->last_line = node->mark.line;
    refuse_property(r, node,
        is_map ? event->mapping_start.anchor : event->sequence_start.anchor,
        "anchors and aliases");
    refuse_property(r, node,
        is_map ? event->mapping_start.tag : event->sequence_start.tag, "tags");
    first = node->mark.line == 0
        ? '\0'
        : source_line(r->source, node->mark.line).at[node->mark.column - 1];
    if (first == '[' || first == '{')
        r->flow = node->mark;
    if (depth == YAML_DEPTH_MAX) {
        end_with(r, CODE_NESTING, node->mark, NULL, "this is nested too deeply");
        return NULL;
    }
    for (unsigned entries = 0; read_entry(r, node, depth + 1); entries++)
        if (entries == YAML_ENTRIES_MAX) {
            end_with(r, CODE_NESTING, tree_mark(node), NULL,
                "this has too many entries");
            return NULL;
        }
    if (!r->ended)
        r->flow = outer;
    return r->ended ? NULL : node;
}

/* The library's first complaint, in our words; the others follow from it. */
static void
report_syntax(struct reader *r, struct fy_diag *diag)
{
    void *place = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &place);
    struct mark mark = { .source = r->source };
    const char *text = "the file is not well-formed YAML", *hint = NULL;
    enum code code = CODE_SYNTAX;

    if (error != NULL && error->line > 0) {
        mark.line = (unsigned)error->line;
        mark.column = source_column(r->source, mark.line,
            error->column > 0 ? (unsigned)error->column : 1);
        mark.length = 1;
    }
    if (error != NULL && error->msg != NULL) {
        text = error->msg;
        for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
            if (strstr(error->msg, phrases[i].theirs) != NULL) {
                code = phrases[i].code;
                text = phrases[i].text;
                hint = phrases[i].hint;
                if (phrases[i].shift < 0 && mark.column > 1)
                    mark.column--;
            }
        if (r->flow.line > 0 && strstr(error->msg, "without a closing") != NULL) {
            mark = r->flow;
            text = "this bracket is never closed";
        } else if (r->flow.line > 0 && mark.line > r->flow.line &&
            strstr(error->msg, "missing comma") != NULL) {
            mark = r->flow; /* the library read on into the next setting */
            text = "this bracket is never closed, or a comma is missing in it";
        }
    }
    report(r->d, code, mark, hint, "%s", text);
}

/* From the beginning of the stream to its end; at most one document. */
static struct node *
read_stream(struct reader *r)
{
    struct fy_event *event;
    struct node *root = NULL;
    bool more = false;

    while (!r->ended && (event = next_event(r)) != NULL) {
        enum fy_event_type type = event->type;

        if (type == FYET_DOCUMENT_START && more) {
            end_with(r, CODE_NOT_OUR_YAML,
                mark_of(r, event->document_start.document_start), "remove the '---'",
                "a configuration is one document");
            root = NULL;
        }
        more |= type == FYET_DOCUMENT_START;
        if (root == NULL && !r->ended && type != FYET_STREAM_START &&
            type != FYET_DOCUMENT_START && type != FYET_DOCUMENT_END &&
            type != FYET_STREAM_END) {
            root = read_node(r, event, (struct mark){ .source = r->source }, 0);
            r->ended |= root == NULL;
            continue;
        }
        fy_parser_event_free(r->parser, event);
        if (type == FYET_STREAM_END)
            return root;
    }
    return NULL;
}

static struct node *
parse(struct reader *r, struct fy_diag *diag)
{
    unsigned errors = r->d->errors;
    struct node *root = read_stream(r);

    if (fy_parser_get_stream_error(r->parser) || (root == NULL && r->ended)) {
        /* A message of ours ended the reading, or the library gave up. */
        if (fy_parser_get_stream_error(r->parser) || r->d->errors == errors)
            report_syntax(r, diag);
        return NULL;
    }
    if (root == NULL || (root->kind == NODE_TEXT && root->text[0] == '\0')) {
        if (r->source->index > 0) { /* an included file may be all comments */
            root = stash_take(r->stash, 1, sizeof(*root));
            root->kind = NODE_MAP;
            root->mark.source = r->source;
            return root;
        }
        report(r->d, CODE_KIND, (struct mark){ .source = r->source },
            "the shortest one has 'version', 'listeners' and 'upstreams'",
            "the file is empty");
        return NULL;
    }
    if (root->kind != NODE_MAP) {
        report(r->d, CODE_KIND, root->mark, "begin with 'version: 1'",
            "expected a block of settings");
        return NULL;
    }
    return root;
}

struct node *
yaml_read(const struct source *source, struct stash *stash, struct diagnostics *d)
{
    struct reader r = { .source = source, .stash = stash, .d = d };
    struct fy_diag_cfg quiet;
    struct fy_diag *diag;
    struct fy_parse_cfg how = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
            FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE };
    struct node *root;
    struct mark mark;
    const char *flaw = source_flaw(source, &mark);

    if (flaw != NULL) {
        report(d, CODE_ENCODING, mark, NULL, "%s", flaw);
        return NULL;
    }
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.colorize = false;
    diag = fy_diag_create(&quiet);
    require(diag != NULL);
    fy_diag_set_collect_errors(diag, true);
    how.diag = diag;
    r.parser = fy_parser_create(&how);
    require(r.parser != NULL);
    require(fy_parser_set_string(r.parser, source->text.at, source->text.length) == 0);
    root = parse(&r, diag);
    fy_parser_destroy(r.parser);
    fy_diag_destroy(diag);
    return root;
}
