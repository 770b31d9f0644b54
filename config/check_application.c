/*
 * config/check_application.c - rules held against each other, in presets and under hosts.
 *
 * A rule that promises what it does not do is worse than none: what has no meaning
 * where it stands is refused.
 */
#include "config/check_application.h"

#include "config/pattern.h"
#include "config/suggest.h"
#include "proxy/proxy_policy.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define YEAR_S ((int64_t)366 * 86400)

/* The entries of a block that is keyed by names: loop over ->next. */
static const struct node *
entries(const struct node *block, enum setting_id id)
{
    const struct node *node = tree_good(block, id);

    return node == NULL || node->kind != NODE_MAP ? NULL : node->first;
}

/* Says that a setting, if it is written, has no meaning there. */
static void
refuse_if_there(const struct node *block, enum setting_id id, const char *hint,
    const char *where, struct diagnostics *d)
{
    const struct node *node = tree_good(block, id);
    char path[TREE_PATH_BYTES];

    if (node != NULL)
        report(d, CODE_BOUNDS, node->key_mark, hint, "%s has no meaning %s",
            tree_path(node, path), where);
}

/* Browsers ignore a Strict-Transport-Security without a max-age, and nobody notices. */
static void
check_response_set(const struct node *response, enum setting_id set,
    struct diagnostics *d)
{
    char path[TREE_PATH_BYTES];

    for (const struct node *e = entries(response, set); e != NULL; e = e->next)
        if (!e->refused && strcasecmp(e->key, "Strict-Transport-Security") == 0 &&
            e->text[0] != '\0' && strcasestr(e->text, "max-age=") == NULL)
            report(d, CODE_TYPE, e->mark,
                "write seconds: max-age=31536000 is a year; an empty value sends none",
                "%s: '%s' has no max-age, so browsers ignore it", tree_path(e, path),
                e->text);
}

/* Says that a setting is missing unless it, or a slip of it, is there. */
static void
require_there(const struct node *block, enum setting_id id, const char *hint,
    struct diagnostics *d)
{
    const char *key = schema_setting(id)->key;
    char path[TREE_PATH_BYTES];

    if (tree_meant(block, id) != NULL)
        return;
    tree_path(block, path);
    report(d, CODE_MISSING, tree_mark(block), hint, "%s%s'%s' is missing", path,
        path[0] == '\0' ? "" : ": ", key);
}

/* --- rules --- */

static void
check_deny(const struct node *rule, struct diagnostics *d)
{
    static const enum setting_id of_no_meaning[] = { SETTING_PATH_RULE_FILES,
        SETTING_PATH_RULE_METHODS, SETTING_PATH_RULE_TYPES, SETTING_PATH_RULE_BODY,
        SETTING_PATH_RULE_IDLE, SETTING_PATH_RULE_REQUIRES, SETTING_PARAMETER_BLOCK,
        SETTING_PATH_RULE_ONLY_PARAMETERS, SETTING_PATH_RULE_FORM,
        SETTING_PATH_RULE_GRAMMAR, SETTING_PATH_RESPONSE_BLOCK };
    const struct node *from = tree_good(rule, SETTING_PATH_RULE_FROM);
    const struct node *unless = tree_good(rule, SETTING_PATH_RULE_UNLESS_FROM);

    for (size_t i = 0; i < COUNT_OF(of_no_meaning); i++)
        refuse_if_there(rule, of_no_meaning[i],
            "a path that is denied is closed to every request", "in a rule that denies",
            d);
    if (from != NULL && unless != NULL)
        report(d, CODE_BOUNDS, unless->key_mark, "write one of them",
            "both from and unless_from");
}

static void
check_allow(const struct node *rule, struct diagnostics *d)
{
    const struct node *types = tree_meant(rule, SETTING_PATH_RULE_TYPES);
    const struct node *body = tree_meant(rule, SETTING_PATH_RULE_BODY);
    const struct node *form = tree_good(rule, SETTING_PATH_RULE_FORM);
    char path[TREE_PATH_BYTES];

    refuse_if_there(rule, SETTING_PATH_RULE_UNLESS_FROM,
        "write from: for networks that are allowed", "in a rule that allows", d);
    if (types != NULL && body == NULL)
        report(d, CODE_BOUNDS, types->key_mark, "write how large a body may be: body:",
            "%s: media types, and no body may come", tree_path(rule, path));
    if (form != NULL && types == NULL)
        report(d, CODE_BOUNDS, form->key_mark,
            "write which types a body may have: types:",
            "%s: a form, and no body may come", tree_path(rule, path));
    if (body != NULL && types == NULL && body->number > 0)
        report(d, CODE_BOUNDS, body->key_mark,
            "write which types a body may have: types:",
            "%s: a body, and none of its media types is allowed",
            tree_path(rule, path));
}

