/*
 * http/words.h - the small tests that a policy is made of: words, shapes, values.
 *
 * For this folder. Nothing here allocates; time is the product of both lengths at most.
 */
#ifndef HTTP_WORDS_H
#define HTTP_WORDS_H

#include <stdbool.h>

#include "http/filter_policy.h"

/* False only for bytes that differ even when the case of letters is ignored. */
static inline bool
byte_may_be(char a, char b)
{
    return ((a ^ b) & ~0x20) == 0;
}

/* bytes_equal_nocase for lists, where length and last byte are mostly enough to say no. */
static inline bool
word_is(struct bytes word, struct bytes text)
{
    return word.length == text.length &&
        (word.length == 0 ||
            byte_may_be(word.at[word.length - 1], text.at[text.length - 1])) &&
        bytes_equal_nocase(word, text);
}

/* The same for a word that may end in '*'. */
static inline bool
word_matches(struct bytes word, struct bytes text, bool ignores_case)
{
    if (word.length > 0 && word.at[word.length - 1] == '*') {
        word.length--;
        if (text.length < word.length)
            return false;
        text.length = word.length;
    }
    return ignores_case ? word_is(word, text) : bytes_equal(word, text);
}

/* One of the words to the letter; ignoring ASCII case. */
bool words_hold(const struct word_list *list, struct bytes text);
bool words_hold_nocase(const struct word_list *list, struct bytes text);

/* One of the words, which may end in '*'. */
bool words_match(const struct word_list *list, struct bytes text, bool ignores_case);

/* Has the shape's class all of these bytes? `holds` asks for their number, too. */
bool shape_has(const struct shape *shape, struct bytes text);
bool shape_holds(const struct shape *shape, struct bytes text);
bool value_holds(const struct value_rule *rule, struct bytes value, bool ignores_case);

/*
 * A text in which many words will be looked for: a set of its pairs of neighbouring
 * bytes, made for the first word. A word of which one pair is missing is not there.
 * Zero it but for the text.
 */
struct searched {
    struct bytes text;
    bool has_pairs;
    bool pairs[256]; /* by hash */
};

/* Ignores ASCII case. The empty word is in every text. */
bool searched_holds(struct searched *searched, struct bytes word);

#endif
