/*
 * tests/unit/tls/played.h - a keyd that the test plays: it says what, when and to whom it
 * likes. Signatures that have to be good are made by the real one.
 */
#ifndef TESTS_UNIT_TLS_PLAYED_H
#define TESTS_UNIT_TLS_PLAYED_H

#include "lab.h"
#include "tls/key_wire.h"

struct played {
    int fd;
    int real; /* a channel to the real keyd */
};

/* lab.keys asks us from here on, and the real keyd again afterwards. */
void played_open(struct played *keyd);
void played_close(struct played *keyd);

/* Ends the channel and opens another, as if keyd had died and come back. */
void played_die(struct played *keyd);

bool played_is_asked(const struct played *keyd);

/* Runs the loop until there is a question and takes it; its number. */
uint32_t played_take(struct played *keyd);

/* Answers: with what the real keyd says to the question taken last, or as told. */
void played_sign(struct played *keyd, uint32_t number);
void played_answer(struct played *keyd, uint32_t number, enum key_status status,
    struct bytes signature);

/* --- the handshakes --- */

void site_dial(struct site *site, struct link *link);
bool link_is_asking(const struct link *link);
void link_run_until_established(struct link *link);
/* Both ends fail: the server's because nobody signed, the client's by an alert. */
void link_expect_no_key(struct link *link);

#endif
