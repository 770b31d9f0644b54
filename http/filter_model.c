/*
 * http/filter_model.c - does the application have such a request? The positive model.
 *
 * The first deny rule for path, source and `when` refuses; else the first allow rule for
 * them decides, by itself and whole: kind of file, method, media type, size, fields,
 * parameters, grammar. Nothing that matches no rule passes.
 *
 * Trust: head and URL come from the network; the source is what accept() told.
 */
#include "http/filter_priv.h"

#include <netinet/in.h>

#include "http/body_kind.h"
#include "http/form_judge.h"
#include "http/grammar.h"

/* One request under the rules. */
struct model {
    const struct filter_input *input;
    struct filter_memo *memo;
    /*
     * How servers may read the path: decoded; that as make_bare says; and both decoded
     * further. Where that changes nothing, there are fewer.
     */
    struct bytes readings[4];
    unsigned reading_count;
    struct bytes further;
    uint8_t source[16];
    bool has_source;
};

static bool
read_source(const struct sockaddr *source, uint8_t bytes[16])
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    if (source != NULL && source->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)source)->sin6_addr, 16);
        return true;
    }
    if (source != NULL && source->sa_family == AF_INET) {
        memcpy(bytes, mapped, sizeof mapped);
        memcpy(bytes + 12, &((const struct sockaddr_in *)source)->sin_addr, 4);
        return true;
    }
    return false;
}

static bool
network_holds(const struct network *network, const uint8_t source[16])
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (memcmp(network->bytes, source, whole) != 0)
        return false;
    return rest == 0 || ((network->bytes[whole] ^ source[whole]) >> (8 - rest)) == 0;
}

static bool
is_for_source(const struct model *model, const struct path_rule *rule)
{
    bool is_listed = false;

    if (rule->from_count == 0)
        return true;
    for (unsigned i = 0; model->has_source && !is_listed && i < rule->from_count; i++)
        is_listed = network_holds(&rule->from[i], model->source);
    return is_listed != rule->from_is_exception;
}

/* Do eight bytes of a glob without an asterisk differ, even ignoring case, from the path's? */
static inline bool
begins_apart(const char *glob, const char *path)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t a, b, stars;

    memcpy(&a, glob, sizeof a);
    memcpy(&b, path, sizeof b);
    stars = a ^ ones * '*';
    return ((a ^ b) & ~(ones * 0x20)) != 0 &&
        ((stars - ones) & ~stars & ones << 7) == 0;
}

/*
 * Could the glob match? All of a policy are tried for every request, and most begin or
 * end with another letter than the path.
 */
static inline bool
may_match(struct bytes glob, struct bytes path)
{
    char last;

    if (glob.length < 2 || path.length == 0)
        return true;
    if (glob.at[1] != '*' && (path.length < 2 || !byte_may_be(glob.at[1], path.at[1])))
        return false;
    last = glob.at[glob.length - 1];
    if (last != '*' && !byte_may_be(last, path.at[path.length - 1]))
        return false;
    return glob.length < 8 || path.length < 8 || !begins_apart(glob.at, path.at);
}

/* The first glob of the rule that the path fits; NULL when it fits none. */
static const struct bytes *
find_glob(const struct model *model, const struct path_rule *rule, struct bytes path)
{
    const bool ignores_case = model->input->policy->ignores_case;

    for (unsigned i = 0; i < rule->paths.count; i++) {
        struct bytes glob = rule->paths.words[i];

        if (may_match(glob, path) && filter_path_matches(glob, path, ignores_case))
            return &rule->paths.words[i];
    }
    return NULL;
}

static bool
is_for_path(const struct model *model, const struct path_rule *rule, struct bytes path)
{
    return find_glob(model, rule, path) != NULL;
}

/* Windows drops dots and blanks at the end of a name, and a ':' begins a stream of it. */
static struct bytes
windows_name(struct bytes segment)
{
    struct bytes name = bytes_cut(&segment, ':');

    while (name.length > 0 &&
        (name.at[name.length - 1] == '.' || name.at[name.length - 1] == ' '))
        name.length--;
    return name;
}

