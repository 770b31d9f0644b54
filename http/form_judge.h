/*
 * http/form_judge.h - the fields of a form, held against the application's rule and the
 * mitigations while the body streams past.
 *
 * For this folder. What the query's parameters are for the head, the fields of a form are
 * for the body, where the rule says `form: read` or `form: loose`, because the application
 * takes parameters from both. Without a model nothing is known of the application, and
 * forms are read loosely for the sake of the mitigations. Whatever a rule says of forms, a
 * field may not overrule the `when` that chose it, nor bring what a rule that denies waits
 * for.
 *
 * A value is judged when it is over, or window by window when it is longer than one
 * (at least FORM_WINDOW_BYTES): its shape is counted on, words and texts are looked for
 * in windows that overlap. Nothing of it is held back: a server does nothing with a form
 * before it is complete, and the bytes that end a field, a part or the body are not sent on
 * before it has been judged.
 *
 * Names are compared as the most lenient server reads them (pairs_name_is), whatever
 * the application is written in: PHP finds "_task" under " _task", ".task" and "_task[]", too.
 * To a stricter server those are other fields, which it does not look for.
 */
#ifndef HTTP_FORM_JUDGE_H
#define HTTP_FORM_JUDGE_H

#include <stdbool.h>

#include "http/filter.h"

#define FORM_WINDOW_BYTES 1024u

struct form_judge;

/* True when this rule reads the body of the request as a form. */
bool form_is_read(const struct http_head *head, const struct path_rule *rule);

/*
 * NULL when there is nothing to ask of the fields, or FAULT_MEMORY in `finding`. The
 * arena of `input` owns it; policy, head and `verdict`, which has judged the head and gets
 * further reports, must outlive it.
 */
struct form_judge *form_judge_new(const struct filter_input *input,
    struct filter_verdict *verdict, struct finding *finding);

/*
 * A field begins, goes on, is over; the body is over. In this order; a finding with a fault
 * is the last. In its part stands a name, never a value.
 */
struct finding form_judge_name(struct form_judge *judge, struct bytes name);
struct finding form_judge_value(struct form_judge *judge, struct bytes text);
struct finding form_judge_end_field(struct form_judge *judge);
struct finding form_judge_end(struct form_judge *judge);

/* False while nobody asks for the value of the present field. */
bool form_judge_listens(const struct form_judge *judge);

#endif
