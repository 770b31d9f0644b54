/*
 * tests/unit/proxy/test_address_list.c - literals, ports, and the way between processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "proxy/address_list.h"

static struct ipc_writer writer;
static struct ipc_message message;

static void
only_literals_need_no_resolver(void **state)
{
    static const char *const literals[] = { "127.0.0.1", "::1", "2001:db8::25" };
    static const char *const names[] = { "localhost", "127.1", "1.2.3.4.", "[::1]", "",
        "fe80::1%lo", "example.com" };
    struct address_list list;

    (void)state;
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        assert_true(address_list_literal(&list, literals[i]));
        assert_int_equal(list.count, 1);
        assert_string_equal(list.host, literals[i]);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_false(address_list_literal(&list, names[i]));
        assert_int_equal(list.count, 0);
    }
}

static void
an_address_is_ready_to_dial(void **state)
{
    struct address_list list;
    struct sockaddr_storage at;
    const struct sockaddr_in *four = (const void *)&at;
    const struct sockaddr_in6 *six = (const void *)&at;
    char text[INET6_ADDRSTRLEN];

    (void)state;
    assert_true(address_list_literal(&list, "192.0.2.7"));
    address_list_sockaddr(&list, 0, 443, &at);
    assert_int_equal(at.ss_family, AF_INET);
    assert_int_equal(ntohs(four->sin_port), 443);
    assert_string_equal(inet_ntop(AF_INET, &four->sin_addr, text, sizeof text),
        "192.0.2.7");
    assert_true(address_list_literal(&list, "2001:db8::7"));
    address_list_sockaddr(&list, 0, 8443, &at);
    assert_int_equal(at.ss_family, AF_INET6);
    assert_int_equal(ntohs(six->sin6_port), 8443);
    assert_string_equal(inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text),
        "2001:db8::7");
}

static void
add_numbered(struct address_list *list, unsigned number)
{
    struct sockaddr_in four = { .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(0xc0000200 + number) };

    address_list_add(list, (const struct sockaddr *)&four);
}

static void
more_than_there_is_room_for_are_left_out(void **state)
{
    struct address_list list = { .host = "many" };
    struct sockaddr local = { .sa_family = AF_UNIX };

    (void)state;
    address_list_add(&list, &local);
    assert_int_equal(list.count, 0);
    for (unsigned i = 0; i < ADDRESS_LIST_MAX + 3; i++)
        add_numbered(&list, i);
    assert_int_equal(list.count, ADDRESS_LIST_MAX);
}

/* What another process would receive of the message in writer. */
static bool
read_back(struct address_list *list)
{
    int pair[2];
    bool good;

    assert_true(ipc_pair(pair));
    assert_int_equal(ipc_send(pair[0], &writer), IPC_DONE);
    assert_int_equal(ipc_receive(pair[1], 1000, &message), IPC_DONE);
    good = address_list_read(list, &message);
    ipc_done(&message);
    close(pair[0]);
    close(pair[1]);
    return good;
}

static void
a_list_crosses_to_another_process(void **state)
{
    struct address_list list, copy;

    (void)state;
    assert_true(address_list_literal(&list, "2001:db8::1"));
    add_numbered(&list, 5);
    address_list_write(&list, &writer);
    assert_true(read_back(&copy));
    assert_memory_equal(&copy, &list, sizeof list);
    list = (struct address_list){ .host = "gone.example" };
    address_list_write(&list, &writer);
    assert_true(read_back(&copy));
    assert_memory_equal(&copy, &list, sizeof list);
}

static void
begin(const char *host, uint32_t count)
{
    ipc_begin(&writer, IPC_ADDRESSES);
    ipc_put_string(&writer, host);
    ipc_put_u32(&writer, count);
}

static void
a_malformed_list_is_not_read(void **state)
{
    struct address_list list;

    (void)state;
    begin("h", ADDRESS_LIST_MAX + 1);
    assert_false(read_back(&list));
    begin("h", 1);
    assert_false(read_back(&list)); /* fewer than it says */
    begin("h", 1);
    ipc_put_bytes(&writer, bytes_of("12345", 5));
    assert_false(read_back(&list)); /* neither IPv4 nor IPv6 */
    begin("h", 0);
    ipc_put_u32(&writer, 7);
    assert_false(read_back(&list)); /* more than it says */
    begin("", 0);
    assert_false(read_back(&list));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_literals_need_no_resolver),
        cmocka_unit_test(an_address_is_ready_to_dial),
        cmocka_unit_test(more_than_there_is_room_for_are_left_out),
        cmocka_unit_test(a_list_crosses_to_another_process),
        cmocka_unit_test(a_malformed_list_is_not_read),
    };

    return cmocka_run_group_tests_name("proxy/address_list", tests, NULL, NULL);
}