static void
check_parameters(const struct node *rule, struct diagnostics *d)
{
    for (const struct node *p = entries(rule, SETTING_PARAMETER_BLOCK); p != NULL;
         p = p->next) {
        const struct node *shape = tree_good(p, SETTING_PARAMETER_SHAPE);

        if (shape != NULL && tree_good(p, SETTING_PARAMETER_ONE_OF) != NULL)
            report(d, CODE_BOUNDS, shape->key_mark, "write one of them",
                "both one_of and shape");
    }
}

static bool
denies(const struct node *rule)
{
    return tree_number(rule, SETTING_PATH_RULE_ACTION) == RULE_DENY;
}

/* The rules, and what answers get. */
static void
check_rules(const struct node *application, struct diagnostics *d)
{
    for (const struct node *rule = entries(application, SETTING_PATH_RULE_BLOCK);
         rule != NULL; rule = rule->next) {
        const struct node *action = tree_meant(rule, SETTING_PATH_RULE_ACTION);

        if (rule->refused || rule->kind != NODE_MAP ||
            (action != NULL && action->refused))
            continue;
        if (denies(rule))
            check_deny(rule, d);
        else
            check_allow(rule, d);
        check_parameters(rule, d);
        check_response_set(tree_good(rule, SETTING_PATH_RESPONSE_BLOCK),
            SETTING_PATH_RESPONSE_SET, d);
    }
    check_response_set(tree_good(application, SETTING_APPLICATION_RESPONSE_BLOCK),
        SETTING_APPLICATION_RESPONSE_SET, d);
}

void
check_preset(const struct node *root, const char *name, struct diagnostics *d)
{
    const struct node *own = tree_good(root, SETTING_APPLICATION_NAME);

    require_there(root, SETTING_APPLICATION_NAME, "it is the name of the file", d);
    require_there(root, SETTING_APPLICATION_VERSION, "it stands in the log", d);
    require_there(root, SETTING_APPLICATION_TITLE, "say what it publishes", d);
    if (own != NULL && strcmp(own->text, name) != 0)
        report(d, CODE_BOUNDS, own->mark, "the file is called as the application",
            "the file is %s.yaml, the application '%s'", name, own->text);
    check_rules(root, d);
}

void
check_extension(const struct node *application, struct diagnostics *d)
{
    static const enum setting_id of_presets[] = { SETTING_APPLICATION_NAME,
        SETTING_APPLICATION_VERSION, SETTING_APPLICATION_TITLE };

    if (tree_meant(application, SETTING_APPLICATION_EXTENDS) == NULL)
        report(d, CODE_EXTENDS, tree_mark(application),
            "begin with extends: NAME; `postern show-application` lists the names",
            "the block does not say which application it extends");
    for (size_t i = 0; i < COUNT_OF(of_presets); i++)
        refuse_if_there(application, of_presets[i],
            "it belongs to the file of a preset", "under a published host", d);
    check_rules(application, d);
}

/* Files and pages are two things, and who names files knows what the pages are. */
static void
check_files(const struct node *rule, const struct node *pages, struct diagnostics *d)
{
    const struct node *files = tree_good(rule, SETTING_PATH_RULE_FILES);
    const struct node *v = tree_first_value(files);
    char path[TREE_PATH_BYTES];

    if (v != NULL && tree_first_value(pages) == NULL)
        report(d, CODE_BOUNDS, files->key_mark,
            "add pages: with the extensions that the application's server runs",
            "%s: files needs pages, which is missing", tree_path(rule, path));
    for (; v != NULL; v = tree_next_value(v))
        for (const struct node *page = tree_first_value(pages); page != NULL;
             page = tree_next_value(page))
            if (strcasecmp(page->text, v->text) == 0)
                report(d, CODE_BOUNDS, v->mark, "pages have a rule of their own",
                    "%s: '%s' is a page, as pages says", tree_path(v, path), v->text);
}

void
check_resolved(const struct node *application, struct diagnostics *d)
{
    const struct node *whole = application->resolved, *model, *paths, *rule;
    bool has_model, allows = false;

    if (whole == NULL)
        return;
    model = tree_meant(whole, SETTING_APPLICATION_MODEL);
    paths = tree_meant(whole, SETTING_PATH_RULE_BLOCK);
    if ((model != NULL && model->refused) || (paths != NULL && paths->refused))
        return;
    has_model = tree_number(whole, SETTING_APPLICATION_MODEL) != 0;
    rule = entries(whole, SETTING_PATH_RULE_BLOCK);
    if (rule != NULL && !has_model)
        report(d, CODE_BOUNDS, rule->key_mark, "add model: true",
            "rules for paths have no meaning without a model");
    for (; rule != NULL; rule = rule->next) {
        allows |= rule->refused || !denies(rule);
        check_files(rule, tree_good(whole, SETTING_APPLICATION_PAGES), d);
    }
    if (has_model && !allows)
        report(d, CODE_BOUNDS, tree_mark(application),
            "add rules that allow, or write model: false",
            "a model without one path that is allowed: nothing would pass");
}

/* --- mitigations --- */

