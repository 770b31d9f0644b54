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

unsigned
key_lines_find(const struct key_lines *lines, const struct key_turn *turn)
{
    const uint64_t text[2] = { lines->salt, turn->source };
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)text, sizeof text, hash);
    return hash[0] % KEY_LINES;
}

bool
key_lines_may(const struct key_lines *lines, unsigned line)
{
    return lines->turns[line] < KEY_LINE_TURNS;
}

void
key_lines_add(struct key_lines *lines, struct key_turn *turn)
{
    unsigned line = turn->line;

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

    for (unsigned i = 0; lines->waiting > 0 && i < KEY_LINES && turn == NULL; i++) {
        if (key_lines_may(lines, lines->next))
            turn = lines->first[lines->next];
        lines->next = (lines->next + 1) % KEY_LINES;
    }
    if (turn != NULL)
        key_lines_remove(lines, turn);
    return turn;
}