/* Is there anything that make_bare takes away? */
static bool
is_bare(struct bytes path, bool is_for_windows)
{
    if (memchr(path.at, ';', path.length) != NULL ||
        memmem(path.at, path.length, "//", 2) != NULL)
        return false;
    for (size_t i = 1; is_for_windows && i < path.length; i++)
        if (path.at[i] == ':' ||
            ((path.at[i] == '.' || path.at[i] == ' ') &&
                (i + 1 == path.length || path.at[i + 1] == '/')))
            return false;
    return true;
}

/*
 * The path as the server may look it up: without ";parameters", one slash for many, and
 * for Windows each segment as it names a file. { NULL, 0 } when the arena is used up.
 */
static struct bytes
make_bare(struct bytes path, bool is_for_windows, struct arena *arena)
{
    struct bytes rest = path;
    size_t length = 0;
    char *bare;

    if (path.at == NULL) /* no memory before */
        return path;
    if (is_bare(path, is_for_windows))
        return path;
    bare = arena_take(arena, path.length + 1);
    while (bare != NULL && rest.at != NULL) {
        struct bytes segment = bytes_cut(&rest, '/');
        struct bytes name = bytes_cut(&segment, ';');

        if (is_for_windows)
            name = windows_name(name);
        memcpy(bare + length, name.at, name.length);
        length += name.length;
        if (rest.at != NULL && (length == 0 || bare[length - 1] != '/'))
            bare[length++] = '/';
    }
    return bytes_of(bare, length);
}

static struct finding
enforce(const struct model *model, struct filter_verdict *verdict,
    struct finding finding, int64_t until)
{
    const struct filter_policy *policy = model->input->policy;

    return filter_enforce(model->input, verdict, finding, until,
        policy->model_reports_only ? policy->report_only_until : 0);
}

static void
add_reading(struct model *model, struct bytes path)
{
    struct bytes bare =
        make_bare(path, model->input->policy->ignores_case, model->input->arena);

    if (bare.at == NULL)
        filter_remember_trouble(model->memo, FAULT_MEMORY, "paths");
    model->readings[model->reading_count++] = path;
    if (bare.at != path.at)
        model->readings[model->reading_count++] = bare;
}

static bool
is_closed(const struct model *model, const struct path_rule *rule)
{
    for (unsigned i = 0; i < model->reading_count; i++)
        if (is_for_path(model, rule, model->readings[i]))
            return true;
    return false;
}

static bool
denies_parameters(const struct model *model, const struct path_rule *rule)
{
    return rule->when_count == 0 ||
        filter_when_denies(rule->when, rule->when_count,
            filter_memo_parameters(model->input, model->memo),
            model->input->policy->ignores_case);
}

/* A form in the body may bring what the query has not: http/deny_watch.h. */
static void
remember_denying(const struct model *model, const struct path_rule *rule)
{
    const struct filter_input *input = model->input;
    struct filter_memo *memo = model->memo;
    enum body_kind kind = body_kind_of(input->head);

    if (kind != BODY_FORM && kind != BODY_MULTIPART)
        return;
    if (memo->denying == NULL)
        memo->denying = arena_take(input->arena,
            input->policy->rule_count * sizeof(const struct path_rule *));
    if (memo->denying == NULL)
        filter_remember_trouble(memo, FAULT_MEMORY, "paths");
    else
        memo->denying[memo->denying_count++] = rule;
}

static struct finding
check_denied(const struct model *model, struct filter_verdict *verdict)
{
    const struct filter_policy *policy = model->input->policy;
    struct bytes path = model->input->url->decoded;

    for (unsigned i = 0; i < policy->rule_count; i++) {
        const struct path_rule *rule = &policy->rules[i];
        struct finding finding;

        if (rule->action != RULE_DENY || !is_for_source(model, rule) ||
            !is_closed(model, rule))
            continue;
        if (!denies_parameters(model, rule)) {
            remember_denying(model, rule);
            continue;
        }
        finding = enforce(model, verdict,
            filter_found(FAULT_FILTER_PATH_DENIED, rule->id, 8, path),
            rule->report_only_until);
        if (finding.fault != FAULT_NONE)
            return finding;
    }
    return filter_found_nothing();
}

static enum filter_fit
fits_parameters(const struct model *model, const struct path_rule *rule,
    struct bytes *unclear)
{
    if (rule->when_count == 0)
        return FILTER_FITS;
    return filter_when_fits(rule, filter_memo_parameters(model->input, model->memo),
        model->input->policy->ignores_case, unclear);
}

