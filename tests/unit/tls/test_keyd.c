/*
 * tests/unit/tls/test_keyd.c - keys that live in another process.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc.h"
#include "lab.h"
#include "tls/key_provider.h"
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_with_every_kind_in_every_version),
    };

    return cmocka_run_group_tests(tests, lab_open, lab_close);
}
