/*
 * http/filter_when.c - is a rule for requests with these parameters?
 *
 * Many a webmail is one page, which a parameter tells what to do. It and we must read
 * that alike, or a request gets another's rule: so what chooses a rule that allows stands
 * there once, and spelled as in the rule. For a rule that denies any spelling and any of
 * several values will do.
 *
 * Trust: names and values come from the network, the rest from the configuration.
 */
#include "http/filter_priv.h"

bool
filter_when_value_holds(const struct when *when, struct bytes value, bool ignores_case)
{
    return words_match(&when->words, value, ignores_case);
}

/* How often a parameter is there, under any name that some server reads as this one. */
struct occurrence {
    unsigned exact, all;
    bool is_wanted; /* one of them has a value that the rule is for */
};

static struct occurrence
look_for(const struct when *when, const struct pairs *pairs, bool ignores_case)
{
    struct occurrence found = { 0, 0, false };

    for (unsigned i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->at[i];

        if (!pairs_name_is(when->name, pair->name, ignores_case))
            continue;
        found.all++;
        found.exact += ignores_case ? word_is(when->name, pair->name)
                                    : bytes_equal(when->name, pair->name);
        found.is_wanted |= filter_when_value_holds(when, pair->value, ignores_case);
    }
    return found;
}

static bool
may_hold(const struct when *when, const struct occurrence *found)
{
    return found->is_wanted || (when->may_be_absent && found->exact == 0);
}

bool
filter_when_denies(const struct when *when, unsigned count, const struct pairs *pairs,
    bool ignores_case)
{
    for (unsigned i = 0; i < count; i++) {
        struct occurrence found = look_for(&when[i], pairs, ignores_case);

        if (!may_hold(&when[i], &found))
            return false;
    }
    return true;
}

enum filter_fit
filter_when_fits(const struct path_rule *rule, const struct pairs *pairs,
    bool ignores_case, struct bytes *unclear)
{
    enum filter_fit fit = FILTER_FITS;

    for (unsigned i = 0; i < rule->when_count; i++) {
        const struct when *when = &rule->when[i];
        struct occurrence found = look_for(when, pairs, ignores_case);
        bool is_clear = found.all == 0 || (found.all == 1 && found.exact == 1);

        if (!may_hold(when, &found))
            return FILTER_FITS_NOT;
        if (is_clear)
            continue;
        fit = FILTER_FITS_UNCLEARLY;
        *unclear = when->name;
    }
    return fit;
}
