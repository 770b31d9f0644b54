/*
 * http/words.h - the small tests that a policy is made of: words, shapes, values.
 *
 * For this folder. Nothing here allocates; time is the product of both lengths at most.
 */
#ifndef HTTP_WORDS_H
#define HTTP_WORDS_H

#include <stdbool.h>

#include "http/filter_policy.h"

/* One of the words to the letter; ignoring ASCII case. */
bool words_hold(const struct word_list *list, struct bytes text);
bool words_hold_nocase(const struct word_list *list, struct bytes text);

/* One of the words, which may end in '*'. */
bool words_match(const struct word_list *list, struct bytes text, bool ignores_case);

bool shape_holds(const struct shape *shape, struct bytes text);
bool value_holds(const struct value_rule *rule, struct bytes value, bool ignores_case);

/*
 * A text in which many words will be looked for: which pairs of neighbouring bytes it
 * has. A word of which one pair is missing need not be looked for at all.
 */
struct searched {
    struct bytes text;
    uint64_t pairs[16]; /* a set of hashes */
};

struct searched searched_of(struct bytes text);

/* Ignores ASCII case. The empty word is in every text. */
bool searched_holds(const struct searched *searched, struct bytes word);

#endif
