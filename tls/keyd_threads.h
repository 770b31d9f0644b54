/*
 * tls/keyd_threads.h - the threads in which keyd signs, one per processor.
 *
 * One lock guards the askers and what is spare of the keys; a thread holds it for
 * everything but the signature. Threads answer by themselves: what they cannot send ends
 * the channel (shutdown(2)), which the loop sees.
 */
#ifndef TLS_KEYD_THREADS_H
#define TLS_KEYD_THREADS_H

#include <pthread.h>

#include "tls/keyd_askers.h"

#define KEYD_THREADS 16 /* at most */

struct keyd_threads {
    struct keyd_askers *askers;
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_t threads[KEYD_THREADS];
    unsigned count;
    bool ended;
};

void keyd_threads_init(struct keyd_threads *threads, struct keyd_askers *askers);

/* Starts them, at least one. False: none could be started. */
bool keyd_threads_start(struct keyd_threads *threads) MUST_USE;

/* The caller has the askers to itself between these; unlock wakes who has work now. */
void keyd_threads_lock(struct keyd_threads *threads);
void keyd_threads_unlock(struct keyd_threads *threads);

/* Waits for the signatures under way. */
void keyd_threads_fini(struct keyd_threads *threads);

/* Writes IPC_SIGNED into `w` and sends it; ends the channel when it takes no more. */
void keyd_answer(const struct keyd_asker *asker, struct ipc_writer *w, uint32_t number,
    enum key_status status, struct bytes signature);

#endif
