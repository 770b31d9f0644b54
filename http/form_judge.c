/*
 * http/form_judge.c - the fields of a form, held against rule and mitigations.
 *
 * Knows fields by name and value, and not how they were written in the body. Owns nothing;
 * all memory is the arena's.
 *
 * Trust: names and values come from the network, the policy from the configuration.
 */
#include "http/form_judge.h"

#include "http/body_kind.h"
#include "http/deny_watch.h"
#include "http/filter_priv.h"
#include "http/scan.h"
#include "http/value_watch.h"

#define SHOWN_BYTES 64

/* A mitigation that holds as soon as some fields come. */
struct wait {
    const struct mitigation *mitigation;
    unsigned lacking; /* conditions */
};

struct watch {
    struct wait *wait;
    struct value_watch value;
    bool is_met;    /* a field has passed it */
    bool is_active; /* the present field is the one it names */
};

struct form_judge {
    struct filter_input input;
    struct filter_verdict *verdict;
    const struct path_rule *rule; /* NULL: there are only mitigations */
    struct watch *watches;
    unsigned watch_count;
    struct deny_watch *denying; /* NULL: no rule waits for a field */
    bool *missing; /* of the rule's parameters: required, and not there so far */

    /* The present field. */
    const struct parameter_rule *parameter; /* NULL: none of the rule's */
    const struct when *when; /* what chose the rule; NULL: not by this name */
    char shown[SHOWN_BYTES]; /* its name for the log */
    unsigned shown_bytes;
    bool listens;
    bool is_long; /* a window of it is past */
    uint64_t bytes;

    char *window;
    size_t window_bytes, overlap, held;
};

/* A field that says how the others are encoded (HTML's "_charset_"; Jetty obeys it). */
static const struct bytes charsets[] = { { "UTF-8", 5 }, { "utf-8", 5 }, { "utf8", 4 },
    { "ISO-8859-1", 10 }, { "iso-8859-1", 10 }, { "windows-1252", 12 } };
static const struct parameter_rule charset_field = { { "_charset_", 9 }, false,
    { VALUE_ONE_OF, .one_of = { charsets, sizeof charsets / sizeof *charsets } } };

bool
form_is_read(const struct http_head *head, const struct path_rule *rule)
{
    enum body_kind kind;

    if (rule == NULL || rule->form == FORM_CHECKED)
        return false;
    kind = body_kind_of(head);
    return kind == BODY_FORM || kind == BODY_MULTIPART;
}

/* Else only what `when` names is: of the rule itself, and of rules that deny. */
static bool
reads_values(const struct path_rule *rule)
{
    return rule == NULL || rule->form != FORM_CHECKED;
}

/* --- making one --- */

static unsigned
count_parameter_conditions(const struct mitigation *mitigation)
{
    unsigned count = 0;

    for (unsigned i = 0; i < mitigation->condition_count; i++)
        count += mitigation->conditions[i].part == PART_PARAMETER;
    return count;
}

/* What this mitigation waits for, if it waits; false without memory. */
static bool
collect_waits(struct form_judge *judge, const struct mitigation *mitigation)
{
    struct arena *arena = judge->input.arena;
    bool *waits = arena_take(arena, mitigation->condition_count);
    struct wait *wait = arena_take(arena, sizeof *wait);

    if (waits == NULL || wait == NULL)
        return false;
    *wait = (struct wait){ mitigation,
        filter_mitigation_waits(&judge->input, judge->verdict->memo, mitigation,
            waits) };
    for (unsigned i = 0; wait->lacking > 0 && i < mitigation->condition_count; i++)
        if (waits[i])
            judge->watches[judge->watch_count++] = (struct watch){ .wait = wait,
                .value = { .condition = &mitigation->conditions[i] } };
    return !filter_lacks_memory(judge->verdict->memo);
}

static bool
collect_watches(struct form_judge *judge)
{
    const struct filter_policy *policy = judge->input.policy;
    unsigned most = 0;

    for (unsigned i = 0; i < policy->mitigation_count; i++)
        most += count_parameter_conditions(&policy->mitigations[i]);
    if (most == 0)
        return true;
    judge->watches = arena_take(judge->input.arena, most * sizeof *judge->watches);
    if (judge->watches == NULL || filter_memo_of(&judge->input, judge->verdict) == NULL)
        return false;
    for (unsigned i = 0; i < policy->mitigation_count; i++)
        if (count_parameter_conditions(&policy->mitigations[i]) > 0 &&
            !collect_waits(judge, &policy->mitigations[i]))
            return false;
    return true;
}

