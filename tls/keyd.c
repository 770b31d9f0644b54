/*
 * tls/keyd.c - the process that holds the private keys.
 *
 * It reads key files that the parent opened, keeps the keys in memory that is
 * locked and never dumped, goes to jail, and then answers one kind of question:
 * "sign this digest with that key". It sees neither the network nor a message that
 * is to be signed, and it has no code to decrypt.
 *
 * One loop, one question at a time: a signature takes tens to hundreds of
 * microseconds, and questions wait in the askers' sockets.
 * Trust: askers are workers, which an attacker may own. A question that is not
 * exactly as key_wire.h says ends its channel.
 */
#include "tls/keyd.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/jail.h"
#include "base/secret.h"
#include "tls/key_client.h"
#include "tls/key_wire.h"

#define SECURE_HEAP_BYTES ((size_t)1024 * 1024) /* some 2 KiB per RSA key */
#define SECURE_HEAP_PIECE 32
#define KEY_FILE_BYTES ((size_t)256 * 1024)
#define KEYS 256
#define ASKERS 128
#define RSA_BITS 2048
#define PLACE_BYTES 1024

struct held_key {
    unsigned char name[KEY_NAME_BYTES];
    EVP_PKEY *key;
    /* Prepared on first use: to set one up costs as much as a P-256 signature. */
    EVP_PKEY_CTX *ready[KEY_SCHEMES][KEY_HASHES];
};

struct keyd {
    int control;
    bool working, ended;
    int status;
    struct held_key keys[KEYS];
    unsigned key_count;
    struct pollfd polled[1 + ASKERS]; /* [0] is the control channel */
    unsigned asker_count;
    struct ipc_message message;
    struct ipc_writer answer;
};

/* --- loading --- */

