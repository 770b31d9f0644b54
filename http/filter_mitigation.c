/*
 * http/filter_mitigation.c - is this request one of the published attacks?
 *
 * A mitigation holds when all its conditions do. Everything is compared without regard
 * to ASCII case, whatever the application does: here only refusals can come of it.
 * A cookie is tested as sent and decoded, since webmails differ in which they read.
 *
 * Trust: head and URL come from the network.
 */
#include "http/filter_priv.h"

#include "http/glob.h"

struct question {
    const struct filter_input *input;
    struct filter_memo *memo;
    const struct condition *condition;
};

static bool
text_passes(const struct condition *condition, struct searched *text)
{
    switch (condition->test) {
    case TEST_PRESENT:
        return text->text.length > 0;
    case TEST_CONTAINS:
        return searched_holds(text, condition->text);
    case TEST_CONTAINS_ALL:
        for (unsigned i = 0; i < condition->words.count; i++)
            if (!searched_holds(text, condition->words.words[i]))
                return false;
        return true;
    case TEST_GLOB:
        return glob_matches(condition->text, text->text);
    case TEST_NOT_SHAPE:
        return !shape_holds(&condition->shape, text->text);
    }
    return false;
}

/* For short values, which are not worth a set of their byte pairs. */
bool
filter_value_passes(const struct condition *condition, struct bytes value)
{
    switch (condition->test) {
    case TEST_PRESENT:
        return true;
    case TEST_CONTAINS:
        return bytes_contains_nocase(value, condition->text);
    case TEST_CONTAINS_ALL:
        for (unsigned i = 0; i < condition->words.count; i++)
            if (!bytes_contains_nocase(value, condition->words.words[i]))
                return false;
        return true;
    case TEST_GLOB:
        return glob_matches(condition->text, value);
    case TEST_NOT_SHAPE:
        return !shape_holds(&condition->shape, value);
    }
    return false;
}

static bool
header_passes(const struct question *question)
{
    const struct http_head *head = question->input->head;
    const struct word_list names = { &question->condition->name, 1 };

    for (unsigned i = 0; i < head->field_count; i++)
        if (filter_names(&names, head->fields[i].name) &&
            filter_value_passes(question->condition, head->fields[i].value))
            return true;
    return false;
}

/*
 * PHP reads the names of cookies as those of parameters (php-src main/php_variables.c,
 * php_register_variable_ex); before CVE-2020-7070 was mended it decoded them, too.
 */
static bool
is_cookie_named(const struct question *question, struct bytes name)
{
    const struct bytes word = question->condition->name;

    if (word_matches(word, name, true) || pairs_name_is(word, name, true))
        return true;
    name = pairs_decode(name, PAIRS_PLUS_IS_SPACE, question->input->arena);
    if (name.at == NULL)
        filter_remember_trouble(question->memo, FAULT_MEMORY, "cookies");
    return name.at != NULL && pairs_name_is(word, name, true);
}

static bool
cookie_passes(const struct question *question)
{
    const struct pairs *cookies = filter_memo_cookies(question->input, question->memo);

    for (unsigned i = 0; i < cookies->count; i++) {
        struct bytes value = cookies->at[i].value;

        if (!is_cookie_named(question, cookies->at[i].name))
            continue;
        if (filter_value_passes(question->condition, value))
            return true;
        value = pairs_decode(value, PAIRS_KEEP_PLUS, question->input->arena);
        if (value.at == NULL)
            filter_remember_trouble(question->memo, FAULT_MEMORY, "cookies");
        else if (filter_value_passes(question->condition, value))
            return true;
    }
    return false;
}

static bool
parameter_passes(const struct question *question)
{
    const struct pairs *parameters =
        filter_memo_parameters(question->input, question->memo);

    for (unsigned i = 0; i < parameters->count; i++)
        if (pairs_name_is(question->condition->name, parameters->at[i].name, true) &&
            filter_value_passes(question->condition, parameters->at[i].value))
            return true;
    return false;
}

static bool
url_passes(const struct question *question, enum filter_text which)
{
    return text_passes(question->condition,
        filter_memo_text(question->input, question->memo, which));
}

static bool
condition_holds(const struct question *question)
{
    switch (question->condition->part) {
    case PART_PATH:
        return url_passes(question, FILTER_TEXT_PATH) ||
            (question->condition->test != TEST_NOT_SHAPE &&
                url_passes(question, FILTER_TEXT_FURTHER));
    case PART_QUERY:
        return url_passes(question, FILTER_TEXT_QUERY);
    case PART_URL:
        return url_passes(question, FILTER_TEXT_URL);
    case PART_HEADER:
        return header_passes(question);
    case PART_COOKIE:
        return cookie_passes(question);
    case PART_PARAMETER:
        return parameter_passes(question);
    case PART_METHOD:
        return filter_value_passes(question->condition, question->input->head->method);
    }
    return false;
}

static bool
mitigation_holds(const struct mitigation *mitigation, const struct filter_input *input,
    struct filter_memo *memo)
{
    struct question question = { .input = input, .memo = memo };

    for (unsigned i = 0; i < mitigation->condition_count; i++) {
        question.condition = &mitigation->conditions[i];
        if (!condition_holds(&question))
            return false;
    }
    return mitigation->condition_count > 0;
}

unsigned
filter_mitigation_waits(const struct filter_input *input, struct filter_memo *memo,
    const struct mitigation *mitigation, bool *waits)
{
    struct question question = { .input = input, .memo = memo };
    unsigned count = 0;

    for (unsigned i = 0; i < mitigation->condition_count; i++) {
        question.condition = &mitigation->conditions[i];
        waits[i] = !condition_holds(&question);
        if (waits[i] && question.condition->part != PART_PARAMETER)
            return 0;
        count += waits[i];
    }
    return count;
}

FILTER_CHECK(mitigations)
{
    const struct filter_policy *policy = input->policy;
    struct filter_memo *memo;

    note_set(limit, "%u mitigations", policy->mitigation_count);
    if (policy->mitigation_count == 0)
        return filter_found_nothing();
    memo = filter_memo_of(input, verdict);
    if (memo == NULL)
        return filter_found(FAULT_MEMORY, "mitigations", 0, BYTES(""));
    for (unsigned i = 0; i < policy->mitigation_count; i++) {
        const struct mitigation *mitigation = &policy->mitigations[i];
        struct finding finding;

        if (!mitigation_holds(mitigation, input, memo))
            continue;
        finding = filter_found(FAULT_FILTER_MITIGATION, mitigation->id, 19,
            input->head->target);
        finding =
            filter_enforce(input, verdict, finding, mitigation->report_only_until, 0);
        if (finding.fault != FAULT_NONE)
            return finding;
    }
    return memo->trouble;
}