/* The rule for a request, NULL when there is none. A finding when it is unclear which. */
static const struct path_rule *
find_allowed(const struct model *model, struct filter_verdict *verdict,
    struct finding *finding)
{
    const struct filter_policy *policy = model->input->policy;

    for (unsigned i = 0; i < policy->rule_count; i++) {
        const struct path_rule *rule = &policy->rules[i];
        struct bytes part;

        if (rule->action != RULE_ALLOW ||
            !is_for_path(model, rule, model->input->url->decoded) ||
            !is_for_source(model, rule))
            continue;
        switch (fits_parameters(model, rule, &part)) {
        case FILTER_FITS:
            if (model->further.at != model->input->url->decoded.at &&
                !is_for_path(model, rule, model->further))
                return NULL;
            return rule;
        case FILTER_FITS_NOT:
            break;
        case FILTER_FITS_UNCLEARLY:
            *finding = enforce(model, verdict,
                filter_found(FAULT_FILTER_PARAMETER, rule->id, 19, part),
                rule->report_only_until);
            if (finding->fault != FAULT_NONE)
                return NULL;
            break;
        }
    }
    return NULL;
}

/* An encoded slash is none of a file's name, and to some servers it is a slash. */
static struct finding
check_files(const struct model *model, const struct path_rule *rule)
{
    const struct url *url = model->input->url;
    struct bytes wrong = filter_raw_path(model->input);

    if (rule->files.count == 0 ||
        ((url->oddities & URL_HAS_ENCODED_SLASH) == 0 &&
            filter_names_file(rule, &model->input->policy->pages,
                *find_glob(model, rule, url->decoded), url->decoded, &wrong)))
        return filter_found_nothing();
    return filter_found(FAULT_FILTER_EXTENSION, rule->id, 7, wrong);
}

static struct finding
check_method(const struct model *model, const struct path_rule *rule)
{
    const struct http_head *head = model->input->head;

    if (rule->methods.count > 0
            ? words_hold(&rule->methods, head->method)
            : head->method_id == HTTP_METHOD_GET || head->method_id == HTTP_METHOD_HEAD)
        return filter_found_nothing();
    return filter_found(FAULT_FILTER_METHOD, rule->id, 6, head->method);
}

/* A rule's word for a body that comes without a type, as an upload by curl does; a type
 * of that name is none. RFC 9110, 8.3. */
static bool
has_allowed_type(const struct path_rule *rule, struct bytes type)
{
    const struct bytes absent = BYTES("absent");

    if (type.length == 0)
        return words_hold(&rule->types, absent);
    return memchr(type.at, '/', type.length) != NULL &&
        words_match(&rule->types, type, true);
}

static struct finding
check_body(const struct model *model, const struct path_rule *rule)
{
    const struct http_head *head = model->input->head;
    const struct http_field *field = http_head_field(head, FIELD_CONTENT_TYPE);
    struct bytes rest = field == NULL ? BYTES("") : field->value;
    struct bytes type = bytes_trim(bytes_cut(&rest, ';'));

    if (head->framing.kind == HTTP_NO_BODY ||
        (head->framing.kind == HTTP_LENGTH && head->framing.length == 0))
        return filter_found_nothing();
    if (!has_allowed_type(rule, type))
        return filter_found(FAULT_FILTER_TYPE, rule->id, 0, type);
    if (head->framing.kind == HTTP_LENGTH && head->framing.length > rule->body_bytes)
        return filter_found(FAULT_HTTP_BODY_LARGE, rule->id, 1, BYTES(""));
    return filter_found_nothing();
}

static struct finding
check_required_headers(const struct model *model, const struct path_rule *rule)
{
    const struct http_head *head = model->input->head;

    for (unsigned i = 0; i < rule->required_headers.count; i++) {
        struct bytes name = rule->required_headers.words[i];
        unsigned at = 0;

        while (at < head->field_count && !word_is(name, head->fields[at].name))
            at++;
        if (at == head->field_count)
            return filter_found(FAULT_FILTER_GRAMMAR, rule->id, 19, name);
    }
    return filter_found_nothing();
}

const struct parameter_rule *
filter_find_parameter(const struct filter_policy *policy, const struct path_rule *rule,
    struct bytes name)
{
    for (unsigned i = 0; i < rule->parameter_count; i++)
        if (pairs_name_is(rule->parameters[i].name, name, policy->ignores_case))
            return &rule->parameters[i];
    return NULL;
}

