/*
 * http/words.c - the small tests that a policy is made of: words, shapes, values.
 *
 * Knows no message and no rule.
 *
 * Trust: texts come from the network, words and shapes from the configuration.
 */
#include "http/words.h"

#include "http/filter.h"

bool
words_hold(const struct word_list *list, struct bytes text)
{
    for (unsigned i = 0; i < list->count; i++)
        if (bytes_equal(list->words[i], text))
            return true;
    return false;
}

bool
words_hold_nocase(const struct word_list *list, struct bytes text)
{
    for (unsigned i = 0; i < list->count; i++)
        if (word_is(list->words[i], text))
            return true;
    return false;
}

bool
words_match(const struct word_list *list, struct bytes text, bool ignores_case)
{
    for (unsigned i = 0; i < list->count; i++)
        if (word_matches(list->words[i], text, ignores_case))
            return true;
    return false;
}

/* What is neither a letter nor a digit becomes one and the same byte. */
static inline char
as_cgi(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ? lower : '-';
}

static inline bool
is_name(struct bytes word, struct bytes name)
{
    bool is_prefix = word.length > 0 && word.at[word.length - 1] == '*';

    word.length -= is_prefix;
    if (is_prefix ? name.length < word.length : name.length != word.length)
        return false;
    for (size_t i = 0; i < word.length; i++)
        if (as_cgi(word.at[i]) != as_cgi(name.at[i]))
            return false;
    return true;
}

bool
filter_names(const struct word_list *list, struct bytes name)
{
    for (unsigned i = 0; i < list->count; i++)
        if (is_name(list->words[i], name))
            return true;
    return false;
}

bool
filter_name_is(struct bytes word, struct bytes name)
{
    return is_name(word, name);
}

bool
shape_has(const struct shape *shape, struct bytes text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];

        if ((shape->set[c >> 3] >> (c & 7) & 1) == 0)
            return false;
    }
    return true;
}

bool
shape_holds(const struct shape *shape, struct bytes text)
{
    return text.length >= shape->minimum && text.length <= shape->maximum &&
        shape_has(shape, text);
}

bool
value_holds(const struct value_rule *rule, struct bytes value, bool ignores_case)
{
    switch (rule->kind) {
    case VALUE_ANY:
        return true;
    case VALUE_ONE_OF:
        return words_match(&rule->one_of, value, ignores_case);
    case VALUE_SHAPE:
        return shape_holds(&rule->shape, value);
    }
    return false;
}

/* Bit 0x20 of both is set, so that letters of either case fall together. */
static inline uint8_t
hash_of(char a, char b)
{
    return (uint8_t)((((unsigned char)a | 0x20u) * 37u) ^ ((unsigned char)b | 0x20u));
}

static void
collect_pairs(struct searched *searched)
{
    const struct bytes text = searched->text;

    for (size_t i = 1; i < text.length; i++)
        searched->pairs[hash_of(text.at[i - 1], text.at[i])] = true;
    searched->has_pairs = true;
}

static bool
holds_byte(struct bytes text, char c)
{
    char other = c >= 'a' && c <= 'z' ? (char)(c - 0x20) : ascii_lower(c);

    return text.length > 0 &&
        (memchr(text.at, c, text.length) != NULL ||
            (other != c && memchr(text.at, other, text.length) != NULL));
}

bool
searched_holds(struct searched *searched, struct bytes word)
{
    if (word.length == 1)
        return holds_byte(searched->text, word.at[0]);
    if (!searched->has_pairs)
        collect_pairs(searched);
    for (size_t i = 1; i < word.length; i++)
        if (!searched->pairs[hash_of(word.at[i - 1], word.at[i])])
            return false;
    return bytes_contains_nocase(searched->text, word);
}
