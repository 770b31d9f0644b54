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

#include "config/printable.h"

#define EXCERPT_BYTES_MAX ((size_t)160)
#define MESSAGE_BYTES_MAX ((size_t)1200)
#define MESSAGE_END_BYTES ((size_t)300) /* of one that is cut in its middle */

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

static const char mask_text[] = "********";
static const char private_hint[] =
    "nothing of this file is shown: fewer may read it than the main file";

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

/* The first of `at` and those before it at which a UTF-8 character begins. */
static size_t
character_start(const char *text, size_t at)
{
    for (int i = 0; i < 3 && at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80; i++)
        at--;
    return at;
}

/* As a message may have it: a value of any length may stand in it. The caller frees it. */
static char *
presentable(char *text)
{
    size_t length = strlen(text), start;
    char *shown;

    if (length > MESSAGE_BYTES_MAX) {
        start = character_start(text, length - MESSAGE_END_BYTES);
        length = character_start(text, MESSAGE_BYTES_MAX - MESSAGE_END_BYTES);
        memcpy(text + length, "...", 3);
        memmove(text + length + 3, text + start, strlen(text + start) + 1);
    }
    shown = printable(text);
    free(text);
    return shown;
}

/* What may be shown of the line, around the column of the mark; what is secret is masked. */
static void
set_excerpt(struct diagnostic *row, struct mark mark)
{
    size_t secret, from = 0, to, column = mark.column;
    struct bytes line;
    char *text;

    if (mark.source == NULL || mark.line == 0 || mark.source->is_private)
        return;
    line = source_line(mark.source, mark.line);
    text = require_zeroed(1, line.length + 1);
    if (line.length > 0)
        memcpy(text, line.at, line.length);
    for (size_t i = 0; i < line.length; i++)
        text[i] = text[i] == '\0' ? '?' : text[i];
    secret = secret_start(text);
    if (line.length > EXCERPT_BYTES_MAX && column > EXCERPT_BYTES_MAX / 2)
        from = column - EXCERPT_BYTES_MAX / 2;
    if (from > line.length)
        from = line.length;
    from = character_start(text, from);
    to = line.length - from > EXCERPT_BYTES_MAX
        ? character_start(text, from + EXCERPT_BYTES_MAX)
        : line.length;
    row->excerpt_column = (unsigned)from + 1;
    row->is_cut = to < line.length && secret >= to;
    row->excerpt = require_zeroed(1, to - from + sizeof(mask_text));
    memcpy(row->excerpt, text + from, to - from);
    if (secret < to)
        memcpy(row->excerpt + (secret < from ? 0 : secret - from), mask_text,
            sizeof(mask_text));
    free(text);
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
        .hint = hint == NULL ? NULL : presentable(require_copy(hint)),
        .line = mark.line,
        .column = mark.column,
        .length = mark.length,
        .file_index = mark.source == NULL ? 0 : mark.source->index,
        .rank_line = mark.line,
        .rank_column = mark.column,
        .sequence = d->count,
    };
    set_excerpt(row, mark);
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
    if (mark.source != NULL && mark.source->is_private) {
        row = add(d, code, mark, private_hint);
        row->text = require_copy(code_meaning(code));
        return;
    }
    row = add(d, code, mark, hint);
    va_start(arguments, format);
    require(vasprintf(&row->text, format, arguments) >= 0);
    va_end(arguments);
    row->text = presentable(row->text);
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
    unsigned column = row->line == mask->line ? mask->column : 1;
    size_t keep = column > row->excerpt_column ? column - row->excerpt_column : 0;
    char *masked;

    if (row->excerpt == NULL || row->file_index != mask->file_index ||
        row->line < mask->line || row->line > mask->last_line)
        return;
    if (keep > strlen(row->excerpt))
        return; /* another mask covers more, or the window ends before it */
    masked = require_zeroed(1, keep + sizeof(mask_text));
    memcpy(masked, row->excerpt, keep);
    memcpy(masked + keep, mask_text, sizeof(mask_text));
    free(row->excerpt);
    row->excerpt = masked;
    row->is_cut = false;
    if (row->column == mask->column)
        row->length = sizeof(mask_text) - 1;
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
