/*
 * config/freeze_filter.c - a host's application becomes the policy that the filter obeys.
 *
 * Every value comes from the resolved tree or, where nothing is written, from the
 * schema's default; only the spellings that are always refused are http's to name.
 */
#include "config/freeze_filter.h"

#include <string.h>

#include "config/pattern.h"
#include "http/url_policy.h"

/* The words of allow_oddities and deny_oddities stand in the order of enum url_oddity. */
_Static_assert(URL_HAS_DOUBLE_ENCODING == 1 && URL_HAS_BEST_FIT == 1 << 17,
    "the oddities of config/schema.def are others");

static struct bytes
copy(struct stash *stash, const char *text)
{
    return bytes_of_string(stash_copy(stash, bytes_of_string(text)));
}

static const char *
copy_text(struct stash *stash, const struct node *block, enum setting_id id)
{
    const char *text = tree_text(block, id);

    return text == NULL ? "" : stash_copy(stash, bytes_of_string(text));
}

static unsigned
count_values(const struct node *setting)
{
    unsigned count = 0;

    for (const struct node *v = tree_first_value(setting); v != NULL;
         v = tree_next_value(v))
        count++;
    return count;
}

static unsigned
count_entries(const struct node *map)
{
    unsigned count = 0;

    for (const struct node *e = map == NULL ? NULL : map->first; e != NULL; e = e->next)
        count++;
    return count;
}

static struct word_list
words_of(struct stash *stash, const struct node *setting)
{
    unsigned count = count_values(setting);
    struct bytes *word = stash_take(stash, count, sizeof(*word));
    struct word_list list = { word, count };

    for (const struct node *v = tree_first_value(setting); v != NULL;
         v = tree_next_value(v))
        *word++ = copy(stash, v->text);
    return list;
}

static struct word_list
words(struct stash *stash, const struct node *block, enum setting_id id)
{
    return words_of(stash, tree_setting(block, id));
}

static const struct header_value *
header_values(struct stash *stash, const struct node *block, enum setting_id id,
    unsigned *count)
{
    const struct node *map = tree_setting(block, id);
    struct header_value *value, *first;

    *count = count_entries(map);
    first = value = stash_take(stash, *count, sizeof(*value));
    for (const struct node *e = map == NULL ? NULL : map->first; e != NULL; e = e->next)
        *value++ = (struct header_value){ copy(stash, e->key), copy(stash, e->text) };
    return first;
}

/* 0 when there is none. */
static int64_t
date(const struct node *block, enum setting_id id)
{
    const char *text = tree_text(block, id);
    int64_t end = 0;

    if (text != NULL)
        require(pattern_read_date(text, &end) == NULL);
    return end;
}

static struct shape
shape(const struct node *block, enum setting_id id)
{
    const char *text = tree_text(block, id);
    struct shape shape = { { 0 }, 0, 0 };

    if (text != NULL)
        require(pattern_read_shape(text, &shape) == NULL);
    return shape;
}

static uint32_t
oddities(const struct node *application, enum setting_id id)
{
    const struct node *v = tree_first_value(tree_setting(application, id));
    uint32_t set = 0;

    for (; v != NULL; v = tree_next_value(v))
        set |= (uint32_t)1 << v->number;
    return set;
}

/* --- rules --- */

/*
 * A path of the rule counts from the prefix; "/" under a prefix is the prefix itself,
 * too, which servers redirect.
 */
static struct word_list
paths(struct stash *stash, const struct node *rule, const char *prefix)
{
    struct word_list list = words(stash, rule, SETTING_PATH_RULE_PATH);
    struct bytes *path;
    unsigned count = 0;

    if (prefix == NULL || strcmp(prefix, "/") == 0)
        return list;
    path = stash_take(stash, list.count + 1, sizeof(*path));
    for (unsigned i = 0; i < list.count; i++) {
        path[count++] =
            bytes_of_string(stash_print(stash, "%s%s", prefix, list.words[i].at));
        if (bytes_equal(list.words[i], BYTES("/")))
            path[count++] = copy(stash, prefix);
    }
    return (struct word_list){ path, count };
}

static void
freeze_networks(struct stash *stash, struct path_rule *rule, const struct node *setting)
{
    struct network *network;

    rule->from_count = count_values(setting);
    rule->from = network = stash_take(stash, rule->from_count, sizeof(*network));
    for (const struct node *v = tree_first_value(setting); v != NULL;
         v = tree_next_value(v))
        require(pattern_read_network(v->text, network++) == NULL);
}

