/*
 * cli/show_application.c - `postern show-application`: a preset, to read and to copy.
 *
 * Prints what a published host gets that names it: with all that it extends, and with
 * the id and the source of each rule.
 */
#include "cli/show_application.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/data_folder.h"
#include "config/preset.h"
#include "config/suggest.h"
#include "config/tree_print.h"

static const char usage[] =
    "usage: postern show-application [NAME] [--from FOLDER]\n"
    "\n"
    "Prints the preset NAME as YAML, with all that it extends; without NAME lists the\n"
    "presets. To change one, write under a published host what shall differ:\n"
    "application: {extends: NAME, ...}\n"
    "  --from FOLDER   the presets of FOLDER, not those that came with postern\n";

struct request {
    const char *name, *folder;
};

/* -1: go on; else the exit status. */
static int
parse(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {
        { "from", required_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool wrong = false;
    int option;

    while ((option = getopt_long(argc, argv, "f:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option == 'f')
            r->folder = optarg;
        wrong |= option == '?';
    }
    if (optind < argc)
        r->name = argv[optind++];
    if (wrong || optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    return -1;
}

static const struct node *
find(struct presets *presets, const char *name)
{
    const struct node place = { .kind = NODE_TEXT, .text = name };
    const struct preset *preset = presets_find(presets, name, &place);

    return preset == NULL ? NULL : preset->resolved;
}

static const char *
text_of(const struct node *preset, enum setting_id id)
{
    const char *text = tree_text(preset, id);

    return text == NULL ? "" : text;
}

static void
list(struct presets *presets)
{
    const char *const *names;
    unsigned count = presets_list(presets, &names);

    for (unsigned i = 0; i < count; i++) {
        const struct node *preset = find(presets, names[i]);

        printf("%-26s %-9s %s\n", names[i],
            text_of(preset, SETTING_APPLICATION_VERSION),
            text_of(preset, SETTING_APPLICATION_TITLE));
    }
}

static bool
is_there(const struct presets *presets, const char *name)
{
    const char *const *names;
    unsigned count = presets_list(presets, &names);
    struct suggestion s;

    suggest_begin(&s, name);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
        suggest_consider(&s, names[i]);
    }
    fprintf(stderr, "postern: there is no application '%s' in %s", name,
        presets->folder);
    if (suggest_is_near(&s))
        fprintf(stderr, "; did you mean '%s'?", s.best);
    putc('\n', stderr);
    return false;
}

static int
show(struct presets *presets, const char *name)
{
    const struct node *preset;

    if (name == NULL)
        list(presets);
    else if (!is_there(presets, name))
        return 1;
    preset = name == NULL ? NULL : find(presets, name);
    if (presets->d->errors > 0) {
        report_finish(presets->d);
        diagnostics_print(presets->d, stderr, diagnostics_may_colour(stderr));
        return 1;
    }
    if (preset != NULL)
        tree_print(preset, SETTING_APPLICATION_EXTENDS, stdout);
    return 0;
}

int
cli_show_application(int argc, char **argv)
{
    struct request r = { NULL, NULL };
    struct diagnostics diagnostics;
    struct presets presets;
    struct stash stash;
    int status = parse(argc, argv, &r);

    if (status >= 0)
        return status;
    diagnostics_init(&diagnostics);
    stash_init(&stash);
    presets = (struct presets){ .stash = &stash, .d = &diagnostics };
    presets.list = require_zeroed(1, sizeof(*presets.list));
    presets.folder = r.folder != NULL
        ? r.folder
        : stash_print(&stash, "%s/applications", data_folder(&stash));
    diagnostics.file = require_copy(presets.folder);
    status = show(&presets, r.name);
    free(presets.list);
    stash_fini(&stash);
    diagnostics_fini(&diagnostics);
    return status;
}
