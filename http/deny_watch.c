/*
 * http/deny_watch.c - rules that deny, as far as the fields of a form may make them hold.
 *
 * Owns nothing; all memory is the arena's.
 *
 * Trust: names and values come from the network, the rules from the configuration.
 */
#include "http/deny_watch.h"

#include "http/filter_priv.h"

/* A rule of which only some of the `when` hold so far. */
struct waiting {
    const struct path_rule *rule;
    unsigned lacking;
};

/* One `when` that is lacking. */
struct lack {
    struct waiting *waiting;
    const struct when *when;
    bool is_met;
    bool is_active; /* the present field is the one it names */
};

struct deny_watch {
    bool ignores_case;
    struct waiting *waiting;
    struct lack *lacks;
    unsigned waiting_count, lack_count;
};

static void
collect_lacks(struct deny_watch *watch, const struct path_rule *rule,
    const struct pairs *pairs)
{
    struct waiting *waiting = &watch->waiting[watch->waiting_count++];

    *waiting = (struct waiting){ rule, 0 };
    for (unsigned i = 0; i < rule->when_count; i++) {
        const struct when *when = &rule->when[i];

        if (filter_when_denies(when, 1, pairs, watch->ignores_case))
            continue;
        waiting->lacking++;
        watch->lacks[watch->lack_count++] =
            (struct lack){ .waiting = waiting, .when = when };
    }
}

struct deny_watch *
deny_watch_new(const struct filter_input *input, const struct filter_verdict *verdict,
    enum fault *fault)
{
    struct filter_memo *memo = verdict->memo;
    struct deny_watch *watch;
    unsigned most = 0;

    *fault = FAULT_NONE;
    if (memo == NULL || memo->denying_count == 0)
        return NULL;
    for (unsigned i = 0; i < memo->denying_count; i++)
        most += memo->denying[i]->when_count;
    *fault = FAULT_MEMORY;
    watch = arena_take(input->arena, sizeof *watch);
    if (watch == NULL)
        return NULL;
    *watch = (struct deny_watch){ .ignores_case = input->policy->ignores_case };
    watch->waiting =
        arena_take(input->arena, memo->denying_count * sizeof *watch->waiting);
    watch->lacks = arena_take(input->arena, most * sizeof *watch->lacks);
    if (watch->waiting == NULL || watch->lacks == NULL)
        return NULL;
    for (unsigned i = 0; i < memo->denying_count; i++)
        collect_lacks(watch, memo->denying[i], filter_memo_parameters(input, memo));
    if (filter_lacks_memory(memo))
        return NULL;
    *fault = FAULT_NONE;
    return watch;
}

size_t
deny_watch_longest(const struct deny_watch *watch)
{
    size_t longest = 0;

    for (unsigned i = 0; watch != NULL && i < watch->lack_count; i++) {
        const struct word_list *words = &watch->lacks[i].when->words;

        for (unsigned j = 0; j < words->count; j++)
            if (words->words[j].length > longest)
                longest = words->words[j].length;
    }
    return longest;
}

bool
deny_watch_name(struct deny_watch *watch, struct bytes name)
{
    bool listens = false;

    for (unsigned i = 0; watch != NULL && i < watch->lack_count; i++) {
        struct lack *lack = &watch->lacks[i];

        lack->is_active =
            !lack->is_met && pairs_name_is(lack->when->name, name, watch->ignores_case);
        listens = listens || lack->is_active;
    }
    return listens;
}

const struct path_rule *
deny_watch_value(struct deny_watch *watch, struct bytes value)
{
    for (unsigned i = 0; watch != NULL && i < watch->lack_count; i++) {
        struct lack *lack = &watch->lacks[i];

        if (!lack->is_active ||
            !filter_when_value_holds(lack->when, value, watch->ignores_case))
            continue;
        lack->is_met = true;
        lack->is_active = false;
        if (--lack->waiting->lacking == 0)
            return lack->waiting->rule;
    }
    return NULL;
}
