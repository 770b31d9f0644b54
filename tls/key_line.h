/*
 * tls/key_line.h - who is granted a turn next.
 *
 * KEY_LINES lines, one of which a source's address is assigned to by a hash that no
 * client knows; turns go round the lines in which somebody waits, and one line never has
 * more than half of them. A flood from one source is thereby one line's trouble, at the
 * price that others of that line share it.
 */
#ifndef TLS_KEY_LINE_H
#define TLS_KEY_LINE_H

#include <stdint.h>

#include "tls/key_turn.h"
#include "tls/key_wire.h"

#define KEY_LINES 256
#define KEY_LINE_TURNS (KEY_TURNS / 2)

struct key_lines {
    uint64_t salt;
    unsigned waiting, next; /* turns in all lines; the line that comes next */
    struct key_turn *first[KEY_LINES], *last[KEY_LINES];
    unsigned turns[KEY_LINES]; /* that each line has */
};

void key_lines_init(struct key_lines *lines);

/* Which line is this turn's, and may that line have one more? */
unsigned key_lines_find(const struct key_lines *lines, const struct key_turn *turn);
bool key_lines_may(const struct key_lines *lines, unsigned line);

void key_lines_add(struct key_lines *lines, struct key_turn *turn);
void key_lines_remove(struct key_lines *lines, struct key_turn *turn);

/* Removes and returns the next one; NULL when nobody waits who may have a turn. */
struct key_turn *key_lines_take(struct key_lines *lines);

#endif