/* The word that no value can be: the parameter may be missing. */
static void
freeze_when(struct stash *stash, struct path_rule *rule, const struct node *map)
{
    struct when *when;

    rule->when_count = count_entries(map);
    rule->when = when = stash_take(stash, rule->when_count, sizeof(*when));
    for (const struct node *e = map == NULL ? NULL : map->first; e != NULL;
         e = e->next, when++) {
        struct word_list all = words_of(stash, e);
        struct bytes *word = stash_take(stash, all.count, sizeof(*word));

        when->name = copy(stash, e->key);
        when->words.words = word;
        for (unsigned i = 0; i < all.count; i++)
            if (bytes_equal(all.words[i], BYTES("absent")))
                when->may_be_absent = true;
            else
                word[when->words.count++] = all.words[i];
    }
}

static void
freeze_parameters(struct stash *stash, struct path_rule *rule, const struct node *map)
{
    struct parameter_rule *p;

    rule->parameter_count = count_entries(map);
    rule->parameters = p = stash_take(stash, rule->parameter_count, sizeof(*p));
    for (const struct node *e = map == NULL ? NULL : map->first; e != NULL;
         e = e->next, p++) {
        p->name = copy(stash, e->key);
        p->required = tree_number(e, SETTING_PARAMETER_REQUIRED) != 0;
        p->value.one_of = words(stash, e, SETTING_PARAMETER_ONE_OF);
        p->value.shape = shape(e, SETTING_PARAMETER_SHAPE);
        if (p->value.one_of.count > 0)
            p->value.kind = VALUE_ONE_OF;
        else if (p->value.shape.maximum > 0)
            p->value.kind = VALUE_SHAPE;
    }
}

static void
freeze_rule(struct stash *stash, struct path_rule *rule, const struct node *block,
    const char *prefix)
{
    const struct node *unless = tree_setting(block, SETTING_PATH_RULE_UNLESS_FROM);

    rule->id = stash_copy(stash, bytes_of_string(block->key));
    rule->source = copy_text(stash, block, SETTING_PATH_RULE_SOURCE);
    rule->action = (enum rule_action)tree_number(block, SETTING_PATH_RULE_ACTION);
    rule->paths = paths(stash, block, prefix);
    rule->files = words(stash, block, SETTING_PATH_RULE_FILES);
    rule->methods = words(stash, block, SETTING_PATH_RULE_METHODS);
    rule->types = words(stash, block, SETTING_PATH_RULE_TYPES);
    rule->required_headers = words(stash, block, SETTING_PATH_RULE_REQUIRES);
    rule->from_is_exception = unless != NULL;
    freeze_when(stash, rule, tree_setting(block, SETTING_PATH_RULE_WHEN));
    freeze_networks(stash, rule,
        unless != NULL ? unless : tree_setting(block, SETTING_PATH_RULE_FROM));
    rule->body_bytes = tree_number(block, SETTING_PATH_RULE_BODY);
    rule->idle_ms = (uint32_t)tree_number(block, SETTING_PATH_RULE_IDLE);
    freeze_parameters(stash, rule, tree_setting(block, SETTING_PARAMETER_BLOCK));
    rule->only_parameters = tree_number(block, SETTING_PATH_RULE_ONLY_PARAMETERS) != 0;
    rule->form = (enum form_use)tree_number(block, SETTING_PATH_RULE_FORM);
    if (tree_setting(block, SETTING_PATH_RULE_GRAMMAR) !=
        NULL) /* the words begin at 1 */
        rule->grammar = (enum grammar)tree_number(block, SETTING_PATH_RULE_GRAMMAR) + 1;
    rule->added.fields =
        header_values(stash, tree_setting(block, SETTING_PATH_RESPONSE_BLOCK),
            SETTING_PATH_RESPONSE_SET, &rule->added.count);
    rule->report_only_until = date(block, SETTING_PATH_RULE_REPORT_ONLY_UNTIL);
}

/* Those that deny first. */
static void
freeze_rules(struct stash *stash, struct filter_policy *p,
    const struct node *application)
{
    static const enum rule_action order[] = { RULE_DENY, RULE_ALLOW };
    const struct node *map = tree_setting(application, SETTING_PATH_RULE_BLOCK);
    const char *prefix = tree_text(application, SETTING_APPLICATION_PREFIX);
    struct path_rule *rule;

    p->rule_count = count_entries(map);
    p->rules = rule = stash_take(stash, p->rule_count, sizeof(*rule));
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        for (const struct node *e = map == NULL ? NULL : map->first; e != NULL;
             e = e->next)
            if (tree_number(e, SETTING_PATH_RULE_ACTION) == order[i])
                freeze_rule(stash, rule++, e, prefix);
}

