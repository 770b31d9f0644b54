/*
 * tests/unit/tls/test_client_hello.c - the server name, however the hello arrives.
 */
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/require.h"
#include "tls/client_hello.h"

/* Room for a hello whose key shares are of ML-KEM, cut into small records. */
struct hello {
    unsigned char bytes[16384];
    size_t length;
};

/* What OpenSSL really sends: one record. 3.0: some 300 bytes; 3.5: 1.5 KiB. */
static void
make_hello_with(struct hello *hello, const char *name, const unsigned char *protocols,
    unsigned protocol_bytes)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    BIO *out = BIO_new(BIO_s_mem());
    int n;

    if (name != NULL)
        require(SSL_set_tlsext_host_name(ssl, name) == 1);
    if (protocols != NULL)
        require(SSL_set_alpn_protos(ssl, protocols, protocol_bytes) == 0);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(ssl);
    require(SSL_do_handshake(ssl) == -1);
    n = BIO_read(out, hello->bytes, sizeof hello->bytes);
    require(n > 0);
    hello->length = (size_t)n;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static void
make_hello(struct hello *hello, const char *name)
{
    make_hello_with(hello, name, NULL, 0);
}

/* The same message in records of `piece` bytes. */
static void
cut_into_records(struct hello *to, const struct hello *from, size_t piece)
{
    to->length = 0;
    for (size_t at = 5; at < from->length; at += piece) {
        size_t n = from->length - at < piece ? from->length - at : piece;
        unsigned char *record = to->bytes + to->length;

        require(to->length + 5 + n <= sizeof to->bytes);
        memcpy(record, from->bytes, 3);
        record[3] = (unsigned char)(n >> 8);
        record[4] = (unsigned char)n;
        memcpy(record + 5, from->bytes + at, n);
        to->length += 5 + n;
    }
}

static enum client_hello
read_bytes(const unsigned char *bytes, size_t length, char *name)
{
    struct chunk_queue q;
    enum client_hello result;

    chunk_queue_init(&q, CHUNK_BYTES);
    chunk_queue_append(&q, bytes_of(bytes, length));
    result = client_hello_read(&q, name);
    require(q.length == length); /* nothing is taken */
    chunk_queue_clear(&q);
    return result;
}

static void
finds_the_name_whole_and_byte_by_byte(void **state)
{
    struct hello whole, cut;
    char name[CLIENT_HELLO_NAME_BYTES];

    (void)state;
    make_hello(&whole, "Mail.Example.ORG");
    for (size_t count = 1; count <= 64; count *= 8) { /* more records are refused */
        cut_into_records(&cut, &whole, (whole.length - 5 + count - 1) / count);
        for (size_t n = 0; n < cut.length; n++)
            assert_int_equal(read_bytes(cut.bytes, n, name), CLIENT_HELLO_PARTIAL);
        assert_int_equal(read_bytes(cut.bytes, cut.length, name), CLIENT_HELLO_NAMED);
        assert_string_equal(name, "mail.example.org");
    }
    /* Bytes behind the hello are not its business. */
    memset(whole.bytes + whole.length, 0, 10);
    assert_int_equal(read_bytes(whole.bytes, whole.length + 10, name),
        CLIENT_HELLO_NAMED);
}

/* Half as much again as what a browser with ML-KEM and a ticket sends, and more. */
static void
takes_hellos_of_many_kilobytes(void **state)
{
    unsigned char protocols[10000];
    char name[CLIENT_HELLO_NAME_BYTES];
    struct hello whole, cut;

    (void)state;
    memset(protocols, 'p', sizeof protocols);
    for (size_t i = 0; i < sizeof protocols; i += 100)
        protocols[i] = 99; /* the length of one name */
    for (unsigned bytes = 1000; bytes <= sizeof protocols; bytes += 3000) {
        make_hello_with(&whole, "mail.example.org", protocols, bytes);
        assert_in_range(whole.length, bytes, sizeof whole.bytes);
        cut_into_records(&cut, &whole, 257);
        assert_int_equal(read_bytes(cut.bytes, cut.length - 1, name),
            CLIENT_HELLO_PARTIAL);
        assert_int_equal(read_bytes(cut.bytes, cut.length, name), CLIENT_HELLO_NAMED);
        assert_string_equal(name, "mail.example.org");
    }
}

static void
tells_unnamed_clear_and_broken(void **state)
{
    struct hello hello, cut;
    char name[CLIENT_HELLO_NAME_BYTES];

    (void)state;
    make_hello(&hello, NULL);
    assert_int_equal(read_bytes(hello.bytes, hello.length, name), CLIENT_HELLO_UNNAMED);
    assert_string_equal(name, "");
    assert_int_equal(read_bytes((const unsigned char *)"GET / HTTP/1.1", 14, name),
        CLIENT_HELLO_CLEAR);
    assert_int_equal(read_bytes((const unsigned char *)"G", 1, name),
        CLIENT_HELLO_CLEAR);
    cut_into_records(&cut, &hello, 1); /* hundreds of records of one byte */
    assert_int_equal(read_bytes(cut.bytes, cut.length, name), CLIENT_HELLO_BROKEN);
    hello.bytes[5] = 2; /* a ServerHello */
    assert_int_equal(read_bytes(hello.bytes, hello.length, name), CLIENT_HELLO_BROKEN);
    hello.bytes[5] = 1;
    hello.bytes[6] = 1; /* 64 KiB long */
    assert_int_equal(read_bytes(hello.bytes, hello.length, name), CLIENT_HELLO_BROKEN);
    hello.bytes[6] = 0;
    hello.bytes[3] = hello.bytes[4] = 0; /* an empty record */
    assert_int_equal(read_bytes(hello.bytes, hello.length, name), CLIENT_HELLO_BROKEN);
}

