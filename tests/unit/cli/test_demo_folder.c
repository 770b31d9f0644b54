/*
 * The demonstration writes into a folder of its own and never over anybody's work,
 * and it finds out beforehand whether its address is free.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "cli/demo_address.h"
#include "cli/demo_folder.h"

static char place[] = "/tmp/postern-test-XXXXXX";
static char asked[PATH_MAX], config[PATH_MAX], tls[PATH_MAX];

static int
make_place(void **state)
{
    (void)state;
    memcpy(place + sizeof place - 7, "XXXXXX", 6);
    if (mkdtemp(place) == NULL)
        return -1;
    snprintf(asked, sizeof asked, "%s/de mo", place);
    snprintf(config, sizeof config, "%s/de mo/postern.yaml", place);
    snprintf(tls, sizeof tls, "%s/de mo/tls", place);
    return 0;
}

/* Fails when anything lies there that no test knows of. */
static int
remove_place(void **state)
{
    (void)state;
    unlink(config);
    rmdir(tls);
    rmdir(asked);
    return rmdir(place);
}

static const char *
content(const char *path)
{
    static char text[8192];
    FILE *file = fopen(path, "r");
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

static void
write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
folder_is_made_and_taken_again(void **state)
{
    struct demo_folder folder;
    struct note note = { "" };

    (void)state;
    assert_true(demo_folder_open(&folder, asked, &note));
    assert_string_equal(folder.path, asked);
    assert_int_equal(access(folder.tls, F_OK), 0);
    assert_true(demo_folder_open(&folder, asked, &note));
}

static void
folder_of_somebody_else_stays_untouched(void **state)
{
    struct demo_folder folder;
    struct note note = { "" };

    (void)state;
    assert_int_equal(mkdir(asked, 0755), 0);
    write_file(config, "version: 1\n");
    assert_false(demo_folder_open(&folder, asked, &note));
    assert_non_null(strstr(note.text, "holds other things"));
    assert_string_equal(content(config), "version: 1\n");
    assert_int_not_equal(access(tls, F_OK), 0);
}

static void
name_that_cannot_be_quoted_is_refused(void **state)
{
    struct demo_folder folder;
    struct note note = { "" };
    char quoted[PATH_MAX];

    (void)state;
    snprintf(quoted, sizeof quoted, "%s/a\"b", place);
    assert_false(demo_folder_open(&folder, quoted, &note));
    assert_non_null(strstr(note.text, "quote"));
    assert_int_equal(rmdir(quoted), 0);
}

static void
configuration_names_what_was_set(void **state)
{
    const struct demo_setting setting = {
        .address = "127.0.0.1:8443",
        .redirect = "127.0.0.1:8080",
        .user = "nobody",
        .site_port = 40001,
    };
    struct demo_folder folder;
    struct note note = { "" };
    const char *text;

    (void)state;
    assert_true(demo_folder_open(&folder, asked, &note));
    assert_true(demo_folder_configure(&folder, &setting, &note));
    text = content(folder.config);
    assert_non_null(strstr(text, "    address: \"127.0.0.1:8443\"\n"));
    assert_non_null(strstr(text, "    redirect_http: \"127.0.0.1:8080\"\n"));
    assert_non_null(strstr(text, "    servers: [\"https://127.0.0.1:40001\"]\n"));
    assert_non_null(strstr(text, "/de mo/tls/internal-ca.pem\"\n"));
    assert_non_null(strstr(text, "user: nobody\n"));
    assert_true(demo_folder_open(&folder, asked, &note));
}

static void
what_was_not_set_is_not_written(void **state)
{
    const struct demo_setting setting = { .address = "127.0.0.1:8443", .site_port = 1 };
    struct demo_folder folder;
    struct note note = { "" };

    (void)state;
    assert_true(demo_folder_open(&folder, asked, &note));
    assert_true(demo_folder_configure(&folder, &setting, &note));
    assert_null(strstr(content(folder.config), "redirect_http"));
    assert_null(strstr(content(folder.config), "user:"));
}

static void
free_port_is_chosen_and_a_busy_one_reported(void **state)
{
    struct sockaddr_in busy = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof busy;
    struct demo_address address;
    struct note note = { "" };
    char text[32];
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    (void)state;
    assert_true(demo_address_try(&address, "127.0.0.1:0", &note));
    assert_int_not_equal(address.port, 0);
    assert_string_equal(address.host, "127.0.0.1");

    /* As postern itself would listen: ready to share. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&busy, length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&busy, &length), 0);
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(busy.sin_port));
    assert_false(demo_address_try(&address, text, &note));
    assert_non_null(strstr(note.text, "is in use"));
    close(fd);
}

static void
what_is_no_address_is_refused(void **state)
{
    const char *const wrong[] = { "", "8443", ":8443", "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:65536", "localhost:8443", "[::1]", "[::1:8443",
        "127.0.0.1:-1" };
    struct demo_address address;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct note note = { "" };

        assert_false(demo_address_try(&address, wrong[i], &note));
        assert_non_null(strstr(note.text, "is no address with a port"));
    }
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(folder_is_made_and_taken_again),
        IN_PLACE(folder_of_somebody_else_stays_untouched),
        IN_PLACE(name_that_cannot_be_quoted_is_refused),
        IN_PLACE(configuration_names_what_was_set),
        IN_PLACE(what_was_not_set_is_not_written),
        cmocka_unit_test(free_port_is_chosen_and_a_busy_one_reported),
        cmocka_unit_test(what_is_no_address_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
