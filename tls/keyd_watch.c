/*
 * tls/keyd_watch.c - counts of one window against the usual.
 */
#include "tls/keyd_watch.h"

#define MEMORY 16 /* windows over which the usual forgets */

static double
mean_of_others(const struct keyd_askers *askers, unsigned row)
{
    double sum = 0;

    for (unsigned i = 0; i < askers->count; i++)
        sum += i == row ? 0 : (double)askers->rows[i]->window.questions;
    return askers->count > 1 ? sum / (askers->count - 1) : 0;
}

bool
keyd_watch_is_odd(const struct keyd_askers *askers, unsigned row,
    struct keyd_finding *finding)
{
    const struct keyd_asker *asker = askers->rows[row];
    double usual = mean_of_others(askers, row);
    bool is_learning = asker->windows < KEYD_LEARNING && askers->count == 1;

    if (asker->usual > usual)
        usual = asker->usual;
    *finding = (struct keyd_finding){ asker->name, asker->window, (uint64_t)usual };
    if (asker->window.refused > 0)
        return true;
    return !is_learning && asker->window.questions > KEYD_ODD_LEAST &&
        (double)asker->window.questions > KEYD_ODD_TIMES * usual;
}

void
keyd_watch_turn(struct keyd_askers *askers)
{
    for (unsigned i = 0; i < askers->count; i++) {
        struct keyd_asker *asker = askers->rows[i];
        double questions = (double)asker->window.questions;

        asker->total.questions += asker->window.questions;
        asker->total.refused += asker->window.refused;
        asker->usual += (questions - asker->usual) / (asker->windows == 0 ? 1 : MEMORY);
        asker->windows++;
        asker->window = (struct keyd_count){ 0 };
    }
}
