/*
 * config/report.h - how the loader and the checks say what is wrong.
 */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include "base/bytes.h"
#include "base/require.h"
#include "config/diagnostic.h"
#include "config/source.h"

#define CODE(symbol, code, severity, meaning, remedy) CODE_##symbol,
enum code {
#include "config/code.def"
    CODE_COUNT
};
#undef CODE

/* The columns of code.def, for the manual. */
const char *code_name(enum code code);
enum severity code_severity(enum code code);
const char *code_meaning(enum code code);
const char *code_remedy(enum code code);

/* Rows beyond this many are counted, not kept. */
#define REPORT_ROWS_MAX 300

/* Adds a message about the place `mark`. `hint` may be NULL; it is copied. */
void report(struct diagnostics *d, enum code code, struct mark mark, const char *hint,
    const char *format, ...) PRINTF_LIKE(5, 6);

/* Adds "note: text" about a second place; it stays behind the message before it. */
void report_second_place(struct diagnostics *d, struct mark mark, const char *text);

/* The secret from `mark` to the end of `last_line` appears in no excerpt; ******** does. */
void report_mask(struct diagnostics *d, struct mark mark, unsigned last_line);

/* Masks and sorts. Once, when everything is said; before, nothing may be printed. */
void report_finish(struct diagnostics *d);

#endif
