/*
 * http/filter_priv.h - what the checks of the filter share.
 */
#ifndef HTTP_FILTER_PRIV_H
#define HTTP_FILTER_PRIV_H

#include "http/filter.h"
#include "http/pairs.h"
#include "http/words.h"

enum filter_text {
    FILTER_TEXT_PATH, /* decoded */
    /* decoded until nothing is escaped and, for servers on Windows, best-fitted */
    FILTER_TEXT_FURTHER,
    FILTER_TEXT_QUERY, /* decoded */
    FILTER_TEXT_URL,   /* path?query, decoded twice */
    FILTER_TEXT_COUNT,
};

/*
 * What is read by several checks and worked out by the first that asks. `trouble` keeps
 * why something could not be; who has asked looks there before it lets anything pass.
 * Want of memory comes before every other trouble, and before what was found in the rest.
 */
struct filter_memo {
    struct searched texts[FILTER_TEXT_COUNT];
    struct pairs parameters, cookies;
    bool has_text[FILTER_TEXT_COUNT], has_parameters, has_cookies;
    /* Rules for the path that deny once a form brings what their `when` names. */
    const struct path_rule **denying;
    unsigned denying_count;
    struct finding trouble;
};

/* NULL when the arena is used up. */
struct filter_memo *
filter_memo_of(const struct filter_input *input, struct filter_verdict *verdict);

void
filter_remember_trouble(struct filter_memo *memo, enum fault fault, const char *what);

/* True when something is missing in the memo (NULL: nothing was asked of it) for that. */
static inline bool
filter_lacks_memory(const struct filter_memo *memo)
{
    return memo != NULL && memo->trouble.fault == FAULT_MEMORY;
}

/* May FILTER_TEXT_FURTHER differ from FILTER_TEXT_PATH? */
static inline bool
filter_reads_further(const struct filter_input *input)
{
    return input->url->further.at != input->url->decoded.at ||
        (input->policy->ignores_case && (input->url->oddities & URL_HAS_HIGH_BIT) != 0);
}

/* Never NULL; not whole when there is trouble. */
struct searched *filter_memo_text(const struct filter_input *input,
    struct filter_memo *memo, enum filter_text which);
const struct pairs *
filter_memo_parameters(const struct filter_input *input, struct filter_memo *memo);
const struct pairs *
filter_memo_cookies(const struct filter_input *input, struct filter_memo *memo);

static inline struct finding
filter_found(enum fault fault, const char *rule, unsigned substatus, struct bytes part)
{
    return (struct finding){ fault, rule, substatus, part };
}

static inline struct finding
filter_found_nothing(void)
{
    return (struct finding){ .fault = FAULT_NONE };
}

/*
 * Gives the finding back to refuse with, or, while one of two report-only dates
 * lasts, writes it to the reports and gives back none. When memory was lacking on the
 * way to it, it may be false: then the refusal is for that.
 */
struct finding
filter_enforce(const struct filter_input *input, struct filter_verdict *verdict,
    struct finding finding, int64_t until, int64_t model_until);

/*
 * Is what the path, which fits the glob, names below the glob's literal beginning a file
 * as the rule's `files` says, in folders that are none but folders? `wrong`: the segment
 * that is not.
 */
bool filter_names_file(const struct path_rule *rule, const struct word_list *pages,
    struct bytes glob, struct bytes path, struct bytes *wrong);

/* One value of a parameter that `when` names. */
bool
filter_when_value_holds(const struct when *when, struct bytes value, bool ignores_case);

/* Do all of a denying rule's `when` hold, as any server may read the parameters? */
bool filter_when_denies(const struct when *when, unsigned count,
    const struct pairs *pairs, bool ignores_case);

/*
 * Is a rule that allows for these parameters? Unclear: it may be, but `unclear`, which
 * it names, comes more than once or in another spelling, and servers differ in what they
 * make of that.
 */
enum filter_fit { FILTER_FITS, FILTER_FITS_NOT, FILTER_FITS_UNCLEARLY };
enum filter_fit filter_when_fits(const struct path_rule *rule,
    const struct pairs *pairs, bool ignores_case, struct bytes *unclear);

/* Does this value of what the condition names pass its test? */
bool filter_value_passes(const struct condition *condition, struct bytes value);

/*
 * For how many parameters a mitigation still waits that holds otherwise, as far as the
 * head tells; 0: it cannot hold, or does already. waits[i]: condition i is one of those.
 */
unsigned filter_mitigation_waits(const struct filter_input *input,
    struct filter_memo *memo, const struct mitigation *mitigation, bool *waits);

/* The rule's first parameter of that name, or NULL. */
const struct parameter_rule *filter_find_parameter(const struct filter_policy *policy,
    const struct path_rule *rule, struct bytes name);

bool filter_has_parameter(const struct filter_policy *policy, const struct pairs *pairs,
    struct bytes word);

/* The path and the query as received, before anything was decoded or resolved. */
struct bytes filter_raw_path(const struct filter_input *input);
struct bytes filter_raw_query(const struct filter_input *input);

/* "8192 bytes"; "none" for 0. */
void filter_tell_bound(struct note *limit, uint32_t bound, const char *unit);

/* The rows of filter_checks, each as struct filter_check says. */
#define FILTER_CHECK(name)                                                             \
    struct finding filter_check_##name(const struct filter_input *input,               \
        struct filter_verdict *verdict, struct note *limit)

FILTER_CHECK(url);
FILTER_CHECK(url_length);
FILTER_CHECK(query_length);
FILTER_CHECK(header_bytes);
FILTER_CHECK(header_count);
FILTER_CHECK(header_limits);
FILTER_CHECK(methods);
FILTER_CHECK(denied_headers);
FILTER_CHECK(path_sequences);
FILTER_CHECK(query_sequences);
FILTER_CHECK(extensions);
FILTER_CHECK(mitigations);
FILTER_CHECK(model);

#endif