/* Which of text, words and shape each test needs, in the order of enum condition_test. */
static const enum setting_id of_test[] = {
    [TEST_PRESENT] = SETTING_COUNT,
    [TEST_CONTAINS] = SETTING_CONDITION_TEXT,
    [TEST_CONTAINS_ALL] = SETTING_CONDITION_WORDS,
    [TEST_GLOB] = SETTING_CONDITION_TEXT,
    [TEST_NOT_SHAPE] = SETTING_CONDITION_SHAPE,
};

static void
check_condition(const struct node *condition, struct diagnostics *d)
{
    static const enum setting_id values[] = { SETTING_CONDITION_TEXT,
        SETTING_CONDITION_WORDS, SETTING_CONDITION_SHAPE };
    enum condition_part part =
        (enum condition_part)tree_number(condition, SETTING_CONDITION_PART);
    enum setting_id needed;

    if (tree_good(condition, SETTING_CONDITION_PART) == NULL ||
        tree_good(condition, SETTING_CONDITION_TEST) == NULL)
        return;
    if (part == PART_HEADER || part == PART_COOKIE || part == PART_PARAMETER)
        require_there(condition, SETTING_CONDITION_NAME,
            "which header field, cookie or parameter?", d);
    else
        refuse_if_there(condition, SETTING_CONDITION_NAME,
            "only a header, a cookie or a parameter has a name", "with this part", d);
    needed = of_test[tree_number(condition, SETTING_CONDITION_TEST)];
    for (size_t i = 0; i < COUNT_OF(values); i++)
        if (values[i] == needed)
            require_there(condition, needed, "the test needs it", d);
        else
            refuse_if_there(condition, values[i],
                "text is for contains and glob, words for contains_all, shape for "
                "not_shape",
                "with this test", d);
}

static void
check_vector(const struct node *vector, struct diagnostics *d)
{
    const struct node *url = tree_good(vector, SETTING_VECTOR_URL);
    char path[TREE_PATH_BYTES];

    if (url != NULL && url->text[0] != '/')
        report(d, CODE_TYPE, url->mark, "write path and query, as in the request line",
            "%s: '%s' does not begin with '/'", tree_path(url, path), url->text);
}

void
check_mitigations(const struct node *root, struct diagnostics *d)
{
    for (const struct node *m = entries(root, SETTING_MITIGATION_BLOCK); m != NULL;
         m = m->next) {
        const struct node *v =
            tree_first_value(tree_setting(m, SETTING_MITIGATION_WHEN));

        for (; v != NULL; v = tree_next_value(v))
            check_condition(v, d);
        v = tree_first_value(tree_setting(m, SETTING_MITIGATION_VECTORS));
        for (; v != NULL; v = tree_next_value(v))
            check_vector(v, d);
    }
}

static bool
is_one_of(const char *name, const char *const *names, unsigned count)
{
    while (count > 0)
        if (strcmp(names[--count], name) == 0)
            return true;
    return false;
}

void
check_mitigated(const struct node *root, const char *const *names, unsigned count,
    struct stash *stash, struct diagnostics *d)
{
    for (const struct node *m = entries(root, SETTING_MITIGATION_BLOCK); m != NULL;
         m = m->next) {
        const struct node *v =
            tree_first_value(tree_setting(m, SETTING_MITIGATION_APPLICATIONS));

        for (; v != NULL; v = tree_next_value(v)) {
            char path[TREE_PATH_BYTES];
            struct suggestion s;

            if (is_one_of(v->text, names, count))
                continue;
            suggest_begin(&s, v->text);
            for (unsigned i = 0; i < count; i++)
                suggest_consider(&s, names[i]);
            report(d, CODE_CHOICE, v->mark,
                suggest_is_near(&s) ? stash_print(stash, "did you mean '%s'?", s.best)
                                    : "`postern show-application` lists the names",
                "%s: there is no application '%s'", tree_path(v, path), v->text);
        }
    }
}

/* --- dates --- */

static void
check_date(const struct node *block, enum setting_id id, int64_t now,
    struct diagnostics *d)
{
    const struct node *node = tree_good(block, id);
    char path[TREE_PATH_BYTES];
    int64_t end;

    if (node == NULL || pattern_read_date(node->text, &end) != NULL)
        return;
    if (end <= now)
        report(d, CODE_REPORT_ENDED, node->mark, "remove it, or write a later date",
            "%s: report-only has ended: it blocks", tree_path(node, path));
    else if (end - now > YEAR_S)
        report(d, CODE_REPORT_LONG, node->mark, NULL,
            "%s: for more than a year this will only report", tree_path(node, path));
}

void
check_dates(const struct node *root, int64_t now, struct diagnostics *d)
{
    check_date(root, SETTING_APPLICATION_REPORT_ONLY_UNTIL, now, d);
    for (const struct node *rule = entries(root, SETTING_PATH_RULE_BLOCK); rule != NULL;
         rule = rule->next)
        check_date(rule, SETTING_PATH_RULE_REPORT_ONLY_UNTIL, now, d);
    for (const struct node *m = entries(root, SETTING_MITIGATION_BLOCK); m != NULL;
         m = m->next)
        check_date(m, SETTING_MITIGATION_REPORT_ONLY_UNTIL, now, d);
}
