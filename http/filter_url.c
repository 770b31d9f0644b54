/*
 * http/filter_url.c - what a URL may look like, whatever it names: spelling, length,
 * forbidden sequences, extensions.
 *
 * The knobs of URLScan and IIS request filtering; sub-status numbers are those of IIS.
 * Stateless but for the memo. Sequences are looked for as received and decoded, in the
 * path also decoded further: what is only in one of these texts is refused, too.
 *
 * Trust: everything but the policy comes from the network.
 */
#include "http/filter_priv.h"

/* The order decides which of several oddities is told: that of url_judge. */
static const struct {
    enum url_oddity oddity;
    enum fault fault;
    unsigned substatus;
    const char *name;
} oddities[] = {
    { URL_HAS_BAD_ESCAPE, FAULT_URL_ESCAPE, 11, "bad-escape" },
    { URL_HAS_UNICODE_ESCAPE, FAULT_URL_UNICODE_ESCAPE, 11, "unicode-escape" },
    { URL_HAS_UNESCAPED, FAULT_HTTP_TARGET, 0, "unescaped" },
    { URL_HAS_DOUBLE_ENCODING, FAULT_URL_DOUBLE_ENCODED, 11, "double-encoding" },
    { URL_HAS_NUL, FAULT_URL_CONTROL, 0, "nul" },
    { URL_HAS_LINE_END, FAULT_URL_CONTROL, 0, "line-end" },
    { URL_HAS_CONTROL, FAULT_URL_CONTROL, 0, "control" },
    { URL_HAS_TAB, FAULT_URL_CONTROL, 0, "tab" },
    { URL_HAS_BACKSLASH, FAULT_URL_BACKSLASH, 5, "backslash" },
    { URL_HAS_ENCODED_SLASH, FAULT_URL_ENCODED_SLASH, 11, "encoded-slash" },
    { URL_HAS_BAD_UTF8, FAULT_URL_UTF8, 12, "bad-utf8" },
    { URL_CLIMBS, FAULT_URL_CLIMBS, 5, "climbs" },
    { URL_HAS_DISGUISED_DOTS, FAULT_URL_CLIMBS, 5, "disguised-dots" },
    { URL_HAS_BEST_FIT, FAULT_URL_CLIMBS, 5, "best-fit" },
    { URL_HAS_DOT_SEGMENTS, FAULT_FILTER_ODDITY, 5, "dot-segments" },
    { URL_HAS_HIGH_BIT, FAULT_FILTER_ODDITY, 12, "high-bit" },
    { URL_HAS_PARAMETERS, FAULT_FILTER_ODDITY, 0, "parameters" },
    { URL_HAS_EMPTY_SEGMENTS, FAULT_FILTER_ODDITY, 0, "empty-segments" },
};

static struct finding
find_oddity(uint32_t found, struct bytes part)
{
    for (size_t i = 0; found != 0 && i < sizeof oddities / sizeof *oddities; i++)
        if ((found & oddities[i].oddity) != 0)
            return filter_found(oddities[i].fault, oddities[i].name,
                oddities[i].substatus, part);
    return filter_found_nothing();
}

FILTER_CHECK(url)
{
    const struct filter_policy *policy = input->policy;
    struct finding finding;

    (void)verdict;
    note_set(limit, "%d spellings are refused in the path, %d in the query",
        __builtin_popcount(policy->url_oddities),
        __builtin_popcount(policy->query_oddities));
    finding = find_oddity(input->url->oddities & policy->url_oddities,
        filter_raw_path(input));
    if (finding.fault != FAULT_NONE)
        return finding;
    return find_oddity(input->url->query_oddities & policy->query_oddities,
        filter_raw_query(input));
}

static struct finding
check_length(struct bytes text, uint32_t bytes, struct finding finding,
    struct note *limit)
{
    filter_tell_bound(limit, bytes, "bytes");
    finding.part = text;
    return bytes != 0 && text.length > bytes ? finding : filter_found_nothing();
}

FILTER_CHECK(url_length)
{
    (void)verdict;
    return check_length(filter_raw_path(input), input->policy->url_bytes,
        filter_found(FAULT_FILTER_URL_LONG, "limits.url", 14, BYTES("")), limit);
}

FILTER_CHECK(query_length)
{
    (void)verdict;
    return check_length(filter_raw_query(input), input->policy->query_bytes,
        filter_found(FAULT_FILTER_QUERY_LONG, "limits.query", 15, BYTES("")), limit);
}

/* The first of the words that stands in the text; NULL when none does. */
static const struct bytes *
find_sequence(const struct word_list *words, struct searched *text)
{
    for (unsigned i = 0; i < words->count; i++)
        if (searched_holds(text, words->words[i]))
            return &words->words[i];
    return NULL;
}

