/*
 * tls/keyd_watch.c - counts of one window against the usual.
 */
#include "tls/keyd_watch.h"

#define MEMORY 16 /* windows over which the usual forgets */

/* Those that are there: one that is away asks for nothing, which is not usual. */
static double
mean_of_others(const struct keyd_askers *askers, const struct keyd_tally *tally,
    unsigned *others)
{
    double sum = 0;

    *others = 0;
    for (unsigned i = 0; i < askers->count; i++) {
        const struct keyd_tally *other = askers->rows[i]->tally;

        if (other == tally)
            continue;
        sum += (double)other->window.questions;
        ++*others;
    }
    return *others > 0 ? sum / *others : 0;
}

bool
keyd_watch_is_odd(const struct keyd_askers *askers, const struct keyd_tally *tally,
    struct keyd_finding *finding)
{
    unsigned others;
    double usual = mean_of_others(askers, tally, &others);
    bool is_learning = tally->windows < KEYD_LEARNING && others == 0;

    if (tally->usual > usual)
        usual = tally->usual;
    *finding = (struct keyd_finding){ tally->name, tally->window, (uint64_t)usual };
    if (tally->window.refused > 0)
        return true;
    return !is_learning && tally->window.questions > KEYD_ODD_LEAST &&
        (double)tally->window.questions > KEYD_ODD_TIMES * usual;
}

void
keyd_watch_turn(struct keyd_askers *askers)
{
    for (unsigned i = 0; i < askers->tally_count; i++) {
        struct keyd_tally *tally = askers->tallies[i];
        double questions = (double)tally->window.questions;

        tally->total.questions += tally->window.questions;
        tally->total.refused += tally->window.refused;
        tally->usual += (questions - tally->usual) / (tally->windows == 0 ? 1 : MEMORY);
        tally->windows++;
        tally->window = (struct keyd_count){ 0 };
    }
}
