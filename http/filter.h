/*
 * http/filter.h - may this request pass? The positive model, the knobs, the mitigations.
 *
 * Pure functions of policy and message: no I/O, no clock of their own, no memory but
 * the caller's arena. The data path, `postern explain` and the tests call the same ones.
 */
#ifndef HTTP_FILTER_H
#define HTTP_FILTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/note.h"
#include "http/filter_policy.h"
#include "http/head.h"
#include "http/url.h"

struct filter_input {
    const struct filter_policy *policy;
    const struct http_head *head;
    const struct url *url;
    const struct sockaddr *source;
    int64_t now; /* seconds since 1970, for report-only dates */
    struct arena *arena;
};

/* One refusal, carried out or only reported. */
struct finding {
    enum fault fault;
    const char *rule;   /* id of the rule or mitigation, or the knob's name */
    unsigned substatus; /* IIS: 404.`substatus`, 413.1, 431 (0: none) */
    struct bytes part;  /* what was wrong, a view into the input or the arena */
};

struct filter_memo;

#define FILTER_REPORTS_MAX 8

struct filter_verdict {
    struct finding refused;                      /* fault FAULT_NONE: it may pass */
    struct finding reported[FILTER_REPORTS_MAX]; /* of report-only rules: passed */
    unsigned reported_count;
    const struct path_rule *rule; /* the allow rule for it; NULL without a model */
    bool report_expired;          /* a report-only date has passed: it blocks now */
    struct filter_memo *memo; /* what one check worked out for the next; in the arena */
};

/*
 * Judges a request's head: the checks in the order of filter_checks, up to the first
 * that refuses. FAULT_MEMORY in `refused` when the arena is used up.
 */
void filter_judge(const struct filter_input *input, struct filter_verdict *verdict);

/*
 * The checks by name, in their order, for `postern explain`: runs one of them alone.
 * `verdict` must be zero before the first and is the same for all checks of one request;
 * they add reports and the rule to it, and leave `refused` to the caller.
 * `limit`, when the check has one, is written for people ("8192 bytes").
 */
struct filter_check {
    const char *name;
    struct finding (*run)(const struct filter_input *input,
        struct filter_verdict *verdict, struct note *limit);
};
extern const struct filter_check filter_checks[];
extern const unsigned filter_check_count;

/*
 * Is a field name the one that `word`, which may end in '*', means; one of the list?
 * Ignores ASCII case and takes every byte that is no letter or digit for '-', as CGI and
 * its heirs do with what they hand to a webmail.
 */
bool filter_name_is(struct bytes word, struct bytes name);
bool filter_names(const struct word_list *list, struct bytes name);

/* A glob as struct path_rule describes it. */
bool filter_path_matches(struct bytes glob, struct bytes path, bool ignores_case);

#endif
