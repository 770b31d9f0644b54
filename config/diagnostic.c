/*
 * config/diagnostic.c - collects messages, with the line that each is about.
 *
 * The excerpt is copied when a message comes, so that messages outlive the files.
 * It never shows a secret: what looks like one is masked before anybody prints it.
 */
#include "config/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct code_row {
    const char *name;
    enum severity severity;
    const char *meaning, *remedy;
} codes[CODE_COUNT] = {
#define CODE(symbol, code, severity, meaning, remedy)                                  \
    { code, SEVERITY_##severity, meaning, remedy },
#include "config/code.def"
#undef CODE
};

const char *
code_name(enum code code)
{
    return codes[code].name;
}

enum severity
code_severity(enum code code)
{
    return codes[code].severity;
}

const char *
code_meaning(enum code code)
{
    return codes[code].meaning;
}

const char *
code_remedy(enum code code)
{
    return codes[code].remedy;
}

void
diagnostics_init(struct diagnostics *d)
{
    *d = (struct diagnostics){ 0 };
}

void
diagnostics_fini(struct diagnostics *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        free(d->rows[i].file);
        free(d->rows[i].text);
        free(d->rows[i].hint);
        free(d->rows[i].excerpt);
    }
    free(d->rows);
    free(d->file);
    *d = (struct diagnostics){ 0 };
}

void
diagnostics_make_strict(struct diagnostics *d)
{
    for (unsigned i = 0; i < d->count; i++)
        if (d->rows[i].severity == SEVERITY_WARNING)
            d->rows[i].severity = SEVERITY_ERROR;
    d->errors += d->warnings;
    d->warnings = 0;
}

/*
 * Where the value of a setting that may hold a secret begins in `line`; its length if
 * there is none.
 */
static size_t
secret_start(const char *line)
{
    static const char *const words[] = { "password", "passphrase", "secret", "token",
        "key" };
    static const char *const places[] = { "file:", "env:", "credential:", "/",
        "\"file:", "\"/", "\"credential:", "'file:", "'/", "'credential:" };

    for (const char *colon = strstr(line, ": "); colon != NULL;
         colon = strstr(colon + 1, ": ")) {
        const char *value = colon + 1 + strspn(colon + 1, " ");
        bool named = false, placed = *value == '\0' || *value == '#';

        for (size_t i = 0; i < COUNT_OF(words); i++) {
            size_t length = strlen(words[i]);
            const char *end = colon;

            while (end > line && strchr("\"' ", end[-1]) != NULL)
                end--;
            named |= (size_t)(end - line) >= length &&
                strncasecmp(end - length, words[i], length) == 0;
        }
        for (size_t i = 0; i < COUNT_OF(places); i++)
            placed |= strncmp(value, places[i], strlen(places[i])) == 0;
        if (named && !placed)
            return (size_t)(value - line);
    }
    return strlen(line);
}

