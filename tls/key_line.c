/*
 * tls/key_line.c - lists of turns. Owns none of them.
 */
#include "tls/key_line.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/secret.h"

void
key_lines_init(struct key_lines *lines)
{
    memset(lines, 0, sizeof *lines);
    secret_random(&lines->salt, sizeof lines->salt);
}

static unsigned
line_of(const struct key_lines *lines, uint64_t source)
{
    const uint64_t text[2] = { lines->salt, source };
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)text, sizeof text, hash);
    return hash[0] % KEY_LINES;
}

void
key_lines_add(struct key_lines *lines, struct key_turn *turn)
{
    unsigned line = line_of(lines, turn->source);

    turn->line = line;
    turn->next = NULL;
    turn->previous = lines->last[line];
    if (turn->previous != NULL)
        turn->previous->next = turn;
    else
        lines->first[line] = turn;
    lines->last[line] = turn;
    lines->waiting++;
}

void
key_lines_remove(struct key_lines *lines, struct key_turn *turn)
{
    if (turn->previous != NULL)
        turn->previous->next = turn->next;
    else
        lines->first[turn->line] = turn->next;
    if (turn->next != NULL)
        turn->next->previous = turn->previous;
    else
        lines->last[turn->line] = turn->previous;
    turn->next = turn->previous = NULL;
    lines->waiting--;
}

struct key_turn *
key_lines_take(struct key_lines *lines)
{
    struct key_turn *turn = NULL;

    while (lines->waiting > 0 && turn == NULL) {
        turn = lines->first[lines->next];
        lines->next = (lines->next + 1) % KEY_LINES;
    }
    if (turn != NULL)
        key_lines_remove(lines, turn);
    return turn;
}
