/*
 * http/pairs.h - names and values: the parameters of a query, the cookies of a head.
 */
#ifndef HTTP_PAIRS_H
#define HTTP_PAIRS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/fault.h"
#include "http/head.h"

struct pair {
    struct bytes name, value; /* views into the message or the arena */
};

struct pairs {
    struct pair *at;
    unsigned count;
};

/* PHP reads 1000 variables (max_input_vars); nobody sends as many. */
#define PAIRS_MAX 1024u

/*
 * The parameters of a query, escapes decoded and '+' a space; empty ones are left out.
 * FILTER_PARAMETER: there are more than PAIRS_MAX. Else FAULT_MEMORY or none.
 */
enum fault
pairs_of_query(struct bytes query, struct arena *arena, struct pairs *pairs) MUST_USE;

/* The cookies of all Cookie fields, as sent. The same faults. */
enum fault pairs_of_cookies(const struct http_head *head, struct arena *arena,
    struct pairs *pairs) MUST_USE;

enum pairs_plus { PAIRS_KEEP_PLUS, PAIRS_PLUS_IS_SPACE };

/*
 * `text` with its escapes decoded once, malformed ones left as they are. No copy is
 * made where nothing changes. `at` is NULL when the arena is used up, and then only.
 */
struct bytes
pairs_decode(struct bytes text, enum pairs_plus plus, struct arena *arena) MUST_USE;

/* The rest of pairs_name_is: `word` is without its '*'. */
bool pairs_name_reads(struct bytes word, bool is_prefix, struct bytes name,
    bool ignores_case);
bool pairs_name_ends(struct bytes word, struct bytes name, bool ignores_case);

/*
 * Does a webmail read the parameter `name` as the one that `word` (which may end in
 * '*') means? PHP drops leading spaces, turns '.' and ' ' into '_', also a '[' that
 * nothing closes, and puts "name[x]" under "name"; a word with a bracket of its own means
 * just that. A word that begins with '*', with more behind it, is the end of a name as it
 * is sent: SOPE takes "NAME:method" for a way to NAME.
 */
static inline bool
pairs_name_is(struct bytes word, struct bytes name, bool ignores_case)
{
    bool is_prefix = word.length > 0 && word.at[word.length - 1] == '*';

    if (word.length > 1 && word.at[0] == '*')
        return pairs_name_ends(bytes_of(word.at + 1, word.length - 1), name,
            ignores_case);
    word.length -= is_prefix;
    /* Most names fall here, by their length alone. */
    if (name.length < word.length ||
        (name.length > word.length && !is_prefix && name.at[word.length] != '[' &&
            name.at[0] != ' '))
        return false;
    return pairs_name_reads(word, is_prefix, name, ignores_case);
}

#endif
