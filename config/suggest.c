/*
 * config/suggest.c - the distance of two words in slips of the keyboard.
 */
#include "config/suggest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

#define WORD_MAX 64 /* longer words are not compared */

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours (Damerau, 1964), ignoring case. */
static unsigned
distance(const char *a, const char *b)
{
    unsigned row[3][WORD_MAX + 1];
    size_t m = strlen(a), n = strlen(b);

    if (m > WORD_MAX || n > WORD_MAX)
        return UINT_MAX;
    for (size_t j = 0; j <= n; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *now = row[i % 3], *above = row[(i + 2) % 3],
                 *before = row[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            bool differ = ascii_lower(a[i - 1]) != ascii_lower(b[j - 1]);

            now[j] = least(above[j - 1] + differ, least(above[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[m % 3][n];
}

void
suggest_begin(struct suggestion *s, const char *wanted)
{
    s->wanted = wanted;
    s->best[0] = '\0';
    s->distance = UINT_MAX;
}

void
suggest_consider(struct suggestion *s, const char *candidate)
{
    unsigned d = distance(s->wanted, candidate);

    if (d >= s->distance || strlen(candidate) >= sizeof(s->best))
        return;
    s->distance = d;
    snprintf(s->best, sizeof(s->best), "%s", candidate);
}

bool
suggest_is_near(const struct suggestion *s)
{
    return s->best[0] != '\0' && s->distance <= 1 + strlen(s->wanted) / 4;
}
