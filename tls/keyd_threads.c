/*
 * tls/keyd_threads.c - take a question, sign, answer.
 *
 * It has no code but this to use a private key: one digest, padded here.
 */
#include "tls/keyd_threads.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"

/* --- one signature --- */

static bool
set_up(EVP_PKEY_CTX *context, enum key_scheme scheme, const EVP_MD *hash)
{
    if (EVP_PKEY_sign_init(context) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context, hash) != 1)
        return false;
    if (scheme == KEY_RSA_PSS)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1 &&
            EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) == 1;
    if (scheme == KEY_RSA_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return true;
}

static EVP_PKEY_CTX *
new_context(const struct keyd_question *q)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(q->key->key, NULL);

    if (context != NULL &&
        set_up(context, q->scheme, EVP_get_digestbyname(key_hashes[q->hash].name)))
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

/* Without the lock. *context: one that is ready, or NULL. */
static enum key_status
sign(const struct keyd_question *q, EVP_PKEY_CTX **context, unsigned char *signature,
    size_t *length)
{
    if (*context == NULL)
        *context = new_context(q);
    if (*context != NULL &&
        EVP_PKEY_sign(*context, signature, length, q->digest,
            key_hashes[q->hash].bytes) == 1)
        return KEY_SIGNED;
    ERR_clear_error();
    return KEY_REFUSED;
}

void
keyd_answer(const struct keyd_asker *asker, struct ipc_writer *w, uint32_t number,
    enum key_status status, struct bytes signature)
{
    ipc_begin(w, IPC_SIGNED);
    ipc_put_u32(w, number);
    ipc_put_u32(w, status);
    ipc_put_bytes(w, signature);
    /* An asker that asks and never listens loses its channel, not our time. */
    if (asker->fd >= 0 && ipc_send(asker->fd, w) != IPC_DONE)
        (void)shutdown(asker->fd, SHUT_RDWR);
}

/* With the lock, which it gives up while it signs. */
static void
serve(struct keyd_threads *t, struct keyd_asker *asker, const struct keyd_question *q,
    struct ipc_writer *w)
{
    EVP_PKEY_CTX **spare = &q->key->spare[q->scheme][q->hash], *context = *spare;
    unsigned char signature[KEY_SIGNATURE_BYTES];
    size_t length = sizeof signature;
    enum key_status status;
    uint64_t begun_ns = clock_ns();

    *spare = NULL;
    pthread_mutex_unlock(&t->lock);
    status = sign(q, &context, signature, &length);
    pthread_mutex_lock(&t->lock);
    q->key->cost_ns = clock_ns() - begun_ns;
    if (*spare == NULL)
        *spare = context;
    else
        EVP_PKEY_CTX_free(context);
    keyd_answer(asker, w, q->number, status,
        bytes_of(signature, status == KEY_SIGNED ? length : 0));
    keyd_askers_done(asker);
}

/* --- the threads --- */

static void *
work(void *threads)
{
    struct keyd_threads *t = threads;
    struct ipc_writer *w = require_alloc(sizeof *w);
    struct keyd_asker *asker;
    struct keyd_question q;

    pthread_mutex_lock(&t->lock);
    while (!t->ended) {
        asker = keyd_askers_take(t->askers, &q);
        if (asker != NULL)
            serve(t, asker, &q, w);
        else
            pthread_cond_wait(&t->work, &t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    free(w);
    return NULL;
}

/* By sched_getaffinity: sysconf would open files, which the jail has none of. */
static unsigned
processors(void)
{
    cpu_set_t set;
    int count = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > KEYD_THREADS ? KEYD_THREADS : (unsigned)count;
}

void
keyd_threads_init(struct keyd_threads *t, struct keyd_askers *askers)
{
    *t = (struct keyd_threads){ .askers = askers };
    require(pthread_mutex_init(&t->lock, NULL) == 0);
    require(pthread_cond_init(&t->work, NULL) == 0);
}

bool
keyd_threads_start(struct keyd_threads *t)
{
    unsigned wanted = processors();

    while (
        t->count < wanted && pthread_create(&t->threads[t->count], NULL, work, t) == 0)
        t->count++;
    return t->count > 0;
}

void
keyd_threads_lock(struct keyd_threads *t)
{
    pthread_mutex_lock(&t->lock);
}

void
keyd_threads_unlock(struct keyd_threads *t)
{
    if (t->askers->waiting == 1)
        pthread_cond_signal(&t->work);
    else if (t->askers->waiting > 1)
        pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
}

void
keyd_threads_fini(struct keyd_threads *t)
{
    pthread_mutex_lock(&t->lock);
    t->ended = true;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    while (t->count > 0)
        pthread_join(t->threads[--t->count], NULL);
    pthread_cond_destroy(&t->work);
    pthread_mutex_destroy(&t->lock);
}
