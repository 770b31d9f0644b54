/*
 * cli/explain_print.c - the way of a tried request, as text and as JSON, and the
 * meaning of a reason.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "config/json_text.h"
#include "config/printable.h"
#include "config/report.h"

static const char *
method_of(const struct trial_request *request)
{
    return request->method != NULL ? request->method : "GET";
}

static const char *
from_of(const struct trial_request *request)
{
    return request->from != NULL ? request->from : "192.0.2.1";
}

static const char *
outcome_of(const struct trial *trial)
{
    if (trial->fault != FAULT_NONE)
        return "refused";
    return trial->redirect != 0 ? "redirected"
        : trial->is_own_page    ? "answered"
                                : "forwarded";
}

/* The whole head, which lies in a queue, as one string; the caller frees it. */
static char *
head_text(struct trial *trial)
{
    char *text = require_zeroed(1, trial->head.length + 1);

    chunk_queue_peek(&trial->head, 0, text, trial->head.length);
    return text;
}

static void
print_head(struct trial *trial, FILE *to)
{
    char *text = head_text(trial), *rest = text;

    fputs("\nThe upstream would get\n", to);
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        line[strcspn(line, "\r")] = '\0';
        if (line[0] != '\0')
            printable_line(to, "  %s", line);
    }
    free(text);
}

void
explain_print(const struct trial_request *request, struct trial *trial, FILE *to)
{
    printable_line(to, "%s %s   from %s", method_of(request), request->url,
        from_of(request));
    for (unsigned i = 0; i < trial->count; i++) {
        const struct trial_step *step = &trial->steps[i];
        bool refused = step->fault != FAULT_NONE;

        printable_line(to, "%c %-10s %s   %s%s%s", refused ? '>' : ' ', step->name,
            refused ? "STOP" : "pass", refused ? fault_reason(step->fault) : "",
            refused && step->detail[0] != '\0' ? ": " : "", step->detail);
    }
    if (trial->fault != FAULT_NONE && fault_status(trial->fault) != 0)
        printable_line(to, "  %-10s %u, %s", "answer", fault_status(trial->fault),
            fault_text(trial->fault));
    else if (trial->fault != FAULT_NONE)
        printable_line(to, "  %-10s none: %s", "answer", fault_text(trial->fault));
    else if (trial->redirect != 0)
        printable_line(to, "  %-10s %u, to %s", "answer", trial->redirect,
            trial->redirect_to);
    else if (trial->is_own_page)
        printable_line(to, "  %-10s by postern itself", "answer");
    else
        printable_line(to, "  %-10s %s", "upstream", trial->upstream);
    if (!chunk_queue_is_empty(&trial->head))
        print_head(trial, to);
}

static void
json_member(const char *name, const char *value, FILE *to)
{
    fprintf(to, ",\"%s\":", name);
    if (value == NULL)
        fputs("null", to);
    else
        json_text(value, to);
}

void
explain_print_json(const struct trial_request *request, struct trial *trial, FILE *to)
{
    char *head = head_text(trial);

    fputs("{\"method\":", to);
    json_text(method_of(request), to);
    json_member("url", request->url, to);
    json_member("from", from_of(request), to);
    json_member("outcome", outcome_of(trial), to);
    json_member("reason",
        trial->fault == FAULT_NONE ? NULL : fault_reason(trial->fault), to);
    fprintf(to, ",\"status\":%u",
        trial->redirect != 0 ? trial->redirect : fault_status(trial->fault));
    json_member("location", trial->redirect_to, to);
    json_member("listener", trial->listener, to);
    json_member("host", trial->host, to);
    json_member("route", trial->route, to);
    json_member("rule", trial->rule, to);
    json_member("upstream", trial->upstream, to);
    fputs(",\"steps\":[", to);
    for (unsigned i = 0; i < trial->count; i++) {
        const struct trial_step *step = &trial->steps[i];

        fprintf(to, "%s{\"gate\":", i > 0 ? "," : "");
        json_text(step->name, to);
        json_member("reason",
            step->fault == FAULT_NONE ? NULL : fault_reason(step->fault), to);
        json_member("detail", step->detail, to);
        fputc('}', to);
    }
    fputc(']', to);
    json_member("head", head[0] != '\0' ? head : NULL, to);
    fputs("}\n", to);
    free(head);
}

static bool
explain_code(const char *word, FILE *to)
{
    for (int i = 0; i < CODE_COUNT; i++) {
        enum code code = (enum code)i;

        if (strcasecmp(word, code_name(code)) != 0)
            continue;
        fprintf(to, "%s, of postern check\n  %s\n  %s\n", code_name(code),
            code_meaning(code), code_remedy(code));
        return true;
    }
    return false;
}

static bool
explain_reason(const char *word, FILE *to)
{
    for (int i = 1; i < FAULT_COUNT; i++) {
        enum fault fault = (enum fault)i;

        if (strcmp(word, fault_reason(fault)) != 0)
            continue;
        fprintf(to, "%s, a reason in the log\n  %s\n", word, fault_text(fault));
        fprintf(to, "  whose doing: %s\n", fault_who_name(fault_who(fault)));
        if (fault_status(fault) != 0)
            fprintf(to, "  the client gets: %u\n", fault_status(fault));
        else
            fputs("  the client gets no answer: the connection ends\n", to);
        return true;
    }
    return false;
}

bool
explain_word(const char *word, FILE *to)
{
    return explain_code(word, to) || explain_reason(word, to);
}