static const struct bytes *
find_raw_sequence(const struct word_list *words, struct bytes raw,
    const struct searched *decoded)
{
    if (bytes_equal(raw, decoded->text))
        return NULL;
    return find_sequence(words, &(struct searched){ .text = raw });
}

static struct finding
check_sequences(const struct filter_input *input, struct filter_verdict *verdict,
    const struct word_list *words, enum filter_text which, struct finding finding)
{
    struct filter_memo *memo;
    struct searched *decoded;
    const struct bytes *word;

    if (words->count == 0)
        return filter_found_nothing();
    memo = filter_memo_of(input, verdict);
    if (memo == NULL)
        return filter_found(FAULT_MEMORY, finding.rule, 0, BYTES(""));
    decoded = filter_memo_text(input, memo, which);
    word = find_sequence(words, decoded);
    if (word == NULL)
        word = find_raw_sequence(words,
            which == FILTER_TEXT_PATH ? filter_raw_path(input)
                                      : filter_raw_query(input),
            decoded);
    if (word == NULL && which == FILTER_TEXT_PATH)
        word = find_sequence(words, filter_memo_text(input, memo, FILTER_TEXT_FURTHER));
    if (word == NULL || filter_lacks_memory(memo))
        return memo->trouble;
    finding.part = *word;
    return finding;
}

FILTER_CHECK(path_sequences)
{
    const struct word_list *words = &input->policy->denied_in_path;

    note_set(limit, "%u sequences", words->count);
    return check_sequences(input, verdict, words, FILTER_TEXT_PATH,
        filter_found(FAULT_FILTER_SEQUENCE, "deny_in_path", 5, BYTES("")));
}

FILTER_CHECK(query_sequences)
{
    const struct word_list *words = &input->policy->denied_in_query;

    note_set(limit, "%u sequences", words->count);
    if (input->url->query.length == 0)
        return filter_found_nothing();
    return check_sequences(input, verdict, words, FILTER_TEXT_QUERY,
        filter_found(FAULT_FILTER_SEQUENCE, "deny_in_query", 18, BYTES("")));
}

/*
 * The last segment as a server looks it up: Windows drops dots and spaces at its end
 * and takes ':' for the start of a stream, Java and old IIS end it at ';'.
 */
static struct bytes
last_segment(struct bytes path)
{
    const char *slash = memrchr(path.at, '/', path.length);
    struct bytes rest = path, name;

    if (slash != NULL)
        rest = bytes_of(slash + 1, path.length - (size_t)(slash + 1 - path.at));
    name = bytes_cut(&rest, ';');
    name = bytes_cut(&name, ':');
    while (name.length > 0 &&
        (name.at[name.length - 1] == '.' || name.at[name.length - 1] == ' '))
        name.length--;
    return name;
}

/* From the last dot on; "." when there is none. */
static struct bytes
extension_of(struct bytes name)
{
    const char *dot = name.length == 0 ? NULL : memrchr(name.at, '.', name.length);

    if (dot == NULL)
        return BYTES(".");
    return bytes_of(dot, name.length - (size_t)(dot - name.at));
}

/* Which part is the extension could be read in two ways: the first dot is not its own. */
static bool
is_ambiguous(struct bytes path, struct bytes extension)
{
    const char *dot = memchr(path.at, '.', path.length);

    return dot != NULL && dot != extension.at;
}

static struct finding
check_extension(const struct filter_policy *policy, struct bytes path)
{
    struct bytes extension = extension_of(last_segment(path));
    const char *rule = NULL;

    if (words_hold_nocase(&policy->extensions_denied, extension))
        rule = "extensions.deny";
    else if (policy->extensions_allowed.count > 0 &&
        !words_hold_nocase(&policy->extensions_allowed, extension))
        rule = "extensions.allow";
    else if (policy->refuses_ambiguous_extension && is_ambiguous(path, extension))
        rule = "extensions.refuse_ambiguous";
    if (rule == NULL)
        return filter_found_nothing();
    return filter_found(FAULT_FILTER_EXTENSION, rule, 7, path);
}

FILTER_CHECK(extensions)
{
    const struct filter_policy *policy = input->policy;
    struct filter_memo *memo;
    struct bytes further;
    struct finding finding;

    note_set(limit, "%u allowed, %u denied", policy->extensions_allowed.count,
        policy->extensions_denied.count);
    finding = check_extension(policy, input->url->decoded);
    if (finding.fault != FAULT_NONE || !filter_reads_further(input))
        return finding;
    memo = filter_memo_of(input, verdict);
    if (memo == NULL)
        return filter_found(FAULT_MEMORY, "extensions", 0, BYTES(""));
    further = filter_memo_text(input, memo, FILTER_TEXT_FURTHER)->text;
    return filter_lacks_memory(memo) ? memo->trouble : check_extension(policy, further);
}
