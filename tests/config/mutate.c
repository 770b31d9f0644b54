/*
 * tests/config/mutate.c - 20,000 damaged configurations, and not one crash.
 *
 * usage: config_mutate FILE... Each file is damaged again and again by a fixed sequence
 * of random edits and handed to the fuzzer of the configuration, which says what must
 * hold. The sanitizers of the test build judge too; the test's time limit finds a hang.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/require.h"

/* tests/fuzz/fuzz_config.c */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern unsigned fuzz_config_usable;

#define MUTATIONS 20000
#define EDITS_MAX 6
#define TEXT_MAX (64 * 1024)

static const char *const tokens[] = { "*", "&a ", "*a", "!!str ", "<<: ", "\"", "'",
    "{", "}", "[", "]", ": ", ":", "- ", "? ", "|\n", ">-\n", "#", "\t", "\r", "\n",
    "\n  ", "---\n", "...\n", "%YAML 1.1\n", "\\x00", "\"\\0\"", "\xef\xbb\xbf", "\xc3",
    "\xff", "é", "~", "null", "@", "`", ",", "0", "99999999999999999999", "-1", "1e9",
    "file:", "credential:", "env:X", "http://", "https://[::1", "@", "*.", "..", "/",
    "tunnel", "clear_text", "upstreams:", "include: /dev/null\n", "key: hunter2",
    "limits: {head: 1KiB}", "routes: {/a: {}}", "/**", "[a-\\]]{1,9}", "10.0.0.0/8",
    "2026-12-31", "action: deny", "extends: any\n", "model: false", "[]" };

struct text {
    char bytes[TEXT_MAX];
    size_t length;
};

static uint64_t state = 0x9e3779b97f4a7c15;

/* xorshift64*: the same sequence in every run. */
static size_t
pick(size_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return below == 0 ? 0 : (size_t)((state * 0x2545f4914f6cdd1d) >> 33) % below;
}

/* Replaces `cut` bytes at `at` by `insert`. */
static void
splice(struct text *t, size_t at, size_t cut, const char *insert, size_t length)
{
    if (cut > t->length - at)
        cut = t->length - at;
    if (t->length - cut + length > TEXT_MAX)
        return;
    memmove(t->bytes + at + length, t->bytes + at + cut, t->length - at - cut);
    memcpy(t->bytes + at, insert, length);
    t->length += length - cut;
}

static size_t
line_start(const struct text *t, size_t at)
{
    while (at > 0 && t->bytes[at - 1] != '\n')
        at--;
    return at;
}

static size_t
line_length(const struct text *t, size_t start)
{
    const char *end = memchr(t->bytes + start, '\n', t->length - start);

    return end == NULL ? t->length - start : (size_t)(end - t->bytes) - start + 1;
}

static size_t
word_length(const struct text *t, size_t at)
{
    size_t length = 0;

    while (at + length < t->length && strchr(" \n:,", t->bytes[at + length]) == NULL)
        length++;
    return length;
}

static void
move_line(struct text *t, size_t at, bool keep)
{
    static char line[TEXT_MAX];
    size_t start = line_start(t, at), length = line_length(t, start);

    memcpy(line, t->bytes + start, length);
    if (!keep)
        splice(t, start, length, "", 0);
    splice(t, line_start(t, pick(t->length)), 0, line, length);
}

static void
edit(struct text *t)
{
    size_t at = pick(t->length);
    const char *token = tokens[pick(sizeof(tokens) / sizeof(tokens[0]))];

    switch (pick(8)) {
    case 0:
        if (t->length > 0)
            t->bytes[at] ^= (char)(1 << pick(8));
        break;
    case 1:
        splice(t, at, 1 + pick(20), "", 0);
        break;
    case 2:
        move_line(t, at, true);
        break;
    case 3:
        move_line(t, at, false);
        break;
    case 4:
    case 5:
        splice(t, at, 0, token, strlen(token));
        break;
    case 6:
        splice(t, at, word_length(t, at), token, strlen(token));
        break;
    default:
        t->length = at; /* cut off in the middle */
        break;
    }
}

static void
read_file(const char *path, struct text *t)
{
    FILE *file = fopen(path, "r");

    require(file != NULL);
    t->length = fread(t->bytes, 1, TEXT_MAX - 1, file);
    fclose(file);
}

int
main(int argc, char **argv)
{
    static struct text original, damaged;

    require(argc > 1);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        read_file(argv[1 + i % (unsigned)(argc - 1)], &original);
        damaged = original;
        for (size_t edits = 1 + pick(EDITS_MAX); edits > 0; edits--)
            edit(&damaged);
        LLVMFuzzerTestOneInput((const uint8_t *)damaged.bytes, damaged.length);
    }
    printf("1..1\nok 1 - %d mutations, %u still usable\n", MUTATIONS,
        fuzz_config_usable);
    return fuzz_config_usable > 0 && fuzz_config_usable < MUTATIONS ? 0 : 1;
}