/* --- mitigations --- */

/* True when it is for the preset or for one that this extends. */
static bool
is_for(const struct node *mitigation, const struct preset *preset)
{
    const struct node *names =
        tree_setting(mitigation, SETTING_MITIGATION_APPLICATIONS);

    for (; preset != NULL; preset = preset->base)
        for (const struct node *v = tree_first_value(names); v != NULL;
             v = tree_next_value(v))
            if (strcmp(v->text, preset->name) == 0)
                return true;
    return false;
}

static void
freeze_conditions(struct stash *stash, struct mitigation *m, const struct node *setting)
{
    struct condition *c;

    m->condition_count = count_values(setting);
    m->conditions = c = stash_take(stash, m->condition_count, sizeof(*c));
    for (const struct node *v = tree_first_value(setting); v != NULL;
         v = tree_next_value(v), c++) {
        c->part = (enum condition_part)tree_number(v, SETTING_CONDITION_PART);
        c->name = bytes_of_string(copy_text(stash, v, SETTING_CONDITION_NAME));
        c->test = (enum condition_test)tree_number(v, SETTING_CONDITION_TEST);
        c->text = bytes_of_string(copy_text(stash, v, SETTING_CONDITION_TEXT));
        c->words = words(stash, v, SETTING_CONDITION_WORDS);
        c->shape = shape(v, SETTING_CONDITION_SHAPE);
    }
}

static void
freeze_mitigation(struct stash *stash, struct mitigation *m, const struct node *block)
{
    m->id = stash_copy(stash, bytes_of_string(block->key));
    m->cve = copy_text(stash, block, SETTING_MITIGATION_CVE);
    m->severity = copy_text(stash, block, SETTING_MITIGATION_SEVERITY);
    m->source = copy_text(stash, block, SETTING_MITIGATION_SOURCE);
    freeze_conditions(stash, m, tree_setting(block, SETTING_MITIGATION_WHEN));
    m->report_only_until = date(block, SETTING_MITIGATION_REPORT_ONLY_UNTIL);
}

static void
freeze_mitigations(struct stash *stash, struct filter_policy *p,
    const struct node *file, const struct preset *preset)
{
    const struct node *map = tree_setting(file, SETTING_MITIGATION_BLOCK);
    struct mitigation *m = stash_take(stash, count_entries(map), sizeof(*m));

    p->mitigations = m;
    for (const struct node *e = map == NULL ? NULL : map->first; e != NULL; e = e->next)
        if (is_for(e, preset))
            freeze_mitigation(stash, m++, e);
    p->mitigation_count = (unsigned)(m - p->mitigations);
}

/* --- the application --- */

static void
freeze_limits(struct stash *stash, struct filter_policy *p, const struct node *limits)
{
    const struct node *fields = tree_setting(limits, SETTING_APPLICATION_LIMITS_FIELDS);
    struct header_limit *limit;

    p->url_bytes = (uint32_t)tree_number(limits, SETTING_APPLICATION_LIMITS_URL);
    p->query_bytes = (uint32_t)tree_number(limits, SETTING_APPLICATION_LIMITS_QUERY);
    p->header_bytes = (uint32_t)tree_number(limits, SETTING_APPLICATION_LIMITS_HEADER);
    p->headers = (uint32_t)tree_number(limits, SETTING_APPLICATION_LIMITS_HEADERS);
    p->header_limit_count = count_entries(fields);
    p->header_limits = limit = stash_take(stash, p->header_limit_count, sizeof(*limit));
    for (const struct node *e = fields == NULL ? NULL : fields->first; e != NULL;
         e = e->next)
        *limit++ = (struct header_limit){ copy(stash, e->key), (uint32_t)e->number };
}

