/*
 * base/bytes.h - a view of memory that owns nothing.
 *
 * Protocol text is never NUL-terminated here: a view says how long it is, so a
 * NUL inside is an ordinary byte. Whoever owns the memory outlives the view.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const char *at; /* may be NULL when length is 0 */
    size_t length;
};

/* A view of a string literal. */
#define BYTES(literal) ((struct bytes){ (literal), sizeof(literal) - 1 })

/* For printf("%.*s", BYTES_ARG(view)). */
#define BYTES_ARG(view) (int)(view).length, (view).at

static inline struct bytes
bytes_of(const void *at, size_t length)
{
    return (struct bytes){ at, length };
}

/* A view of a NUL-terminated string; NULL gives the empty view. */
static inline struct bytes
bytes_of_string(const char *text)
{
    return (struct bytes){ text, text == NULL ? 0 : strlen(text) };
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

/* ASCII only, whatever the locale: 'A'..'Z' to 'a'..'z', all else unchanged. */
static inline char
ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Equality that ignores the case of ASCII letters (RFC 9110, 5.1). */
bool bytes_equal_nocase(struct bytes a, struct bytes b);

/* True when `text` begins with `prefix`; the second ignores ASCII case. */
bool bytes_has_prefix(struct bytes text, struct bytes prefix);
bool bytes_has_prefix_nocase(struct bytes text, struct bytes prefix);

/* True when `needle` occurs anywhere in `text`, ignoring ASCII case. */
bool bytes_contains_nocase(struct bytes text, struct bytes needle);

/* `text` without spaces and tabs at both ends (OWS, RFC 9110, 5.6.3). */
struct bytes bytes_trim(struct bytes text);

/*
 * Cuts the part before the next `separator` off `rest` and returns it,
 * untrimmed; `rest` then stands behind the separator. When none is left the
 * whole of `rest` is returned and `rest` becomes { NULL, 0 }. Loop while
 * rest.at != NULL.
 */
struct bytes bytes_cut(struct bytes *rest, char separator);

/*
 * Decimal digits only, no sign, no blank, at least one digit, at most `max`.
 * Returns false, leaving `*number` alone, for anything else.
 */
bool bytes_to_u64(struct bytes text, uint64_t max, uint64_t *number);

/* Equality in constant time for equal lengths, for secrets and their tags. */
bool bytes_equal_secret(struct bytes a, struct bytes b);

#endif
