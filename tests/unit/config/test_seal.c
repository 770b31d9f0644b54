/*
 * tests/unit/config/test_seal.c - a configuration crosses processes as text that nobody can change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/require.h"
#include "base/seal.h"
#include "config/config.h"
#include "config/load.h"

static char path[] = "/tmp/postern-seal-XXXXXX";

#define GOOD                                                                           \
    "version: 1\nlisteners:\n  l:\n    address: \"*:443\"\n    publish:\n"             \
    "      m: {certificate: mail.pem, application: any, upstream: u}\n"                \
    "upstreams: {u: {servers: \"https://u\"}}\n"

static int
begin(void **state)
{
    int fd;

    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    if (fd < 0 || write(fd, GOOD, sizeof(GOOD) - 1) != sizeof(GOOD) - 1)
        return -1;
    return close(fd);
}

static int
end(void **state)
{
    (void)state;
    return unlink(path);
}

/* What config_seal makes of the text, whether or not the files are there that it names. */
static int
seal(void)
{
    struct loaded *loaded = require_zeroed(1, sizeof(*loaded));
    struct diagnostics d;
    int fd;

    diagnostics_init(&d);
    loaded_read(loaded, path, &d);
    fd = loaded_seal(loaded);
    diagnostics_fini(&d);
    loaded_fini(loaded);
    free(loaded);
    return fd;
}

static void
comes_back_without_looking_at_files(void **state)
{
    struct diagnostics d;
    struct snapshot *s;
    int fd = seal();

    (void)state;
    assert_true(fd >= 0);
    diagnostics_init(&d);
    s = config_unseal(fd, &d); /* no mail.pem is there: the parent has looked */
    assert_non_null(s);
    assert_int_equal(d.count, 0);
    assert_string_equal(d.file, path);
    assert_string_equal(s->listeners[0].tls.hosts[0].certificates[0].chain_file,
        "/tmp/mail.pem");
    snapshot_unref(&s);
    diagnostics_fini(&d);
    close(fd);
}

static void
can_be_read_again(void **state)
{
    struct diagnostics d;
    int fd = seal();

    (void)state;
    for (int i = 0; i < 2; i++) { /* each child reads through the same descriptor */
        struct snapshot *s;

        diagnostics_init(&d);
        s = config_unseal(fd, &d);
        assert_non_null(s);
        snapshot_unref(&s);
        diagnostics_fini(&d);
    }
    close(fd);
}

static void
is_sealed(void **state)
{
    int fd = seal(), all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

    (void)state;
    assert_int_equal(fcntl(fd, F_GET_SEALS) & all, all);
    assert_true(write(fd, "x", 1) < 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
}

/* Each a row of records; NULL ends it. */
static void
damage_is_refused(void **state)
{
    static const char *const bad[][6] = {
        { NULL },
        { "0", NULL },
        { "0", "postern.yaml", "0", NULL },
        { "x", "postern.yaml", "0", "version: 1", NULL },
        { "9", "postern.yaml", "0", "version: 1", NULL },
        { "-1", "postern.yaml", "0", "version: 1", NULL },
        { "0", "postern.yaml", "99999999999999999999", "version: 1", NULL },
        { "0", "postern.yaml", "0", "version: 1", "0", NULL },
        { "3", "only certificates.pem", "0", "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int fd = seal_open("test");
        struct diagnostics d;

        for (const char *const *record = bad[i]; *record != NULL; record++)
            assert_true(seal_put(fd, bytes_of_string(*record)));
        assert_true(seal_shut(fd));
        diagnostics_init(&d);
        assert_null(config_unseal(fd, &d));
        assert_int_equal(d.errors, 1);
        assert_string_equal(d.rows[0].text, "the sealed configuration is damaged");
        diagnostics_fini(&d);
        close(fd);
    }
}

/* Certificates are as old as the configuration, whatever stands in their file by now. */
static void
certificates_travel_with_the_text(void **state)
{
    struct loaded *loaded = require_zeroed(1, sizeof(*loaded));
    const struct tls_certificate *c;
    struct diagnostics d;
    struct snapshot *s;
    int fd;

    (void)state;
    diagnostics_init(&d);
    loaded_read(loaded, path, &d);
    papers_add(&loaded->papers, "/tmp/mail.pem", BYTES("chain"), 1234567890123);
    papers_add(&loaded->papers, PAPERS_OF_SYSTEM, BYTES("authorities"), 0);
    fd = loaded_seal(loaded);
    loaded_fini(loaded);
    free(loaded);
    s = config_unseal(fd, &d);
    assert_non_null(s);
    c = &s->listeners[0].tls.hosts[0].certificates[0];
    assert_true(bytes_equal(c->chain, BYTES("chain")));
    assert_true(c->changed_ns == 1234567890123);
    assert_true(bytes_equal(s->upstreams[0].tls.ca, BYTES("authorities")));
    close(fd);
    assert_true(bytes_equal(c->chain, BYTES("chain"))); /* it needs no descriptor */
    snapshot_unref(&s);
    diagnostics_fini(&d);
}

static void
refuses_to_seal(const char *file)
{
    struct sealed sealed;
    struct diagnostics d;

    diagnostics_init(&d);
    assert_false(config_seal(file, &sealed, &d));
    assert_true(d.errors > 0);
    assert_int_equal(sealed.text, -1);
    assert_int_equal(sealed.keys, -1);
    diagnostics_fini(&d);
}

static void
what_is_not_usable_is_not_sealed(void **state)
{
    (void)state;
    refuses_to_seal(path); /* there is no mail.pem */
    assert_int_equal(truncate(path, 20), 0);
    refuses_to_seal(path);
    refuses_to_seal("/nowhere/postern.yaml");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(comes_back_without_looking_at_files),
        TEST(can_be_read_again),
        TEST(is_sealed),
        TEST(damage_is_refused),
        TEST(certificates_travel_with_the_text),
        TEST(what_is_not_usable_is_not_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
