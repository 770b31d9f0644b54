/*
 * tests/unit/tls/test_keyd.c - keys that live in another process.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/require.h"
#include "base/seal.h"
#include "lab.h"
#include "tls/keyd.h"
#include "tls/keyd_keys.h"

#define DER_BYTES 8192    /* more than an RSA-8192 key has */
#define INSIDE_MODULUS 64 /* from its begin */

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
        { { IPC_KEYS, 32, 32, KEY_ECDSA, KEY_SHA256, false }, -1 },
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

/* --- keys --- */

/* Runs a keyd of its own with what `fd` holds; its words when it gives up, or "". */
static void
load_alone(int fd, char words[256])
{
    static struct ipc_writer w;
    static struct ipc_message m;
    enum ipc_result sent;
    int pair[2], status;
    pid_t child;

    require(ipc_pair(pair));
    child = fork();
    require(child >= 0);
    if (child == 0) {
        close(pair[0]);
        _exit(keyd_run(pair[1], NULL));
    }
    close(pair[1]);
    ipc_begin(&w, IPC_KEYS);
    ipc_put_fd(&w, fd);
    require(ipc_send(pair[0], &w) == IPC_DONE);
    close(fd);
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

static int
sealed(struct bytes record)
{
    int fd = seal_open("keys");

    require(fd >= 0 && seal_put(fd, record) && seal_shut(fd));
    return fd;
}

static int
sealed_key(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int length = i2d_PrivateKey(key, &der);
    int fd = sealed(bytes_of(der, (size_t)length));

    OPENSSL_free(der);
    EVP_PKEY_free(key);
    return fd;
}

static void
says_why_it_cannot_use_a_key(void **state)
{
    char words[256];
    int fd;

    (void)state;
    load_alone(sealed_key(EVP_EC_gen("P-256")), words);
    assert_string_equal(words, "");
    load_alone(sealed_key(EVP_RSA_gen(1024)), words);
    assert_non_null(strstr(words, "fewer than 2048 bits"));
    load_alone(sealed_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), words);
    assert_non_null(strstr(words, "only RSA and ECDSA"));
    load_alone(sealed(BYTES("hello")), words);
    assert_non_null(strstr(words, "cannot be read"));
    fd = seal_open("keys");
    require(write(fd, "\5\0\0\0abc", 7) == 7 && seal_shut(fd));
    load_alone(fd, words);
    assert_non_null(strstr(words, "damaged"));
}

static void
takes_only_what_nobody_can_change(void **state)
{
    int fd = seal_open("keys");
    char words[256];

    (void)state;
    load_alone(fd, words);
    assert_non_null(strstr(words, "not sealed"));
}

/* Tunnels need none. */
static void
needs_no_key_at_all(void **state)
{
    int fd = seal_open("keys");
    char words[256];

    (void)state;
    require(seal_shut(fd));
    load_alone(fd, words);
    assert_string_equal(words, "");
}

/* --- many keys --- */

/*
 * The DER of an RSA key of this many bits, as far as its length goes: numbers at random.
 * OpenSSL reads it like any other.
 */
static struct bytes
invent(int bits, unsigned char der[DER_BYTES])
{
    static const char *const parts[] = { "n", "e", "d", "rsa-factor1", "rsa-factor2",
        "rsa-exponent1", "rsa-exponent2", "rsa-coefficient1" };
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;
    BIGNUM *numbers[8];
    int length;

    for (unsigned i = 0; i < 8; i++) {
        numbers[i] = BN_new();
        require(BN_rand(numbers[i],
                    i == 0 || i == 2 ? bits
                        : i == 1     ? 17
                                     : bits / 2,
                    BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) == 1);
        require(OSSL_PARAM_BLD_push_BN(builder, parts[i], numbers[i]) == 1);
    }
    params = OSSL_PARAM_BLD_to_param(builder);
    require(EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) == 1);
    length = i2d_PrivateKey(key, &(unsigned char *){ der });
    require(length > 0 && length <= DER_BYTES);
    for (unsigned i = 0; i < 8; i++)
        BN_free(numbers[i]);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return bytes_of(der, (size_t)length);
}

/* Makes another key of it, of the same length. */
static void
vary(unsigned char der[DER_BYTES], uint32_t number)
{
    memcpy(der + INSIDE_MODULUS, &number, sizeof number);
}

static int
sealed_keys(unsigned count, int bits)
{
    static unsigned char der[DER_BYTES];
    struct bytes record = invent(bits, der);
    int fd = seal_open("keys");

    require(fd >= 0);
    for (unsigned i = 0; i < count; i++) {
        vary(der, i);
        require(seal_put(fd, record));
    }
    require(seal_shut(fd));
    return fd;
}

static void
holds_as_many_keys_as_there_are(void **state)
{
    char words[256];

    (void)state;
    load_alone(sealed_keys(1000, 2048), words);
    assert_string_equal(words, "");
    load_alone(sealed_keys(1200, 4160), words); /* a length that rounds badly */
    assert_string_equal(words, "");
}

static void
the_heap_grows_with_the_keys(void **state)
{
    static const size_t sealed_bytes[] = { 0, 1, 121, 524288, 524289, (size_t)1 << 30 };

    (void)state;
    for (unsigned i = 0; i < sizeof sealed_bytes / sizeof sealed_bytes[0]; i++) {
        size_t bytes = keyd_keys_heap_bytes(sealed_bytes[i]);

        assert_int_equal(bytes & (bytes - 1), 0);
        assert_true(bytes >= KEYD_HEAP_ROOM + 2 * sealed_bytes[i]);
        assert_true(bytes <= 2 * KEYD_HEAP_ROOM + 4 * sealed_bytes[i]);
    }
}

/*
 * Reads keys of `bits` into a small heap until it is full; 0 when each took at most twice
 * its DER and the last one was told to find no memory.
 */
static int
fill_heap(int bits)
{
    static struct keyd_keys keys;
    static unsigned char der[DER_BYTES];
    struct bytes record = invent(bits, der);
    struct note note = { "" };
    size_t before;

    require(CRYPTO_secure_malloc_init((size_t)64 * 1024, KEYD_HEAP_PIECE) != 0);
    before = CRYPTO_secure_used();
    while (keyd_keys_read(&keys, record, &note)) {
        if (CRYPTO_secure_used() - before > 2 * keys.count * record.length)
            return 1;
        vary(der, keys.count);
    }
    return strstr(note.text, "finds no memory") != NULL ? 0 : 2;
}

/* In a process of its own for each: a heap is for life. */
static void
says_that_a_key_finds_no_memory(void **state)
{
    static const int bits[] = { 2048, 2056, 3072, 4096, 4160, 8192 };

    (void)state;
    for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        pid_t child = fork();
        int status;

        require(child >= 0);
        if (child == 0)
            _exit(fill_heap(bits[i]));
        require(waitpid(child, &status, 0) == child && WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
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
        cmocka_unit_test(says_why_it_cannot_use_a_key),
        cmocka_unit_test(takes_only_what_nobody_can_change),
        cmocka_unit_test(needs_no_key_at_all),
        cmocka_unit_test(holds_as_many_keys_as_there_are),
        cmocka_unit_test(the_heap_grows_with_the_keys),
        cmocka_unit_test(says_that_a_key_finds_no_memory),
        cmocka_unit_test(ends_with_its_parent),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