/* OpenSSL asks here when a key is encrypted: nobody can type at a daemon. */
static int
refuse_password(char *buffer, int room, int writing, void *asked)
{
    (void)buffer;
    (void)room;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* The whole file into `to`; 0 when it cannot be read or is too large. */
static size_t
read_file(int fd, char *to, size_t room)
{
    size_t length = 0;

    while (length < room) {
        ssize_t n = read(fd, to + length, room - length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return 0;
        if (n == 0)
            return length;
        length += (size_t)n;
    }
    return 0;
}

/* The first private key in a PEM file; certificates before it are passed over. */
static EVP_PKEY *
read_key(int fd, struct note *note)
{
    void *text = secret_new(KEY_FILE_BYTES);
    size_t length = read_file(fd, text, KEY_FILE_BYTES);
    BIO *bio = BIO_new_mem_buf(text, (int)length);
    bool has_password = false;
    EVP_PKEY *key = NULL;

    if (bio != NULL && length > 0)
        key = PEM_read_bio_PrivateKey(bio, NULL, refuse_password, &has_password);
    if (length == 0)
        note_set(note, "it is empty, too large or cannot be read");
    else if (has_password)
        note_set(note,
            "the key is protected by a password; write it without one: "
            "openssl pkey -in OLD -out NEW");
    else if (key == NULL)
        note_set(note, "there is no PEM private key in it");
    BIO_free(bio);
    secret_free(&text, KEY_FILE_BYTES);
    ERR_clear_error();
    return key;
}

static bool
is_usable(const EVP_PKEY *key, struct note *note)
{
    if (EVP_PKEY_is_a(key, "EC"))
        return true;
    if (!EVP_PKEY_is_a(key, "RSA")) {
        note_set(note, "only RSA and ECDSA keys can be used");
        return false;
    }
    if (EVP_PKEY_get_bits(key) < RSA_BITS) {
        note_set(note, "the RSA key has fewer than %d bits", RSA_BITS);
        return false;
    }
    return true;
}

static struct held_key *
find_key(struct keyd *d, struct bytes name)
{
    for (unsigned i = 0; i < d->key_count; i++) {
        if (bytes_equal(bytes_of(d->keys[i].name, KEY_NAME_BYTES), name))
            return &d->keys[i];
    }
    return NULL;
}

/* Several certificates may share one key: it is held once. */
static bool
hold_key(struct keyd *d, EVP_PKEY *key, struct note *note)
{
    struct held_key *held = &d->keys[d->key_count];

    if (d->key_count == KEYS) {
        note_set(note, "there are more than %d keys", KEYS);
        return false;
    }
    if (!is_usable(key, note))
        return false;
    require(key_name_of(key, held->name));
    if (find_key(d, bytes_of(held->name, KEY_NAME_BYTES)) != NULL) {
        EVP_PKEY_free(key);
        return true;
    }
    held->key = key;
    d->key_count++;
    return true;
}

static void
end(struct keyd *d, int status)
{
    d->ended = true;
    d->status = status;
}

static void
tell_parent(struct keyd *d, enum ipc_tag tag, const char *text)
{
    ipc_begin(&d->answer, tag);
    if (text != NULL)
        ipc_put_string(&d->answer, text);
    if (ipc_send(d->control, &d->answer) != IPC_DONE)
        end(d, 1); /* the parent is gone */
}

static void
give_up(struct keyd *d, const char *why)
{
    tell_parent(d, IPC_FAILED, why);
    end(d, 1);
}

static void
take_key(struct keyd *d)
{
    char certificate[PLACE_BYTES], place[PLACE_BYTES];
    struct note note = { "" }, whole;
    EVP_PKEY *key = NULL;
    int fd = ipc_take_fd(&d->message);

    ipc_get_string(&d->message, certificate, sizeof certificate);
    ipc_get_string(&d->message, place, sizeof place);
    if (fd >= 0) {
        key = read_key(fd, &note);
        close(fd);
    }
    if (key != NULL && hold_key(d, key, &note))
        return;
    EVP_PKEY_free(key);
    note_set(&whole, "%s: %s", place[0] != '\0' ? place : certificate, note.text);
    give_up(d, whole.text);
}

/* --- signing --- */

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
ready_for(struct held_key *held, enum key_scheme scheme, enum key_hash hash)
{
    bool is_ec = EVP_PKEY_is_a(held->key, "EC");
    EVP_PKEY_CTX **ready = &held->ready[scheme][hash];

    if (is_ec != (scheme == KEY_ECDSA))
        return NULL;
    if (*ready != NULL)
        return *ready;
    *ready = EVP_PKEY_CTX_new(held->key, NULL);
    if (*ready == NULL ||
        !set_up(*ready, scheme, EVP_get_digestbyname(key_hashes[hash].name))) {
        EVP_PKEY_CTX_free(*ready);
        *ready = NULL;
    }
    return *ready;
}

static enum key_status
sign(struct held_key *held, enum key_scheme scheme, enum key_hash hash,
    struct bytes digest, unsigned char *signature, size_t *length)
{
    EVP_PKEY_CTX *context;

    if (held == NULL)
        return KEY_UNKNOWN;
    context = ready_for(held, scheme, hash);
    if (context == NULL ||
        EVP_PKEY_sign(context, signature, length, (const unsigned char *)digest.at,
            digest.length) != 1) {
        ERR_clear_error();
        return KEY_REFUSED;
    }
    return KEY_SIGNED;
}

/* Answers the question in d->message; false when it is not well-formed. */
static bool
answer(struct keyd *d, int asker)
{
    struct ipc_message *m = &d->message;
    uint32_t number = ipc_get_u32(m);
    struct bytes name = ipc_get_bytes(m);
    uint32_t scheme = ipc_get_u32(m), hash = ipc_get_u32(m);
    struct bytes digest = ipc_get_bytes(m);
    unsigned char signature[KEY_SIGNATURE_BYTES];
    size_t length = sizeof signature;
    enum key_status status;

    if (m->tag != IPC_SIGN || m->broken || !ipc_at_end(m) || m->fd != -1 ||
        name.length != KEY_NAME_BYTES || scheme >= KEY_SCHEMES || hash >= KEY_HASHES ||
        digest.length != key_hashes[hash].bytes)
        return false;
    status = sign(find_key(d, name), scheme, hash, digest, signature, &length);
    ipc_begin(&d->answer, IPC_SIGNED);
    ipc_put_u32(&d->answer, number);
    ipc_put_u32(&d->answer, status);
    ipc_put_bytes(&d->answer, bytes_of(signature, status == KEY_SIGNED ? length : 0));
    /* An asker that asks and never listens loses its channel, not our time. */
    return ipc_send(asker, &d->answer) == IPC_DONE;
}

/* --- the loop --- */

static void
add_asker(struct keyd *d, int fd)
{
    if (fd < 0)
        return;
    if (d->asker_count == ASKERS || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        close(fd); /* the asker sees it at once and says so */
        return;
    }
    d->polled[1 + d->asker_count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void
drop_asker(struct keyd *d, unsigned i)
{
    close(d->polled[1 + i].fd);
    d->polled[1 + i] = d->polled[d->asker_count--];
}

static void
begin(struct keyd *d, const char *user)
{
    struct note note = { "" };

    if (!jail_enter(JAIL_KEYD, user, &note)) {
        give_up(d, note.text);
        return;
    }
    d->working = true;
    tell_parent(d, IPC_READY, NULL);
}

static void
obey(struct keyd *d, const char *user)
{
    enum ipc_tag tag = d->message.tag;

    if (tag == IPC_DRAIN)
        end(d, 0);
    else if (tag == IPC_PING)
        ipc_pong(d->control, &d->message, &d->answer);
    else if (tag == IPC_CLIENT)
        add_asker(d, ipc_take_fd(&d->message));
    else if (tag == IPC_KEY && !d->working)
        take_key(d);
    else if (tag == IPC_BEGIN && !d->working)
        begin(d, user);
    else
        give_up(d, "the parent sent a message that is not for keyd");
}

static void
serve_control(struct keyd *d, const char *user)
{
    enum ipc_result result = ipc_receive(d->control, 0, &d->message);

    if (result == IPC_AGAIN)
        return;
    if (result != IPC_DONE) {
        end(d, result == IPC_CLOSED ? 0 : 1);
        return;
    }
    obey(d, user);
    ipc_done(&d->message);
}

/* False when the asker's channel has to end. */
static bool
serve_asker(struct keyd *d, int asker)
{
    enum ipc_result result = ipc_receive(asker, 0, &d->message);
    bool good;

    if (result != IPC_DONE)
        return result == IPC_AGAIN;
    good = answer(d, asker);
    ipc_done(&d->message);
    return good;
}

static void
turn(struct keyd *d, const char *user)
{
    /* Questions that come before the jail is shut wait in their sockets. */
    if (poll(d->polled, d->working ? 1 + d->asker_count : 1, -1) < 0) {
        if (errno != EINTR)
            end(d, 1);
        return;
    }
    /* Backwards, as a dropped asker's place is taken by the last one. */
    for (unsigned i = d->asker_count; d->working && i-- > 0;) {
        if (d->polled[1 + i].revents != 0 && !serve_asker(d, d->polled[1 + i].fd))
            drop_asker(d, i);
    }
    if (d->polled[0].revents != 0)
        serve_control(d, user);
}

static void
forget_keys(struct keyd *d)
{
    for (unsigned i = 0; i < d->key_count; i++) {
        for (unsigned s = 0; s < KEY_SCHEMES; s++) {
            for (unsigned h = 0; h < KEY_HASHES; h++)
                EVP_PKEY_CTX_free(d->keys[i].ready[s][h]);
        }
        EVP_PKEY_free(d->keys[i].key);
    }
}

int
keyd_run(int control, const char *user)
{
    struct keyd *d = require_zeroed(1, sizeof *d);
    int status;

    /* Where locking is not allowed the heap is still guarded and wiped. */
    CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_HEAP_PIECE);
    d->control = control;
    d->polled[0] = (struct pollfd){ .fd = control, .events = POLLIN };
    while (!d->ended)
        turn(d, user);
    while (d->asker_count > 0)
        drop_asker(d, d->asker_count - 1);
    forget_keys(d);
    status = d->status;
    free(d);
    return status;
}