/* A file with a flaw is quoted too: nothing that a terminal obeys may reach it. */
static void
make_printable(char *text, size_t length)
{
    size_t step;

    for (size_t i = 0; i < length; i += step) {
        unsigned char c = (unsigned char)text[i];

        step = utf8_length(text + i, length - i);
        if (step == 0 || (c < 0x20 && c != '\t') || c == 0x7f)
            text[i] = '?';
        else if (step == 2 && c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
            text[i] = text[i + 1] = '?'; /* U+0080 to U+009F */
        step += step == 0;
    }
}

/* The line as it may be shown; NULL when there is none. Long lines are cut. */
static char *
excerpt_of(struct mark mark)
{
    char *text, *masked;
    struct bytes line;
    size_t start;

    if (mark.source == NULL || mark.line == 0)
        return NULL;
    line = source_line(mark.source, mark.line);
    text = require_zeroed(1, line.length + 1);
    if (line.length > 0)
        memcpy(text, line.at, line.length);
    make_printable(text, line.length);
    start = secret_start(text);
    if (start == line.length)
        return text;
    masked = require_zeroed(1, start + sizeof("********"));
    memcpy(masked, text, start);
    memcpy(masked + start, "********", sizeof("********"));
    free(text);
    return masked;
}

static struct diagnostic *
add(struct diagnostics *d, enum code code, struct mark mark, const char *hint)
{
    struct diagnostic *row;

    if (d->rows == NULL)
        d->rows = require_zeroed(REPORT_ROWS_MAX + 1, sizeof(*d->rows));
    row = &d->rows[d->count];
    *row = (struct diagnostic){
        .severity = codes[code].severity,
        .code = codes[code].name,
        .file = mark.source == NULL ? (d->file == NULL ? NULL : require_copy(d->file))
                                    : require_copy(mark.source->name),
        .hint = hint == NULL ? NULL : require_copy(hint),
        .excerpt = excerpt_of(mark),
        .line = mark.line,
        .column = mark.column,
        .length = mark.length,
        .file_index = mark.source == NULL ? 0 : mark.source->index,
        .rank_line = mark.line,
        .rank_column = mark.column,
        .sequence = d->count,
    };
    d->count++;
    return row;
}

void
report(struct diagnostics *d, enum code code, struct mark mark, const char *hint,
    const char *format, ...)
{
    va_list arguments;
    struct diagnostic *row;

    d->errors += codes[code].severity == SEVERITY_ERROR;
    d->warnings += codes[code].severity == SEVERITY_WARNING;
    if (d->count >= REPORT_ROWS_MAX)
        return;
    row = add(d, code, mark, hint);
    va_start(arguments, format);
    require(vasprintf(&row->text, format, arguments) >= 0);
    va_end(arguments);
    make_printable(row->text, strlen(row->text));
    if (row->hint != NULL)
        make_printable(row->hint, strlen(row->hint));
}

void
report_second_place(struct diagnostics *d, struct mark mark, const char *text)
{
    const struct diagnostic *leader;
    struct diagnostic *row;

    if (d->count == 0 || d->count >= REPORT_ROWS_MAX)
        return;
    row = add(d, CODE_FIRST_HERE, mark, NULL);
    leader = row - 1;
    row->text = require_copy(text);
    row->file_index = leader->file_index;
    row->rank_line = leader->rank_line;
    row->rank_column = leader->rank_column;
}

void
report_mask(struct diagnostics *d, struct mark mark, unsigned last_line)
{
    if (d->mask_count < DIAGNOSTIC_MASKS_MAX)
        d->masks[d->mask_count] = (struct diagnostic_mask){ mark.source->index,
            mark.line, mark.column, last_line };
    d->mask_count++;
}

/* Cuts what a mask covers out of a row's excerpt. */
static void
apply_mask(struct diagnostic *row, const struct diagnostic_mask *mask)
{
    size_t keep = row->line == mask->line ? mask->column - 1 : 0;
    char *masked;

    if (row->excerpt == NULL || row->file_index != mask->file_index ||
        row->line < mask->line || row->line > mask->last_line)
        return;
    if (keep > strlen(row->excerpt))
        return; /* another mask covers more */
    masked = require_zeroed(1, keep + sizeof("********"));
    memcpy(masked, row->excerpt, keep);
    memcpy(masked + keep, "********", sizeof("********"));
    free(row->excerpt);
    row->excerpt = masked;
    if (row->column == mask->column)
        row->length = sizeof("********") - 1;
}

static int
compare_rows(const void *a, const void *b)
{
    const struct diagnostic *x = a, *y = b;

    if (x->file_index != y->file_index)
        return x->file_index < y->file_index ? -1 : 1;
    if (x->rank_line != y->rank_line)
        return x->rank_line < y->rank_line ? -1 : 1;
    if (x->rank_column != y->rank_column)
        return x->rank_column < y->rank_column ? -1 : 1;
    return x->sequence < y->sequence ? -1 : 1;
}

void
report_finish(struct diagnostics *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        for (unsigned m = 0; m < d->mask_count && m < DIAGNOSTIC_MASKS_MAX; m++)
            apply_mask(&d->rows[i], &d->masks[m]);
        if (d->mask_count > DIAGNOSTIC_MASKS_MAX) {
            /* Too many secrets to tell which line holds one: show none. */
            free(d->rows[i].excerpt);
            d->rows[i].excerpt = NULL;
        }
    }
    if (d->count > 0)
        qsort(d->rows, d->count, sizeof(*d->rows), compare_rows);
    if (d->count == REPORT_ROWS_MAX) {
        struct diagnostic *row = add(d, CODE_MANY, (struct mark){ 0 }, NULL);

        row->text = require_copy("there are more messages than these");
    }
}
