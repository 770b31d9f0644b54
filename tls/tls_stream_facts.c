/*
 * tls/tls_stream_facts.c - what a stream and its socket can tell: nothing here changes
 * anything.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>

#include "tls/tls_stream.h"

bool
tls_stream_is_quiet(const struct tls_stream *s)
{
    char byte;
    int fd;

    return uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0 &&
        recv(fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

uint64_t
tls_stream_written(const struct tls_stream *s)
{
    size_t waiting = uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);

    return s->bytes_out + (s->writing ? s->in_flight.length - waiting : 0);
}

uint64_t
tls_stream_acknowledged(const struct tls_stream *s)
{
    uint64_t written = tls_stream_written(s);
    int fd, queued;

    if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) != 0 ||
        ioctl(fd, SIOCOUTQ, &queued) != 0 || queued < 0)
        return written;
    /* A FIN that is under way counts as one byte more. */
    return written > (uint64_t)queued ? written - (uint64_t)queued : 0;
}

const struct chunk_queue *
tls_stream_unread(const struct tls_stream *s)
{
    return &s->cipher_in;
}

static const char *
version_of(const SSL *ssl)
{
    return SSL_version(ssl) == TLS1_3_VERSION ? "1.3" : "1.2";
}

void
tls_stream_facts(const struct tls_stream *s, struct tls_facts *facts)
{
    const SSL_CIPHER *cipher = s->ssl == NULL ? NULL : SSL_get_current_cipher(s->ssl);
    const char *name, *curve;

    *facts = (struct tls_facts){ "", "", "", "", false };
    if (s->ssl == NULL)
        return;
    name = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
    facts->server_name = name != NULL ? name : "";
    if (cipher == NULL)
        return;
    curve = SSL_group_to_name(s->ssl, (int)SSL_get_negotiated_group(s->ssl));
    facts->version = version_of(s->ssl);
    facts->cipher = SSL_CIPHER_standard_name(cipher);
    facts->curve = curve != NULL ? curve : "";
    facts->resumed = SSL_session_reused(s->ssl) == 1;
}
