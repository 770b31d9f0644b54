/*
 * tls/key_client.c - the question to keyd and the wait for its answer.
 *
 * One question at a time, answered on the same channel; numbers keep an answer
 * that came too late from being taken for the next one. When keyd is late once,
 * nobody asks for KEY_REST_MS: a stopped keyd must not stop the loop again and
 * again. It knows nothing of OpenSSL's provider interface (key_provider.c).
 *
 * Owns the channel. Trust: keyd is ours, but its answer is still measured.
 */
#include "tls/key_client.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "tls/key_provider.h"

#define KEY_REST_MS 3000

struct key_client {
    int channel; /* -1: keyd is away */
    uint32_t number;
    uint64_t rests_until_ms;
    struct ipc_writer question; /* here, not on the stack: 60 KiB each */
    struct ipc_message answer;
};

struct key_client *
key_client_new(void)
{
    struct key_client *client = require_zeroed(1, sizeof *client);

    client->channel = -1;
    return client;
}

void
key_client_free(struct key_client **client)
{
    if (*client == NULL)
        return;
    key_client_set_channel(*client, -1);
    free(*client);
    *client = NULL;
}

void
key_client_set_channel(struct key_client *client, int channel)
{
    if (client->channel >= 0)
        close(client->channel);
    client->channel = channel;
    client->rests_until_ms = 0;
    /* A keyd that stopped taking questions must not hold us in send. */
    if (channel >= 0)
        require(fcntl(channel, F_SETFL, O_NONBLOCK) == 0);
}

bool
key_client_is_alive(const struct key_client *client)
{
    return client->channel >= 0 && clock_ms() >= client->rests_until_ms;
}

/* Waits for the answer to the question just sent; older answers are thrown away. */
static enum ipc_result
receive_answer(struct key_client *client)
{
    uint64_t now = clock_ms(), deadline = now + KEY_TIMEOUT_MS;

    while (now < deadline) {
        struct ipc_message *m = &client->answer;
        enum ipc_result result = ipc_receive(client->channel, (int)(deadline - now), m);

        if (result != IPC_DONE)
            return result;
        if (m->tag != IPC_SIGNED)
            return IPC_REFUSED;
        if (ipc_get_u32(m) == client->number)
            return IPC_DONE;
        ipc_done(m);
        now = clock_ms();
    }
    return IPC_AGAIN;
}

static bool
take_signature(struct ipc_message *m, unsigned char *signature, size_t *length)
{
    uint32_t status = ipc_get_u32(m);
    struct bytes data = ipc_get_bytes(m);
    bool good = !m->broken && ipc_at_end(m) && status == KEY_SIGNED &&
        data.length > 0 && data.length <= *length;

    if (good) {
        memcpy(signature, data.at, data.length);
        *length = data.length;
    }
    ipc_done(m);
    return good;
}

bool
key_client_sign(struct key_client *client, const unsigned char *name,
    enum key_scheme scheme, enum key_hash hash, struct bytes digest,
    unsigned char *signature, size_t *length)
{
    struct ipc_writer *w = &client->question;
    enum ipc_result result;

    if (!key_client_is_alive(client))
        return false;
    ipc_begin(w, IPC_SIGN);
    ipc_put_u32(w, ++client->number);
    ipc_put_bytes(w, bytes_of(name, KEY_NAME_BYTES));
    ipc_put_u32(w, scheme);
    ipc_put_u32(w, hash);
    ipc_put_bytes(w, digest);
    result = ipc_send(client->channel, w);
    if (result == IPC_DONE)
        result = receive_answer(client);
    if (result == IPC_DONE)
        return take_signature(&client->answer, signature, length);
    if (result == IPC_AGAIN)
        client->rests_until_ms = clock_ms() + KEY_REST_MS;
    else
        key_client_set_channel(client, -1);
    return false;
}

EVP_PKEY *
key_client_stub(struct key_client *client, X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    return key == NULL ? NULL : key_provider_wrap(client, key);
}

bool
key_name_of(EVP_PKEY *key, unsigned char name[KEY_NAME_BYTES])
{
    unsigned char *spki = NULL;
    int length = i2d_PUBKEY(key, &spki);
    bool good = length > 0 && SHA256(spki, (size_t)length, name) != NULL;

    OPENSSL_free(spki);
    return good;
}