static void
freeze_url(struct stash *stash, struct filter_policy *p, const struct node *a)
{
    const struct node *extensions =
        tree_setting(a, SETTING_APPLICATION_EXTENSIONS_BLOCK);
    uint32_t allowed = oddities(a, SETTING_APPLICATION_ALLOW_ODDITIES);

    p->url_oddities = (URL_ODDITIES_DEFAULT & ~allowed) |
        (p->ignores_case ? URL_HAS_BEST_FIT & ~allowed : 0) |
        oddities(a, SETTING_APPLICATION_DENY_ODDITIES);
    p->query_oddities = URL_QUERY_ODDITIES_DEFAULT & ~allowed;
    p->denied_in_path = words(stash, a, SETTING_APPLICATION_DENY_IN_PATH);
    p->denied_in_query = words(stash, a, SETTING_APPLICATION_DENY_IN_QUERY);
    p->extensions_allowed =
        words(stash, extensions, SETTING_APPLICATION_EXTENSIONS_ALLOW);
    p->extensions_denied =
        words(stash, extensions, SETTING_APPLICATION_EXTENSIONS_DENY);
    p->pages = words(stash, a, SETTING_APPLICATION_PAGES);
    p->refuses_ambiguous_extension =
        tree_number(extensions, SETTING_APPLICATION_EXTENSIONS_AMBIGUOUS) != 0;
}

static void
freeze_headers(struct stash *stash, struct filter_policy *p, const struct node *a)
{
    const struct node *headers = tree_setting(a, SETTING_APPLICATION_HEADERS_BLOCK);
    const struct node *response = tree_setting(a, SETTING_APPLICATION_RESPONSE_BLOCK);

    p->denied_headers = words(stash, headers, SETTING_APPLICATION_HEADERS_DENY);
    p->stripped_headers = words(stash, headers, SETTING_APPLICATION_HEADERS_STRIP);
    p->set_headers = header_values(stash, headers, SETTING_APPLICATION_HEADERS_SET,
        &p->set_header_count);
    p->hides_via = tree_number(headers, SETTING_APPLICATION_HEADERS_VIA) == 0;
    p->removed_response_headers =
        words(stash, response, SETTING_APPLICATION_RESPONSE_REMOVE);
    p->replaced_response_headers = header_values(stash, response,
        SETTING_APPLICATION_RESPONSE_REPLACE, &p->replaced_response_header_count);
    p->added.fields = header_values(stash, response, SETTING_APPLICATION_RESPONSE_SET,
        &p->added.count);
    p->refuses_executables =
        tree_number(response, SETTING_APPLICATION_RESPONSE_EXECUTABLES) != 0;
}

/* What nothing is written about: the registered methods of webmail, or the model's own. */
static struct word_list
methods(struct stash *stash, const struct filter_policy *p, const struct node *a)
{
    static const struct bytes usual[] = {
#define METHOD(name, source) { (name), sizeof(name) - 1 },
#include "config/method.def"
#undef METHOD
    };
    struct word_list written = words(stash, a, SETTING_APPLICATION_METHODS);

    if (written.count > 0 || p->has_model)
        return written;
    return (struct word_list){ usual, sizeof(usual) / sizeof(usual[0]) };
}

const struct filter_policy *
freeze_filter(const struct loaded *loaded, const struct node *application,
    struct stash *stash)
{
    const struct preset *preset = presets_of(&loaded->presets, application);
    const struct node *a = application->resolved;
    struct filter_policy *p = stash_take(stash, 1, sizeof(*p));

    require(preset != NULL && a != NULL);
    p->application = stash_copy(stash, bytes_of_string(preset->name));
    p->version = copy_text(stash, a, SETTING_APPLICATION_VERSION);
    p->has_model = tree_number(a, SETTING_APPLICATION_MODEL) != 0;
    /* The schema lists "sensitive" first. */
    p->ignores_case = tree_number(a, SETTING_APPLICATION_PATH_CASE) != 0;
    p->report_only_until = date(a, SETTING_APPLICATION_REPORT_ONLY_UNTIL);
    p->model_reports_only = p->report_only_until != 0;
    p->methods = methods(stash, p, a);
    freeze_limits(stash, p, tree_setting(a, SETTING_APPLICATION_LIMITS_BLOCK));
    freeze_url(stash, p, a);
    freeze_headers(stash, p, a);
    p->upload_extensions_denied =
        words(stash, tree_setting(a, SETTING_APPLICATION_UPLOADS_BLOCK),
            SETTING_APPLICATION_UPLOADS_DENY);
    freeze_rules(stash, p, a);
    freeze_mitigations(stash, p, loaded->mitigations, preset);
    return p;
}

const struct filter_policy *
freeze_filter_of_tunnel(void)
{
    static const struct filter_policy tunnel = {
        .application = "tunnel",
        .version = "",
        .url_oddities = URL_ODDITIES_DEFAULT,
        .query_oddities = URL_QUERY_ODDITIES_DEFAULT,
    };

    return &tunnel;
}
