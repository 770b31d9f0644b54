/*
 * tests/unit/tls/test_keyd.c - keys that live in another process.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/require.h"
#include "lab.h"
#include "tls/keyd.h"

static void
shake_with(const char *certificate, int version)
{
    struct site site;
    struct link link;
    SSL *client;

    site_open(&site, certificate, NULL);
    client = site_call(&site);
    SSL_set_max_proto_version(client, version);
    link_shake(&link, tls_server_ssl(site.server), client);
    if (link.server.failed || link.client.failed)
        fail_msg("%s %x: server %s, client %s, %s %s", certificate, version,
            fault_symbol(link.server.stream.fault),
            fault_symbol(link.client.stream.fault), link.server.note.text,
            link.client.note.text);
    assert_int_equal(SSL_version(client), version);
    link_close(&link);
    site_close(&site);
}

static void
signs_with_every_kind_in_every_version(void **state)
{
    static const char *const certificates[] = { "mail", "mail-384", "mail-rsa" };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        shake_with(certificates[i], TLS1_2_VERSION);
        shake_with(certificates[i], TLS1_3_VERSION);
    }
}

/* --- what keyd refuses --- */

struct question {
    enum ipc_tag tag;
    size_t name_bytes, digest_bytes;
    uint32_t scheme, hash;
    bool trailing;
};

/* The status keyd answers, or -1 when it closes the channel instead. */
static int
ask(int channel, const unsigned char *name, const struct question *q)
{
    static struct ipc_writer w;
    static struct ipc_message m;
    static const unsigned char digest[256];
    int status = -1;

    ipc_begin(&w, q->tag);
    ipc_put_u32(&w, 7);
    ipc_put_bytes(&w, bytes_of(name, q->name_bytes));
    ipc_put_u32(&w, q->scheme);
    ipc_put_u32(&w, q->hash);
    ipc_put_bytes(&w, bytes_of(digest, q->digest_bytes));
    if (q->trailing)
        ipc_put_u32(&w, 0);
    require(ipc_send(channel, &w) == IPC_DONE);
    if (ipc_receive(channel, -1, &m) == IPC_DONE) {
        assert_int_equal(ipc_get_u32(&m), 7);
        status = (int)ipc_get_u32(&m);
        ipc_done(&m);
    }
    return status;
}

static void
name_of(const char *certificate, unsigned char name[KEY_NAME_BYTES])
{
    FILE *file = fopen(lab_file(certificate, "pem"), "r");
    X509 *x = PEM_read_X509(file, NULL, NULL, NULL);

    require(x != NULL && key_name_of(X509_get0_pubkey(x), name));
    X509_free(x);
    fclose(file);
}

static void
signs_only_whole_digests(void **state)
{
    static const struct {
        struct question question;
        int status;
    } rows[] = {
        { { IPC_SIGN, 32, 32, KEY_ECDSA, KEY_SHA256, false }, KEY_SIGNED },
        { { IPC_SIGN, 32, 48, KEY_ECDSA, KEY_SHA384, false }, KEY_SIGNED },
        { { IPC_SIGN, 32, 64, KEY_ECDSA, KEY_SHA512, false }, KEY_SIGNED },
        { { IPC_SIGN, 32, 32, KEY_RSA_PSS, KEY_SHA256, false }, KEY_REFUSED },
        { { IPC_SIGN, 32, 32, KEY_RSA_PKCS1, KEY_SHA256, false }, KEY_REFUSED },
        { { IPC_SIGN, 32, 31, KEY_ECDSA, KEY_SHA256, false }, -1 },
        { { IPC_SIGN, 32, 0, KEY_ECDSA, KEY_SHA256, false }, -1 },
        { { IPC_SIGN, 32, 256, KEY_RSA_PKCS1, KEY_SHA256, false }, -1 },
        { { IPC_SIGN, 32, 32, KEY_ECDSA, KEY_SHA384, false }, -1 },
        { { IPC_SIGN, 32, 32, KEY_SCHEMES, KEY_SHA256, false }, -1 },
        { { IPC_SIGN, 32, 32, KEY_ECDSA, KEY_HASHES, false }, -1 },
        { { IPC_SIGN, 31, 32, KEY_ECDSA, KEY_SHA256, false }, -1 },
        { { IPC_SIGN, 32, 32, KEY_ECDSA, KEY_SHA256, true }, -1 },
        { { IPC_DRAIN, 32, 32, KEY_ECDSA, KEY_SHA256, false }, -1 },
        { { IPC_KEY, 32, 32, KEY_ECDSA, KEY_SHA256, false }, -1 },
    };
    unsigned char name[KEY_NAME_BYTES];

    (void)state;
    name_of("mail", name);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int channel = lab_new_asker();

        if (ask(channel, name, &rows[i].question) != rows[i].status)
            fail_msg("row %u", i);
        close(channel);
    }
}

