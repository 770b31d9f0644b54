/*
 * tls/tls_tap.c - an OpenSSL BIO over two chunk queues.
 *
 * It copies once in each direction, holds nothing itself, and answers "try
 * again" when a queue is empty (reading) or full (writing). The second answer is
 * where backpressure enters OpenSSL: it also bounds what a peer can make us say
 * with a flood of KeyUpdates. The last record of all, close_notify, always passes. A BIO
 * pair or memory BIOs would copy twice and hold 22 to 34 KiB more per idle connection.
 *
 * It knows the stream's queues and nothing of sockets. Owns nothing.
 */
#include "tls/tls_tap.h"

#include <string.h>

#include "base/require.h"

static int
tap_read(BIO *bio, char *to, int room)
{
    struct tls_stream *s = BIO_get_data(bio);
    struct bytes front = chunk_queue_front(&s->cipher_in);
    size_t n = front.length;

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        if (s->transport_eof)
            return 0; /* OpenSSL reports it as truncation */
        BIO_set_retry_read(bio);
        return -1;
    }
    if (n > (size_t)room)
        n = (size_t)room;
    memcpy(to, front.at, n);
    chunk_queue_drop(&s->cipher_in, n);
    return (int)n;
}

static int
tap_write(BIO *bio, const char *from, int bytes)
{
    struct tls_stream *s = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (chunk_queue_is_full(&s->cipher_out) && !s->says_goodbye) {
        BIO_set_retry_write(bio);
        return -1;
    }
    chunk_queue_append(&s->cipher_out, bytes_of(from, (size_t)bytes));
    return bytes;
}

static long
tap_ctrl(BIO *bio, int command, long number, void *pointer)
{
    struct tls_stream *s = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_FLUSH)
        return 1; /* the loop flushes, in settle */
    if (command == BIO_CTRL_EOF)
        return s->transport_eof && chunk_queue_is_empty(&s->cipher_in);
    return 0;
}

/* One per process, for its whole life; NULL when there is no memory to begin it. */
static BIO_METHOD *
tap_method(void)
{
    static BIO_METHOD *method;
    int type;

    if (method != NULL)
        return method;
    type = BIO_get_new_index();
    method = type < 0 ? NULL : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "tap");
    if (method == NULL)
        return NULL;
    require(BIO_meth_set_read(method, tap_read) == 1 &&
        BIO_meth_set_write(method, tap_write) == 1 &&
        BIO_meth_set_ctrl(method, tap_ctrl) == 1); /* stores, and cannot fail */
    return method;
}

BIO *
tls_tap_new(struct tls_stream *s)
{
    BIO_METHOD *method = tap_method();
    BIO *bio = method == NULL ? NULL : BIO_new(method);

    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    return bio;
}
