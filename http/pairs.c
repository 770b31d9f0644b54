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

struct bytes
pairs_decode(struct bytes text, enum pairs_plus plus, struct arena *arena)
{
    char *to;

    if (text.length == 0)
        return BYTES("");
    if (memchr(text.at, '%', text.length) == NULL &&
        (plus == PAIRS_KEEP_PLUS || memchr(text.at, '+', text.length) == NULL))
        return text;
    to = arena_take(arena, text.length);
    return bytes_of(to, to == NULL ? 0 : decode(text, plus, to));
}

static unsigned
count_of(struct bytes text, char separator)
{
    unsigned count = 1;

    for (size_t i = 0; i < text.length; i++)
        count += text.at[i] == separator;
    return count;
}

/* Room for `count` more. What is reserved and not used stays with the arena. */
static enum fault
make_room(struct pairs *pairs, unsigned count, struct arena *arena)
{
    *pairs = (struct pairs){ .at = NULL };
    if (count > PAIRS_MAX)
        return FAULT_FILTER_PARAMETER;
    pairs->at = arena_take(arena, count * sizeof *pairs->at);
    return pairs->at == NULL ? FAULT_MEMORY : FAULT_NONE;
}

enum fault
pairs_of_query(struct bytes query, struct arena *arena, struct pairs *pairs)
{
    enum fault fault = make_room(pairs, count_of(query, '&'), arena);

    while (fault == FAULT_NONE && query.at != NULL) {
        struct bytes value = bytes_cut(&query, '&');
        struct bytes name;

        if (value.length == 0)
            continue;
        name = pairs_decode(bytes_cut(&value, '='), PAIRS_PLUS_IS_SPACE, arena);
        value = pairs_decode(value, PAIRS_PLUS_IS_SPACE, arena);
        if (name.at == NULL || value.at == NULL)
            return FAULT_MEMORY;
        pairs->at[pairs->count++] = (struct pair){ name, value };
    }
    return fault;
}

enum fault
pairs_of_cookies(const struct http_head *head, struct arena *arena, struct pairs *pairs)
{
    unsigned count = 0;
    enum fault fault;

    for (unsigned i = 0; i < head->field_count; i++)
        if (head->fields[i].id == FIELD_COOKIE)
            count += count_of(head->fields[i].value, ';');
    fault = make_room(pairs, count, arena);
    for (unsigned i = 0; fault == FAULT_NONE && i < head->field_count; i++) {
        struct bytes rest = head->fields[i].value;

        while (head->fields[i].id == FIELD_COOKIE && rest.at != NULL) {
            struct bytes value = bytes_trim(bytes_cut(&rest, ';'));
            struct bytes name = bytes_trim(bytes_cut(&value, '='));

            if (name.length > 0)
                pairs->at[pairs->count++] = (struct pair){ name, bytes_trim(value) };
        }
    }
    return fault;
}

static inline char
as_read(char c, bool ignores_case)
{
    if (c == '.' || c == ' ')
        return '_';
    return ignores_case ? ascii_lower(c) : c;
}

bool
pairs_name_is(struct bytes word, struct bytes name, bool ignores_case)
{
    bool is_prefix = word.length > 0 && word.at[word.length - 1] == '*';

    word.length -= is_prefix;
    while (name.length > 0 && name.at[0] == ' ') {
        name.at++;
        name.length--;
    }
    if (name.length > word.length && !is_prefix) {
        if (name.at[word.length] != '[')
            return false;
    } else if (name.length < word.length) {
        return false;
    }
    for (size_t i = 0; i < word.length; i++)
        if (as_read(name.at[i], ignores_case) != as_read(word.at[i], ignores_case))
            return false;
    return true;
}