/* What the query has brought already is not missing. */
static bool
collect_missing(struct form_judge *judge)
{
    const struct path_rule *rule = judge->rule;
    const struct pairs *pairs;

    if (rule == NULL || rule->parameter_count == 0)
        return true;
    judge->missing = arena_take(judge->input.arena, rule->parameter_count);
    if (judge->missing == NULL || filter_memo_of(&judge->input, judge->verdict) == NULL)
        return false;
    pairs = filter_memo_parameters(&judge->input, judge->verdict->memo);
    for (unsigned i = 0; i < rule->parameter_count; i++)
        judge->missing[i] = rule->parameters[i].required &&
            !filter_has_parameter(judge->input.policy, pairs, rule->parameters[i].name);
    return !filter_lacks_memory(judge->verdict->memo);
}

static size_t
longest_of(const struct word_list *list, size_t longest)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->words[i].length > longest)
            longest = list->words[i].length;
    return longest;
}

/* Room for each word and text that is looked for, and to see that a value is longer. */
static bool
make_window(struct form_judge *judge)
{
    size_t longest = longest_of(&charset_field.value.one_of, 1);

    for (unsigned i = 0; judge->rule != NULL && i < judge->rule->parameter_count; i++)
        longest = longest_of(&judge->rule->parameters[i].value.one_of, longest);
    for (unsigned i = 0; judge->rule != NULL && i < judge->rule->when_count; i++)
        longest = longest_of(&judge->rule->when[i].words, longest);
    for (unsigned i = 0; i < judge->watch_count; i++) {
        size_t length = value_watch_longest(judge->watches[i].value.condition);

        if (length > longest)
            longest = length;
    }
    if (deny_watch_longest(judge->denying) > longest)
        longest = deny_watch_longest(judge->denying);
    judge->overlap = longest - 1;
    judge->window_bytes = FORM_WINDOW_BYTES;
    if (2 * longest > judge->window_bytes)
        judge->window_bytes = 2 * longest;
    judge->window = arena_take(judge->input.arena, judge->window_bytes);
    return judge->window != NULL;
}

static bool
asks_anything(const struct form_judge *judge)
{
    const struct path_rule *rule = judge->rule;

    if (judge->watch_count > 0 || judge->denying != NULL)
        return true;
    return rule != NULL &&
        (rule->when_count > 0 ||
            (reads_values(rule) &&
                (rule->parameter_count > 0 || rule->only_parameters)));
}

struct form_judge *
form_judge_new(const struct filter_input *input, struct filter_verdict *verdict,
    struct finding *finding)
{
    const struct path_rule *rule = verdict->rule;
    struct form_judge draft = { .input = *input, .verdict = verdict, .rule = rule };
    struct form_judge *judge = NULL;
    enum fault fault = FAULT_NONE;

    if (rule != NULL)
        draft.denying = deny_watch_new(input, verdict, &fault);
    if (fault == FAULT_NONE && reads_values(rule) &&
        !(collect_watches(&draft) && collect_missing(&draft)))
        fault = FAULT_MEMORY;
    *finding = filter_found_nothing();
    if (fault == FAULT_NONE && !asks_anything(&draft))
        return NULL;
    if (fault == FAULT_NONE)
        judge = arena_take(input->arena, sizeof *judge);
    if (judge != NULL) {
        *judge = draft;
        if (make_window(judge))
            return judge;
    }
    *finding = filter_found(FAULT_MEMORY, "form", 0, BYTES(""));
    return NULL;
}

/* --- findings --- */

static bool
is_word(struct bytes name)
{
    for (size_t i = 0; i < name.length; i++)
        if (!scan_is(name.at[i], SCAN_UNRESERVED) &&
            memchr("[]$: ", name.at[i], 5) == NULL)
            return false;
    return name.length <= SHOWN_BYTES;
}

/* What does not look like a name may be a body that is no form, with secrets in it. */
static void
keep_name(struct form_judge *judge, struct bytes name)
{
    if (!is_word(name))
        name = BYTES("a field whose name is no word");
    memcpy(judge->shown, name.at, name.length);
    judge->shown_bytes = (unsigned)name.length;
}

static struct bytes
name_of(const struct form_judge *judge)
{
    return bytes_of(judge->shown, judge->shown_bytes);
}

/* A body may break a rule a thousand times: reported is that it does. */
static bool
is_reported(const struct filter_verdict *verdict, const char *rule)
{
    for (unsigned i = 0; i < verdict->reported_count; i++)
        if (verdict->reported[i].rule == rule)
            return true;
    return false;
}

