/*
 * config/diagnostic_print.c - messages as text for people and as JSON for machines.
 *
 * The first line of each message is what gcc prints, so editors jump to the place.
 */
#include "config/diagnostic.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/json_text.h"
#include "config/printable.h"

static const char *const severity_names[] = { "note", "warning", "error" };
static const char *const severity_colours[] = { "\033[1;36m", "\033[1;35m",
    "\033[1;31m" };

/*
 * What stands below the excerpt: blanks, then the caret and its tail. Tabs stay tabs, so that
 * the caret stands under its character whatever the terminal's tab stops; columns are those of
 * what is shown, which may be an escape. The caller frees it; `caret` is where it stands.
 */
static char *
underlining(const struct diagnostic *row, size_t *caret)
{
    size_t left = strlen(row->excerpt), begin = row->column - row->excerpt_column;
    char *below = require_zeroed(1, (left + 1) * PRINTABLE_BYTES), *end = below;
    char shown[PRINTABLE_BYTES];
    bool is_found = false;

    for (size_t at = 0; at < left && at < begin + row->length;) {
        unsigned columns;

        at += printable_one(row->excerpt + at, left - at, shown, &columns);
        if (!is_found && at > begin) {
            is_found = true;
            *caret = (size_t)(end - below);
        }
        memset(end, is_found ? '~' : shown[0] == '\t' ? '\t' : ' ', columns);
        end += columns;
    }
    if (!is_found)
        *caret = (size_t)(end - below);
    below[*caret] = '^';
    return below;
}

static void
print_excerpt(const struct diagnostic *row, const char *shade, const char *plain,
    FILE *to)
{
    const char *dots = row->excerpt_column > 1 ? "..." : "";
    char *shown = printable(row->excerpt);
    size_t caret = 0;
    char *below = underlining(row, &caret);

    fprintf(to, "%5u | %s%s%s\n", row->line, dots, shown, row->is_cut ? "..." : "");
    fprintf(to, "      | %*s%.*s%s%s%s\n", (int)strlen(dots), "", (int)caret, below,
        shade, below + caret, plain);
    free(shown);
    free(below);
}

static void
print_row(const struct diagnostic *row, FILE *to, bool colour)
{
    const char *strong = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
    const char *shade = colour ? severity_colours[row->severity] : "";
    char *file = printable(row->file == NULL ? "postern" : row->file);

    fprintf(to, "%s%s", strong, file);
    if (row->line > 0)
        fprintf(to, ":%u:%u", row->line, row->column);
    fprintf(to, ": %s%s:%s%s %s%s [%s]\n", shade, severity_names[row->severity], plain,
        strong, row->text, plain, row->code);
    if (row->excerpt != NULL && row->column > 0)
        print_excerpt(row, shade, plain, to);
    if (row->hint != NULL)
        fprintf(to, "      = hint: %s\n", row->hint);
    free(file);
}

bool
diagnostics_may_colour(FILE *to)
{
    const char *no = getenv("NO_COLOR");

    return isatty(fileno(to)) == 1 && (no == NULL || no[0] == '\0');
}

void
diagnostics_print_verdict(const struct diagnostics *d, FILE *to)
{
    char *file = printable(d->file == NULL ? "postern" : d->file);

    if (d->errors > 0)
        fprintf(to, "%s: not usable: %u error%s, %u warning%s\n", file, d->errors,
            d->errors == 1 ? "" : "s", d->warnings, d->warnings == 1 ? "" : "s");
    else
        fprintf(to, "%s: ok, %u warning%s\n", file, d->warnings,
            d->warnings == 1 ? "" : "s");
    free(file);
}

void
diagnostics_print(const struct diagnostics *d, FILE *to, bool colour)
{
    for (unsigned i = 0; i < d->count; i++)
        print_row(&d->rows[i], to, colour);
    if (d->errors > 0)
        putc('\n', to);
    diagnostics_print_verdict(d, to);
}

static void
print_member(const char *name, const char *text, FILE *to)
{
    fprintf(to, ",\"%s\":", name);
    if (text == NULL)
        fputs("null", to);
    else
        json_text(text, to);
}

void
diagnostics_print_json(const struct diagnostics *d, FILE *to)
{
    fputs("{\"file\":", to);
    json_text(d->file == NULL ? "" : d->file, to);
    fprintf(to, ",\"usable\":%s,\"errors\":%u,\"warnings\":%u,\"diagnostics\":[",
        d->errors == 0 ? "true" : "false", d->errors, d->warnings);
    for (unsigned i = 0; i < d->count; i++) {
        const struct diagnostic *row = &d->rows[i];

        fprintf(to,
            "%s\n{\"severity\":\"%s\",\"code\":\"%s\",\"line\":%u,\"column\":%u,"
            "\"length\":%u",
            i == 0 ? "" : ",", severity_names[row->severity], row->code, row->line,
            row->column, row->length);
        print_member("file", row->file, to);
        print_member("text", row->text, to);
        print_member("hint", row->hint, to);
        print_member("excerpt", row->excerpt, to);
        if (row->excerpt_column > 1)
            fprintf(to, ",\"excerpt_column\":%u", row->excerpt_column);
        putc('}', to);
    }
    fputs("]}\n", to);
}