/* Any length inside that lies must be seen, and nothing outside read (sanitizer). */
static void
survives_any_one_wrong_byte(void **state)
{
    struct hello hello;
    char name[CLIENT_HELLO_NAME_BYTES];

    (void)state;
    make_hello(&hello, "mail.example.org");
    for (size_t i = 0; i < hello.length; i++) {
        unsigned char right = hello.bytes[i];

        for (int wrong = 0; wrong < 256; wrong += 5) {
            hello.bytes[i] = (unsigned char)wrong;
            (void)read_bytes(hello.bytes, hello.length, name);
            require(memchr(name, 0, sizeof name) != NULL);
        }
        hello.bytes[i] = right;
    }
    assert_int_equal(read_bytes(hello.bytes, hello.length, name), CLIENT_HELLO_NAMED);
}

static size_t
number_at(const unsigned char *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* Its low byte. The name is in the first one (RFC 8446, 4.1.2, is behind all this). */
static unsigned char *
length_of_last_extension(struct hello *hello)
{
    unsigned char *at = hello->bytes + 5 + 4 + 2 + 32;

    at += 1 + at[0];         /* session */
    at += 2 + number_at(at); /* ciphers */
    at += 1 + at[0];         /* compression */
    for (at += 2;; at += 4 + number_at(at + 2))
        if (at + 4 + number_at(at + 2) == hello->bytes + hello->length)
            return at + 3;
}

/* A name that stood before what is broken must not be taken for the hello's. */
static void
forgets_the_name_of_a_broken_hello(void **state)
{
    struct hello hello;
    char name[CLIENT_HELLO_NAME_BYTES];

    (void)state;
    make_hello(&hello, "mail.example.org");
    *length_of_last_extension(&hello) ^= 0xff;
    assert_int_equal(read_bytes(hello.bytes, hello.length, name), CLIENT_HELLO_BROKEN);
    assert_string_equal(name, "");
}

static void
takes_only_names_from_the_extension(void **state)
{
#define ROW(good, text)                                                                \
    {                                                                                  \
        good,                                                                          \
        {                                                                              \
            text, sizeof text - 1                                                      \
        }                                                                              \
    }
    static const struct {
        bool good;
        struct bytes extension;
    } rows[] = {
        ROW(true, "\0\4\0\0\1a"), ROW(false, ""), ROW(false, "\0\0"),
        ROW(false, "\0\3\0\0\0"),    /* empty */
        ROW(false, "\0\4\1\0\1a"),   /* not a host name */
        ROW(false, "\0\5\0\0\2a\0"), /* NUL */
        ROW(false, "\0\4\0\0\1/"),   /* no name has this */
        ROW(false, "\0\4\0\0\1\xc3"),
        ROW(false, "\0\4\0\0\2a"),         /* says more than there is */
        ROW(false, "\0\4\0\0\1ab"),        /* and less */
        ROW(false, "\0\10\0\0\1a\0\0\1b"), /* two of a type (RFC 6066, 3) */
    };
#undef ROW
    char name[CLIENT_HELLO_NAME_BYTES];

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (client_hello_server_name(rows[i].extension, name) != rows[i].good)
            fail_msg("row %u", i);
        assert_string_equal(name, rows[i].good ? "a" : "");
    }
}

static void
bounds_the_name(void **state)
{
    unsigned char extension[5 + 300];
    char name[CLIENT_HELLO_NAME_BYTES];

    (void)state;
    for (size_t n = 254; n < 258; n++) {
        memset(extension, 'a', sizeof extension);
        extension[0] = (unsigned char)((n + 3) >> 8);
        extension[1] = (unsigned char)(n + 3);
        extension[2] = 0;
        extension[3] = (unsigned char)(n >> 8);
        extension[4] = (unsigned char)n;
        assert_int_equal(client_hello_server_name(bytes_of(extension, n + 5), name),
            n <= 255);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_name_whole_and_byte_by_byte),
        cmocka_unit_test(takes_hellos_of_many_kilobytes),
        cmocka_unit_test(tells_unnamed_clear_and_broken),
        cmocka_unit_test(survives_any_one_wrong_byte),
        cmocka_unit_test(forgets_the_name_of_a_broken_hello),
        cmocka_unit_test(takes_only_names_from_the_extension),
        cmocka_unit_test(bounds_the_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