static struct finding
enforce(struct form_judge *judge, struct finding finding, int64_t until,
    int64_t model_until)
{
    struct filter_verdict *verdict = judge->verdict;
    unsigned before = verdict->reported_count;
    bool is_known = is_reported(verdict, finding.rule);

    finding = filter_enforce(&judge->input, verdict, finding, until, model_until);
    if (verdict->reported_count > before) {
        verdict->reported[before].part = BYTES(""); /* the name is gone by then */
        verdict->reported_count -= is_known;
    }
    return finding;
}

static struct finding
refuse(struct form_judge *judge, struct bytes name)
{
    const struct filter_policy *policy = judge->input.policy;

    return enforce(judge,
        filter_found(FAULT_FILTER_PARAMETER, judge->rule->id, 19, name),
        judge->rule->report_only_until,
        policy->model_reports_only ? policy->report_only_until : 0);
}

/* What is closed for the query's parameters is closed for the field with this value. */
static struct finding
judge_denying(struct form_judge *judge, struct bytes value)
{
    const struct filter_policy *policy = judge->input.policy;
    int64_t until = policy->model_reports_only ? policy->report_only_until : 0;
    struct finding found = filter_found_nothing();
    const struct path_rule *rule;

    while (found.fault == FAULT_NONE &&
        (rule = deny_watch_value(judge->denying, value)) != NULL)
        found = enforce(judge,
            filter_found(FAULT_FILTER_PATH_DENIED, rule->id, 8, name_of(judge)),
            rule->report_only_until, until);
    return found;
}

static struct finding
meet(struct form_judge *judge, struct watch *watch)
{
    const struct mitigation *mitigation = watch->wait->mitigation;

    watch->is_met = true;
    watch->is_active = false;
    if (--watch->wait->lacking > 0)
        return filter_found_nothing();
    return enforce(judge,
        filter_found(FAULT_FILTER_MITIGATION, mitigation->id, 19, name_of(judge)),
        mitigation->report_only_until, 0);
}

/* --- a field --- */

/* Which of the watches are for this field; those for which its name is enough. */
static struct finding
watch_name(struct form_judge *judge, struct bytes name)
{
    struct finding found = filter_found_nothing();

    for (unsigned i = 0; i < judge->watch_count && found.fault == FAULT_NONE; i++) {
        struct watch *watch = &judge->watches[i];
        const struct condition *condition = watch->value.condition;

        watch->value = (struct value_watch){ .condition = condition };
        watch->is_active = !watch->is_met && pairs_name_is(condition->name, name, true);
        judge->listens = judge->listens || watch->is_active;
        if (watch->is_active && condition->test == TEST_PRESENT)
            found = meet(judge, watch);
    }
    return found;
}

/*
 * The rule was chosen by the query. A field of the same name may not say otherwise, since
 * to many a server the form's value is the one that counts (PHP: request_order).
 */
static const struct when *
find_when(const struct filter_policy *policy, const struct path_rule *rule,
    struct bytes name)
{
    for (unsigned i = 0; i < rule->when_count; i++)
        if (pairs_name_is(rule->when[i].name, name, policy->ignores_case))
            return &rule->when[i];
    return NULL;
}

static struct finding
judge_name(struct form_judge *judge, struct bytes name)
{
    const struct filter_policy *policy = judge->input.policy;
    const struct path_rule *rule = judge->rule;

    if (rule == NULL)
        return filter_found_nothing();
    judge->when = find_when(policy, rule, name);
    judge->listens = judge->listens || judge->when != NULL;
    if (!reads_values(rule))
        return filter_found_nothing();
    for (unsigned i = 0; i < rule->parameter_count; i++)
        if (pairs_name_is(rule->parameters[i].name, name, policy->ignores_case))
            judge->missing[i] = false;
    judge->parameter = filter_find_parameter(policy, rule, name);
    if (judge->parameter == NULL && bytes_equal(name, charset_field.name))
        judge->parameter = &charset_field;
    if (judge->parameter != NULL)
        judge->listens = judge->listens || judge->parameter->value.kind != VALUE_ANY;
    else if (rule->only_parameters && rule->form == FORM_READ)
        return refuse(judge, name_of(judge));
    return filter_found_nothing();
}

struct finding
form_judge_name(struct form_judge *judge, struct bytes name)
{
    struct finding found;

    judge->parameter = NULL;
    judge->when = NULL;
    judge->is_long = false;
    judge->bytes = judge->held = 0;
    keep_name(judge, name);
    judge->listens = deny_watch_name(judge->denying, name);
    found = watch_name(judge, name);
    return found.fault != FAULT_NONE ? found : judge_name(judge, name);
}

