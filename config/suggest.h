/*
 * config/suggest.h - "did you mean": the nearest of some words.
 */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stdbool.h>

#define SUGGEST_BYTES 256

struct suggestion {
    const char *wanted;
    char best[SUGGEST_BYTES]; /* "" while there is none */
    unsigned distance;
};

void suggest_begin(struct suggestion *s, const char *wanted);
void suggest_consider(struct suggestion *s, const char *candidate);

/* True when the best one is near enough to be what was meant. */
bool suggest_is_near(const struct suggestion *s);

#endif
