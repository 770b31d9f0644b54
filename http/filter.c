/*
 * http/filter.c - may this request pass? The order of the checks, and what they share.
 *
 * What each check looks at is in filter_url.c, filter_head.c, filter_mitigation.c and
 * filter_model.c; none of them knows the others.
 *
 * Trust: head and URL come from the network, the policy from the configuration.
 * All memory is the caller's arena.
 */
#include "http/filter_priv.h"

const struct filter_check filter_checks[] = {
    { "url", filter_check_url },
    { "url-length", filter_check_url_length },
    { "query-length", filter_check_query_length },
    { "header-bytes", filter_check_header_bytes },
    { "header-count", filter_check_header_count },
    { "header-limits", filter_check_header_limits },
    { "methods", filter_check_methods },
    { "denied-headers", filter_check_denied_headers },
    { "path-sequences", filter_check_path_sequences },
    { "query-sequences", filter_check_query_sequences },
    { "extensions", filter_check_extensions },
    { "mitigations", filter_check_mitigations },
    { "model", filter_check_model },
};
const unsigned filter_check_count = sizeof filter_checks / sizeof *filter_checks;

void
filter_judge(const struct filter_input *input, struct filter_verdict *verdict)
{
    *verdict = (struct filter_verdict){ .rule = NULL };
    for (unsigned i = 0; i < filter_check_count; i++) {
        verdict->refused = filter_checks[i].run(input, verdict, NULL);
        if (verdict->refused.fault != FAULT_NONE)
            return;
    }
}

struct finding
filter_enforce(const struct filter_input *input, struct filter_verdict *verdict,
    struct finding finding, int64_t until, int64_t model_until)
{
    if (filter_lacks_memory(verdict->memo))
        return verdict->memo->trouble;
    if (input->now >= until && input->now >= model_until) {
        verdict->report_expired |= until != 0 || model_until != 0;
        return finding;
    }
    if (verdict->reported_count < FILTER_REPORTS_MAX)
        verdict->reported[verdict->reported_count++] = finding;
    return filter_found_nothing();
}

void
filter_tell_bound(struct note *limit, uint32_t bound, const char *unit)
{
    if (bound == 0)
        note_set(limit, "none");
    else
        note_set(limit, "%u %s", bound, unit);
}

struct bytes
filter_raw_path(const struct filter_input *input)
{
    struct bytes rest = input->head->target;

    return bytes_cut(&rest, '?');
}

struct bytes
filter_raw_query(const struct filter_input *input)
{
    struct bytes rest = input->head->target;

    (void)bytes_cut(&rest, '?');
    return rest;
}

struct filter_memo *
filter_memo_of(const struct filter_input *input, struct filter_verdict *verdict)
{
    if (verdict->memo == NULL) {
        verdict->memo = arena_take(input->arena, sizeof *verdict->memo);
        if (verdict->memo != NULL)
            *verdict->memo = (struct filter_memo){ .has_cookies = false };
    }
    return verdict->memo;
}

void
filter_remember_trouble(struct filter_memo *memo, enum fault fault, const char *what)
{
    if (fault == FAULT_MEMORY)
        memo->trouble = filter_found(fault, "memory", 0, bytes_of_string(what));
    else if (fault != FAULT_NONE && memo->trouble.fault == FAULT_NONE)
        memo->trouble = filter_found(fault, what, 19, bytes_of_string(what));
}

/* path?query with what is still escaped after one decoding decoded again. */
static struct bytes
decode_url_again(const struct filter_input *input, struct bytes query)
{
    const struct bytes path = input->url->decoded;
    char *whole;

    if (query.length == 0)
        return pairs_decode(path, PAIRS_KEEP_PLUS, input->arena);
    whole = arena_take(input->arena, path.length + 1 + query.length);
    if (whole == NULL)
        return bytes_of(NULL, 0);
    memcpy(whole, path.at, path.length);
    whole[path.length] = '?';
    memcpy(whole + path.length + 1, query.at, query.length);
    return pairs_decode(bytes_of(whole, path.length + 1 + query.length),
        PAIRS_KEEP_PLUS, input->arena);
}

struct searched *
filter_memo_text(const struct filter_input *input, struct filter_memo *memo,
    enum filter_text which)
{
    struct bytes text = { NULL, 0 };

    if (memo->has_text[which])
        return &memo->texts[which];
    switch (which) {
    case FILTER_TEXT_PATH:
        text = input->url->decoded;
        break;
    case FILTER_TEXT_FURTHER:
        text = input->policy->ignores_case
            ? url_fold_best_fit(input->url->further, input->arena)
            : input->url->further;
        break;
    case FILTER_TEXT_QUERY:
        text = pairs_decode(input->url->query, PAIRS_PLUS_IS_SPACE, input->arena);
        break;
    case FILTER_TEXT_URL:
        text = decode_url_again(input,
            filter_memo_text(input, memo, FILTER_TEXT_QUERY)->text);
        break;
    case FILTER_TEXT_COUNT:
        break;
    }
    if (text.at == NULL)
        filter_remember_trouble(memo, FAULT_MEMORY, "url");
    memo->texts[which].text = text;
    memo->has_text[which] = true;
    return &memo->texts[which];
}

const struct pairs *
filter_memo_parameters(const struct filter_input *input, struct filter_memo *memo)
{
    if (!memo->has_parameters)
        filter_remember_trouble(memo,
            pairs_of_query(input->url->query, input->arena, &memo->parameters),
            "parameters");
    memo->has_parameters = true;
    return &memo->parameters;
}

const struct pairs *
filter_memo_cookies(const struct filter_input *input, struct filter_memo *memo)
{
    if (!memo->has_cookies)
        filter_remember_trouble(memo,
            pairs_of_cookies(input->head, input->arena, &memo->cookies), "cookies");
    memo->has_cookies = true;
    return &memo->cookies;
}