bool
form_judge_listens(const struct form_judge *judge)
{
    return judge->listens;
}

static struct finding
watch_window(struct form_judge *judge, struct bytes window, size_t fresh, bool is_last)
{
    struct finding found = filter_found_nothing();

    for (unsigned i = 0; i < judge->watch_count && found.fault == FAULT_NONE; i++) {
        struct watch *watch = &judge->watches[i];

        if (!watch->is_active)
            continue;
        value_watch_take(&watch->value, window, fresh);
        if (value_watch_is_certain(&watch->value) ||
            (is_last && value_watch_passes(&watch->value, window)))
            found = meet(judge, watch);
    }
    return found;
}

/* The rule's part of it: a word is at the front, a shape goes through all of it. */
static bool
window_holds(struct form_judge *judge, struct bytes window, size_t fresh, bool is_last)
{
    const bool ignores_case = judge->input.policy->ignores_case;
    const struct value_rule *value;

    if (judge->when != NULL && !judge->is_long &&
        !filter_when_value_holds(judge->when, window, ignores_case))
        return false;
    if (judge->parameter == NULL)
        return true;
    value = &judge->parameter->value;
    switch (value->kind) {
    case VALUE_ANY:
        return true;
    case VALUE_ONE_OF:
        return judge->is_long || words_match(&value->one_of, window, ignores_case);
    case VALUE_SHAPE:
        return judge->bytes <= value->shape.maximum &&
            (!is_last || judge->bytes >= value->shape.minimum) &&
            shape_has(&value->shape,
                bytes_of(window.at + window.length - fresh, fresh));
    }
    return false;
}

/* The window is full, or the value is over. */
static struct finding
judge_window(struct form_judge *judge, bool is_last)
{
    struct bytes window = bytes_of(judge->window, judge->held);
    size_t fresh = judge->is_long ? judge->held - judge->overlap : judge->held;
    struct finding found;

    judge->bytes += fresh;
    found = watch_window(judge, window, fresh, is_last);
    if (found.fault == FAULT_NONE && !judge->is_long)
        found = judge_denying(judge, window);
    if (found.fault == FAULT_NONE && !window_holds(judge, window, fresh, is_last))
        found = refuse(judge, name_of(judge));
    if (!is_last) {
        memmove(judge->window, judge->window + judge->held - judge->overlap,
            judge->overlap);
        judge->held = judge->overlap;
        judge->is_long = true;
    }
    return found;
}

struct finding
form_judge_value(struct form_judge *judge, struct bytes text)
{
    struct finding found = filter_found_nothing();

    while (judge->listens && found.fault == FAULT_NONE && text.length > 0) {
        size_t room = judge->window_bytes - judge->held;
        size_t taken = text.length < room ? text.length : room;

        memcpy(judge->window + judge->held, text.at, taken);
        judge->held += taken;
        text = bytes_of(text.at + taken, text.length - taken);
        if (taken == 0)
            found = judge_window(judge, false);
    }
    return found;
}

/* A value that was held whole is judged as one of the query is. */
static struct finding
judge_whole(struct form_judge *judge)
{
    const bool ignores_case = judge->input.policy->ignores_case;
    struct bytes value = bytes_of(judge->window, judge->held);
    struct finding found = filter_found_nothing();

    for (unsigned i = 0; i < judge->watch_count && found.fault == FAULT_NONE; i++) {
        struct watch *watch = &judge->watches[i];

        if (watch->is_active && filter_value_passes(watch->value.condition, value))
            found = meet(judge, watch);
    }
    if (found.fault == FAULT_NONE)
        found = judge_denying(judge, value);
    if (found.fault == FAULT_NONE &&
        ((judge->when != NULL &&
             !filter_when_value_holds(judge->when, value, ignores_case)) ||
            (judge->parameter != NULL &&
                !value_holds(&judge->parameter->value, value, ignores_case))))
        found = refuse(judge, name_of(judge));
    return found;
}

struct finding
form_judge_end_field(struct form_judge *judge)
{
    if (!judge->listens)
        return filter_found_nothing();
    judge->listens = false;
    return judge->is_long ? judge_window(judge, true) : judge_whole(judge);
}

struct finding
form_judge_end(struct form_judge *judge)
{
    const struct path_rule *rule = judge->rule;
    struct finding found = filter_found_nothing();

    for (unsigned i = 0; judge->missing != NULL && i < rule->parameter_count &&
         found.fault == FAULT_NONE;
         i++)
        if (judge->missing[i]) {
            judge->missing[i] = false; /* a report is enough */
            found = refuse(judge, rule->parameters[i].name);
        }
    return found;
}
