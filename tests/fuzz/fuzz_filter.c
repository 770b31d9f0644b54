/*
 * tests/fuzz/fuzz_filter.c - any policy over any request: what must hold of each verdict.
 *
 * The input is lines: one of bytes that choose, one glob, three words, the target, then
 * field lines. The words stand wherever a policy has room for one, so that they meet
 * parts of the request. A verdict is the first finding of the checks run one by one, is
 * the same every time, and with too little memory is that or FAULT_MEMORY, never a pass.
 * What a rule for parameters lets through has each of them at most once, and what one for
 * files lets through names one.
 */
#include <netinet/in.h>
#include <stdio.h>

#include "base/require.h"
#include "http/filter.h"
#include "http/http_policy.h"
#include "http/pairs.h"

#define ARENA_BYTES ((size_t)256 * 1024)
#define NOW 1000
#define TESTS 5u
#define PARTS 7u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Chosen bytes, or zeros when they are used up. */
static unsigned
choose(struct bytes *choices, unsigned bound)
{
    unsigned chosen = 0;

    if (choices->length > 0) {
        chosen = (unsigned char)choices->at[0] % bound;
        choices->at++;
        choices->length--;
    }
    return chosen;
}

/* 0, past or still to come. */
static int64_t
choose_date(struct bytes *choices)
{
    return (int64_t)choose(choices, 3) * (NOW - 1);
}

struct fragments {
    struct bytes words[4]; /* the first is the glob */
    struct shape shape;
    struct condition conditions[3];
    struct mitigation mitigation;
    struct parameter_rule parameters[2];
    struct when when[2];
    struct network network;
    struct path_rule rules[3];
    struct header_limit limit;
    struct filter_policy policy;
};

static void
make_mitigation(struct fragments *f, struct bytes *choices)
{
    unsigned count = choose(choices, 4);

    for (unsigned i = 0; i < count; i++)
        f->conditions[i] = (struct condition){ choose(choices, PARTS), f->words[1 + i],
            choose(choices, TESTS), f->words[choose(choices, 4)], { f->words + 1, 2 },
            f->shape };
    f->mitigation = (struct mitigation){ .id = "PM",
        .conditions = f->conditions,
        .condition_count = count,
        .report_only_until = choose_date(choices) };
}

static void
make_rules(struct fragments *f, struct bytes *choices)
{
    for (unsigned i = 0; i < 2; i++)
        f->parameters[i] = (struct parameter_rule){ f->words[2 + i], choose(choices, 2),
            { choose(choices, 3), { f->words + 1, 2 }, f->shape } };
    for (unsigned i = 0; i < 2; i++)
        f->when[i] = (struct when){ f->words[2 + i],
            { f->words + 1, choose(choices, 3) }, choose(choices, 2) };
    f->network = (struct network){ { [10] = 0xff, 0xff, 10 }, choose(choices, 129) };
    for (unsigned i = 0; i < 3; i++)
        f->rules[i] = (struct path_rule){ .id = "R",
            .action = i == 0 ? RULE_DENY : RULE_ALLOW,
            .paths = { f->words + (i == 0), 1 + choose(choices, 2) },
            .files = { f->words + 1, i == 0 ? 0 : choose(choices, 3) },
            .when = f->when,
            .when_count = choose(choices, 3),
            .methods = { f->words + 1, choose(choices, 2) },
            .types = { f->words + 1, choose(choices, 3) },
            .required_headers = { f->words + 2, choose(choices, 2) },
            .from = &f->network,
            .from_count = choose(choices, 2),
            .from_is_exception = choose(choices, 2),
            .body_bytes = choose(choices, 256),
            .parameters = f->parameters,
            .parameter_count = choose(choices, 3),
            .only_parameters = choose(choices, 2),
            .grammar = choose(choices, GRAMMAR_COUNT),
            .report_only_until = choose_date(choices) };
}

static void
make_policy(struct fragments *f, struct bytes *choices)
{
    struct filter_policy *policy = &f->policy;

    *policy = (struct filter_policy){ .application = "fuzz",
        .has_model = choose(choices, 2),
        .ignores_case = choose(choices, 2),
        .model_reports_only = choose(choices, 2),
        .report_only_until = choose_date(choices),
        .url_bytes = choose(choices, 256),
        .query_bytes = choose(choices, 256),
        .header_bytes = 16 * choose(choices, 256),
        .headers = choose(choices, 16),
        .header_limits = &f->limit,
        .header_limit_count = choose(choices, 2),
        .url_oddities = choose(choices, 256) << choose(choices, 8),
        .query_oddities = choose(choices, 256) << choose(choices, 8),
        .methods = { f->words + 1, choose(choices, 2) },
        .extensions_allowed = { f->words + 1, choose(choices, 3) },
        .extensions_denied = { f->words + 2, choose(choices, 3) },
        .refuses_ambiguous_extension = choose(choices, 2),
        .pages = { f->words + 2, choose(choices, 3) },
        .denied_in_path = { f->words + 1, choose(choices, 4) },
        .denied_in_query = { f->words + 1, choose(choices, 4) },
        .denied_headers = { f->words + 2, choose(choices, 3) },
        .rules = f->rules,
        .rule_count = 3,
        .mitigations = &f->mitigation,
        .mitigation_count = 1 };
    f->limit = (struct header_limit){ f->words[3], choose(choices, 64) };
    for (unsigned i = 0; i < sizeof f->shape.set; i++)
        f->shape.set[i] = (uint8_t)(choose(choices, 2) * 0xff);
    f->shape.minimum = choose(choices, 4);
    f->shape.maximum = choose(choices, 32);
    make_mitigation(f, choices);
    make_rules(f, choices);
}

