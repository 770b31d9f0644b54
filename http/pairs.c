/*
 * http/pairs.c - names and values: the parameters of a query, the cookies of a head.
 *
 * Cuts and decodes, and judges nothing. Reads as the most lenient webmail does, since
 * what is missed here is checked nowhere.
 *
 * Trust: all text comes from the network. Memory is the caller's arena.
 */
#include "http/pairs.h"

#include "http/scan.h"

static size_t
decode(struct bytes text, enum pairs_plus plus, char *to)
{
    const char *at = text.at, *end = text.at + text.length;
    char *start = to;

    while (at < end) {
        if (*at == '%' && end - at > 2 && scan_is(at[1], SCAN_HEX) &&
            scan_is(at[2], SCAN_HEX)) {
            *to++ = (char)(scan_hex(at[1]) << 4 | scan_hex(at[2]));
            at += 3;
        } else {
            *to++ = *at == '+' && plus == PAIRS_PLUS_IS_SPACE ? ' ' : *at;
            at++;
        }
    }
    return (size_t)(to - start);
}

static bool
is_plain(struct bytes text, enum pairs_plus plus)
{
    return text.length == 0 ||
        (memchr(text.at, '%', text.length) == NULL &&
            (plus == PAIRS_KEEP_PLUS || memchr(text.at, '+', text.length) == NULL));
}

struct bytes
pairs_decode(struct bytes text, enum pairs_plus plus, struct arena *arena)
{
    char *to;

    if (text.length == 0)
        return BYTES("");
    if (is_plain(text, plus))
        return text;
    to = arena_take(arena, text.length);
    return bytes_of(to, to == NULL ? 0 : decode(text, plus, to));
}

/* What a full array leaves in the arena is at most as long as the one that follows. */
static enum fault
make_room(struct pairs *pairs, struct arena *arena)
{
    unsigned room = pairs->count == 0 ? 16 : 2 * pairs->count;
    struct pair *at;

    if (pairs->count == PAIRS_MAX)
        return FAULT_FILTER_PARAMETER;
    at = arena_take(arena, room * sizeof *at);
    if (at == NULL)
        return FAULT_MEMORY;
    if (pairs->count > 0)
        memcpy(at, pairs->at, pairs->count * sizeof *at);
    pairs->at = at;
    return FAULT_NONE;
}

/* The array is full at 16, 32, 64 ... */
static enum fault
add(struct pairs *pairs, struct bytes name, struct bytes value, struct arena *arena)
{
    bool is_full = (pairs->count & (pairs->count - 1)) == 0 &&
        (pairs->count == 0 || pairs->count >= 16);
    enum fault fault = is_full ? make_room(pairs, arena) : FAULT_NONE;

    if (fault == FAULT_NONE)
        pairs->at[pairs->count++] = (struct pair){ name, value };
    return fault;
}

enum fault
pairs_of_query(struct bytes query, struct arena *arena, struct pairs *pairs)
{
    bool is_decoded = is_plain(query, PAIRS_PLUS_IS_SPACE);
    enum fault fault = FAULT_NONE;

    *pairs = (struct pairs){ .at = NULL };
    while (fault == FAULT_NONE && query.at != NULL) {
        struct bytes value = bytes_cut(&query, '&');
        struct bytes name;

        if (value.length == 0)
            continue;
        name = bytes_cut(&value, '=');
        if (!is_decoded) {
            name = pairs_decode(name, PAIRS_PLUS_IS_SPACE, arena);
            value = pairs_decode(value, PAIRS_PLUS_IS_SPACE, arena);
            if (name.at == NULL || value.at == NULL)
                return FAULT_MEMORY;
        }
        fault = add(pairs, name, value, arena);
    }
    return fault;
}

static enum fault
add_cookies(struct pairs *pairs, struct bytes rest, struct arena *arena)
{
    enum fault fault = FAULT_NONE;

    while (fault == FAULT_NONE && rest.at != NULL) {
        struct bytes value = bytes_cut(&rest, ';');
        struct bytes name = bytes_trim(bytes_cut(&value, '='));

        if (name.length > 0)
            fault = add(pairs, name, bytes_trim(value), arena);
    }
    return fault;
}

enum fault
pairs_of_cookies(const struct http_head *head, struct arena *arena, struct pairs *pairs)
{
    enum fault fault = FAULT_NONE;

    *pairs = (struct pairs){ .at = NULL };
    for (unsigned i = 0; fault == FAULT_NONE && i < head->field_count; i++)
        if (head->fields[i].id == FIELD_COOKIE)
            fault = add_cookies(pairs, head->fields[i].value, arena);
    return fault;
}

static inline char
as_read(char c, bool ignores_case)
{
    if (c == '.' || c == ' ' || c == '[')
        return '_';
    return ignores_case ? ascii_lower(c) : c;
}

bool
pairs_name_reads(struct bytes word, bool is_prefix, struct bytes name,
    bool ignores_case)
{
    while (name.length > 0 && name.at[0] == ' ') {
        name.at++;
        name.length--;
    }
    if (name.length < word.length ||
        (name.length > word.length && !is_prefix && name.at[word.length] != '['))
        return false;
    for (size_t i = 0; i < word.length; i++)
        if (name.at[i] != word.at[i] &&
            as_read(name.at[i], ignores_case) != as_read(word.at[i], ignores_case))
            return false;
    return true;
}

bool
pairs_name_ends(struct bytes word, struct bytes name, bool ignores_case)
{
    struct bytes end;

    if (name.length < word.length)
        return false;
    end = bytes_of(name.at + name.length - word.length, word.length);
    return ignores_case ? bytes_equal_nocase(end, word) : bytes_equal(end, word);
}