bool
filter_has_parameter(const struct filter_policy *policy, const struct pairs *pairs,
    struct bytes word)
{
    for (unsigned i = 0; i < pairs->count; i++)
        if (pairs_name_is(word, pairs->at[i].name, policy->ignores_case))
            return true;
    return false;
}

static struct finding
check_parameters(const struct model *model, const struct path_rule *rule)
{
    const struct filter_policy *policy = model->input->policy;
    const struct pairs *pairs;

    if (rule->parameter_count == 0 && !rule->only_parameters)
        return filter_found_nothing();
    pairs = filter_memo_parameters(model->input, model->memo);
    for (unsigned i = 0; i < pairs->count; i++) {
        const struct parameter_rule *parameter =
            filter_find_parameter(policy, rule, pairs->at[i].name);

        if (parameter == NULL ? rule->only_parameters
                              : !value_holds(&parameter->value, pairs->at[i].value,
                                    policy->ignores_case))
            return filter_found(FAULT_FILTER_PARAMETER, rule->id, 19,
                pairs->at[i].name);
    }
    if (form_is_read(model->input->head, rule)) /* what is missing may be in the body */
        return filter_found_nothing();
    for (unsigned i = 0; i < rule->parameter_count; i++)
        if (rule->parameters[i].required &&
            !filter_has_parameter(policy, pairs, rule->parameters[i].name))
            return filter_found(FAULT_FILTER_PARAMETER, rule->id, 19,
                rule->parameters[i].name);
    return filter_found_nothing();
}

static struct finding
check_grammar(const struct model *model, const struct path_rule *rule)
{
    struct grammar_input input = {
        .head = model->input->head,
        .path = model->input->url->decoded,
        .query = model->input->url->query,
    };
    struct bytes part = BYTES("");

    if (rule->grammar == GRAMMAR_NONE)
        return filter_found_nothing();
    input.parameters = filter_memo_parameters(model->input, model->memo);
    if (grammar_holds(rule->grammar, &input, &part))
        return filter_found_nothing();
    return filter_found(FAULT_FILTER_GRAMMAR, rule->id, 19, part);
}

static struct finding
check_rule(const struct model *model, const struct path_rule *rule)
{
    static struct finding (*const parts[])(const struct model *model,
        const struct path_rule *rule) = { check_files, check_method, check_body,
        check_required_headers, check_parameters, check_grammar };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct finding finding = parts[i](model, rule);

        if (finding.fault != FAULT_NONE)
            return finding;
    }
    return filter_found_nothing();
}

static struct finding
check_allowed(const struct model *model, struct filter_verdict *verdict)
{
    struct finding finding = filter_found_nothing();
    const struct path_rule *rule = find_allowed(model, verdict, &finding);

    verdict->rule = rule;
    if (finding.fault != FAULT_NONE)
        return finding;
    if (rule == NULL)
        return enforce(model, verdict,
            filter_found(FAULT_FILTER_PATH, "paths", 0, model->input->url->decoded), 0);
    finding = check_rule(model, rule);
    if (finding.fault == FAULT_NONE)
        return finding;
    return enforce(model, verdict, finding, rule->report_only_until);
}

FILTER_CHECK(model)
{
    struct model model = { .input = input };
    struct finding finding;

    note_set(limit, "%u rules", input->policy->rule_count);
    if (!input->policy->has_model)
        return filter_found_nothing();
    model.memo = filter_memo_of(input, verdict);
    if (model.memo == NULL)
        return filter_found(FAULT_MEMORY, "paths", 0, BYTES(""));
    model.further = filter_memo_text(input, model.memo, FILTER_TEXT_FURTHER)->text;
    add_reading(&model, input->url->decoded);
    if (filter_reads_further(input))
        add_reading(&model, model.further);
    if (filter_lacks_memory(model.memo))
        return model.memo->trouble;
    model.has_source = read_source(input->source, model.source);

    finding = check_denied(&model, verdict);
    if (finding.fault == FAULT_NONE)
        finding = check_allowed(&model, verdict);
    if (finding.fault == FAULT_NONE)
        finding = model.memo->trouble;
    if (finding.fault == FAULT_NONE && verdict->rule != NULL)
        note_set(limit, "%s, one of %u rules", verdict->rule->id,
            input->policy->rule_count);
    return finding;
}
