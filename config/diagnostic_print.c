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

static const char *const severity_names[] = { "note", "warning", "error" };
static const char *const severity_colours[] = { "\033[1;36m", "\033[1;35m",
    "\033[1;31m" };

/*
 * Blanks up to a byte column, as wide as the characters before it; tabs stay tabs,
 * so that the caret stands under its character whatever the terminal's tab stops.
 */
static void
print_indent(const char *excerpt, unsigned column, FILE *to)
{
    for (unsigned i = 0; i + 1 < column && excerpt[i] != '\0'; i++)
        if (((unsigned char)excerpt[i] & 0xc0) != 0x80)
            putc(excerpt[i] == '\t' ? '\t' : ' ', to);
}

static void
print_underlining(const struct diagnostic *row, FILE *to)
{
    size_t excerpt = strlen(row->excerpt);

    putc('^', to);
    for (size_t i = row->column; i < row->column + row->length - 1 && i < excerpt; i++)
        if (((unsigned char)row->excerpt[i] & 0xc0) != 0x80)
            putc('~', to);
}

static void
print_row(const struct diagnostic *row, FILE *to, bool colour)
{
    const char *strong = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
    const char *shade = colour ? severity_colours[row->severity] : "";

    fprintf(to, "%s%s", strong, row->file == NULL ? "postern" : row->file);
    if (row->line > 0)
        fprintf(to, ":%u:%u", row->line, row->column);
    fprintf(to, ": %s%s:%s%s %s%s [%s]\n", shade, severity_names[row->severity], plain,
        strong, row->text, plain, row->code);
    if (row->excerpt != NULL && row->column > 0) {
        fprintf(to, "%5u | %s\n      | ", row->line, row->excerpt);
        print_indent(row->excerpt, row->column, to);
        fputs(shade, to);
        print_underlining(row, to);
        fprintf(to, "%s\n", plain);
    }
    if (row->hint != NULL)
        fprintf(to, "      = hint: %s\n", row->hint);
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
    const char *file = d->file == NULL ? "postern" : d->file;

    if (d->errors > 0)
        fprintf(to, "%s: not usable: %u error%s, %u warning%s\n", file, d->errors,
            d->errors == 1 ? "" : "s", d->warnings, d->warnings == 1 ? "" : "s");
    else
        fprintf(to, "%s: ok, %u warning%s\n", file, d->warnings,
            d->warnings == 1 ? "" : "s");
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
        putc('}', to);
    }
    fputs("]}\n", to);
}