static bool
read_request(struct bytes rest, struct bytes *choices, struct arena *arena,
    struct http_head *head)
{
    static const char *const methods[] = { "GET", "POST", "OPTIONS", "RPC_IN_DATA" };
    const struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct note note;
    struct bytes raw = arena_print(arena, "%s /", methods[choose(choices, 4)]);
    struct bytes target = bytes_cut(&rest, '\n');
    static char text[16 * 1024];
    size_t length = 0;

    if (target.length + rest.length > 4096)
        return false;
    memcpy(text, raw.at, raw.length);
    length = raw.length;
    if (target.length > 0) /* the input may have ended before it */
        memcpy(text + length, target.at, target.length);
    length += target.length;
    length += (size_t)snprintf(text + length, sizeof text - length,
        " HTTP/1.1\r\nHost: a\r\n");
    while (rest.at != NULL) {
        struct bytes line = bytes_cut(&rest, '\n');

        if (line.length == 0)
            continue;
        memcpy(text + length, line.at, line.length);
        length += line.length;
        memcpy(text + length, "\r\n", 2);
        length += 2;
    }
    memcpy(text + length, "\r\n", 2);
    raw = arena_copy(arena, bytes_of(text, length + 2));
    require(raw.at != NULL);
    return http_request_parse(raw, &limits, arena, head, &note) == FAULT_NONE;
}

static void
require_same(const struct finding *a, const struct finding *b)
{
    require(a->fault == b->fault);
    require(a->rule == b->rule);
    require(a->substatus == b->substatus);
    require(bytes_equal(a->part, b->part));
}

/* The first finding of the checks, each called by itself as `postern explain` does. */
static struct finding
run_alone(const struct filter_input *input)
{
    struct filter_verdict verdict = { .rule = NULL };
    struct finding first = { .fault = FAULT_NONE };
    struct note limit;

    for (unsigned i = 0; i < filter_check_count; i++) {
        struct finding finding = filter_checks[i].run(input, &verdict, &limit);

        if (first.fault == FAULT_NONE)
            first = finding;
    }
    return first;
}

/* Of a request that passed by the rule. */
static void
check_rule(const struct path_rule *rule, const struct filter_input *input)
{
    struct bytes path = input->url->decoded;
    struct pairs pairs;

    require(pairs_of_query(input->url->query, input->arena, &pairs) == FAULT_NONE);
    for (unsigned i = 0; i < rule->when_count; i++) {
        unsigned count = 0;

        for (unsigned at = 0; at < pairs.count; at++)
            count += pairs_name_is(rule->when[i].name, pairs.at[at].name,
                input->policy->ignores_case);
        require(count == 1 || (count == 0 && rule->when[i].may_be_absent));
    }
    if (rule->files.count > 0 && rule->paths.count == 1 &&
        bytes_equal(rule->paths.words[0], BYTES("/**")))
        require(memchr(path.at, ';', path.length) == NULL &&
            memchr(path.at, ':', path.length) == NULL &&
            memmem(path.at, path.length, "//", 2) == NULL &&
            path.at[path.length - 1] != '/' && path.at[path.length - 1] != '.');
}

static void
check_verdict(const struct filter_input *input, const struct filter_verdict *verdict)
{
    const struct filter_policy *policy = input->policy;

    if (verdict->refused.fault == FAULT_NONE && verdict->reported_count == 0 &&
        verdict->rule != NULL)
        check_rule(verdict->rule, input);
    require(verdict->reported_count <= FILTER_REPORTS_MAX);
    require((verdict->refused.fault == FAULT_NONE) == (verdict->refused.rule == NULL));
    if (verdict->refused.fault == FAULT_NONE && policy->has_model)
        require(verdict->rule != NULL || verdict->reported_count > 0);
    if (verdict->rule != NULL)
        require(verdict->rule->action == RULE_ALLOW);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fragments fragments;
    struct bytes rest = bytes_of(data, size);
    struct bytes choices = bytes_cut(&rest, '\n');
    struct sockaddr_in source = { .sin_family = AF_INET };
    struct filter_verdict verdict, little;
    struct http_head head;
    struct url url;
    struct arena arena, memory;
    struct finding alone;

    for (unsigned i = 0; i < 4; i++) {
        fragments.words[i] = bytes_cut(&rest, '\n');
        if (fragments.words[i].length == 0) /* a configuration has none */
            fragments.words[i] = BYTES("/**");
    }
    make_policy(&fragments, &choices);
    source.sin_addr.s_addr = htonl(choose(&choices, 256) << 24);

    arena_init(&arena, ARENA_BYTES);
    arena_init(&memory, ARENA_BYTES);
    if (read_request(rest, &choices, &arena, &head) &&
        url_canonicalise(head.target, &arena, &url) == FAULT_NONE) {
        struct filter_input input = { &fragments.policy, &head, &url,
            (struct sockaddr *)&source, NOW, &memory };

        filter_judge(&input, &verdict);
        check_verdict(&input, &verdict);
        alone = run_alone(&input);
        require_same(&verdict.refused, &alone);

        memory.limit = memory.used + 64 * choose(&choices, 256);
        filter_judge(&input, &little);
        require(little.refused.fault == verdict.refused.fault ||
            little.refused.fault == FAULT_MEMORY);
    }
    arena_clear(&memory);
    arena_clear(&arena);
    return 0;
}