static void
signs_with_no_key_it_was_not_given(void **state)
{
    static const struct question question = { IPC_SIGN, 32, 32, KEY_ECDSA, KEY_SHA256,
        false };
    unsigned char name[KEY_NAME_BYTES] = { 1 };
    int channel = lab_new_asker();

    (void)state;
    assert_int_equal(ask(channel, name, &question), KEY_UNKNOWN);
    name_of("mail", name);
    assert_int_equal(ask(channel, name, &question), KEY_SIGNED); /* still open */
    close(channel);
}

static void
signs_no_scheme_of_another_kind_of_key(void **state)
{
    static const struct question question = { IPC_SIGN, 32, 32, KEY_ECDSA, KEY_SHA256,
        false };
    unsigned char name[KEY_NAME_BYTES];
    int channel = lab_new_asker();

    (void)state;
    name_of("mail-rsa", name);
    assert_int_equal(ask(channel, name, &question), KEY_REFUSED);
    close(channel);
}

static void
closes_on_garbage(void **state)
{
    static struct ipc_message m;
    unsigned char garbage[500];

    (void)state;
    for (unsigned i = 1; i <= sizeof garbage; i += 7) {
        int channel = lab_new_asker();

        memset(garbage, (int)i, sizeof garbage);
        require(send(channel, garbage, i, MSG_NOSIGNAL) == (ssize_t)i);
        assert_int_equal(ipc_receive(channel, -1, &m), IPC_CLOSED);
        close(channel);
    }
}

/* --- key files --- */

/* Runs a keyd of its own with one file of `text`; its words when it gives up, or "". */
static void
load_alone(const char *text, size_t length, char words[256])
{
    static struct ipc_writer w;
    static struct ipc_message m;
    enum ipc_result sent;
    int pair[2], file[2], status;
    pid_t child;

    require(ipc_pair(pair) && pipe(file) == 0);
    child = fork();
    require(child >= 0);
    if (child == 0) {
        close(pair[0]);
        close(file[1]);
        _exit(keyd_run(pair[1], NULL));
    }
    close(pair[1]);
    require(write(file[1], text, length) == (ssize_t)length);
    close(file[1]);
    ipc_begin(&w, IPC_KEY);
    ipc_put_string(&w, "cert.pem");
    ipc_put_string(&w, "file:/etc/key.pem");
    ipc_put_fd(&w, file[0]);
    require(ipc_send(pair[0], &w) == IPC_DONE);
    close(file[0]);
    ipc_begin(&w, IPC_DRAIN);
    sent = ipc_send(pair[0], &w);
    assert_true(sent == IPC_DONE || sent == IPC_CLOSED); /* it may be gone already */
    words[0] = '\0';
    if (ipc_receive(pair[0], -1, &m) == IPC_DONE) {
        assert_int_equal(m.tag, IPC_FAILED);
        ipc_get_string(&m, words, 256);
        ipc_done(&m);
    }
    close(pair[0]);
    require(waitpid(child, &status, 0) == child && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), words[0] == '\0' ? 0 : 1);
}

static size_t
print_key(EVP_PKEY *key, const char *password, char *text, size_t room)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int n;

    require(PEM_write_bio_PKCS8PrivateKey(bio, key,
                password != NULL ? EVP_aes_128_cbc() : NULL, password,
                password != NULL ? (int)strlen(password) : 0, NULL, NULL) == 1);
    n = BIO_read(bio, text, (int)room);
    require(n > 0 && (size_t)n < room);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return (size_t)n;
}

static void
says_why_it_cannot_use_a_file(void **state)
{
    char text[8192], words[256];
    size_t n;

    (void)state;
    n = print_key(EVP_EC_gen("P-256"), NULL, text, sizeof text);
    load_alone(text, n, words);
    assert_string_equal(words, "");
    n = print_key(EVP_EC_gen("P-256"), "secret", text, sizeof text);
    load_alone(text, n, words);
    assert_non_null(strstr(words, "file:/etc/key.pem: "));
    assert_non_null(strstr(words, "protected by a password"));
    n = print_key(EVP_RSA_gen(1024), NULL, text, sizeof text);
    load_alone(text, n, words);
    assert_non_null(strstr(words, "fewer than 2048 bits"));
    n = print_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, text, sizeof text);
    load_alone(text, n, words);
    assert_non_null(strstr(words, "only RSA and ECDSA"));
    load_alone("hello", 5, words);
    assert_non_null(strstr(words, "no PEM private key"));
    load_alone("", 0, words);
    assert_non_null(strstr(words, "empty"));
}

static void
ends_with_its_parent(void **state)
{
    int status;

    (void)state;
    close(lab.control);
    require(waitpid(lab.keyd, &status, 0) == lab.keyd);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    lab_start_keyd();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_with_every_kind_in_every_version),
        cmocka_unit_test(signs_only_whole_digests),
        cmocka_unit_test(signs_with_no_key_it_was_not_given),
        cmocka_unit_test(signs_no_scheme_of_another_kind_of_key),
        cmocka_unit_test(closes_on_garbage),
        cmocka_unit_test(says_why_it_cannot_use_a_file),
        cmocka_unit_test(ends_with_its_parent),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
