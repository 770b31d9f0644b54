/*
 * tests/unit/tls/played.c - see played.h.
 */
#include "played.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/require.h"

static struct ipc_message message; /* the question taken last */
static struct ipc_writer writer;

static void
connect_client(struct played *keyd)
{
    int pair[2];

    require(ipc_pair(pair));
    keyd->fd = pair[0];
    key_client_set_channel(lab.keys, pair[1]);
}

void
played_open(struct played *keyd)
{
    keyd->real = lab_new_asker();
    connect_client(keyd);
}

void
played_close(struct played *keyd)
{
    close(keyd->fd);
    close(keyd->real);
    lab_connect_keys();
}

void
played_die(struct played *keyd)
{
    close(keyd->fd);
    connect_client(keyd);
}

bool
played_is_asked(const struct played *keyd)
{
    struct pollfd fd = { .fd = keyd->fd, .events = POLLIN };

    return poll(&fd, 1, 0) == 1;
}

uint32_t
played_take(struct played *keyd)
{
    run_until(played_is_asked(keyd));
    require(ipc_receive(keyd->fd, 0, &message) == IPC_DONE);
    assert_int_equal(message.tag, IPC_SIGN);
    return ipc_get_u32(&message);
}

void
played_answer(struct played *keyd, uint32_t number, enum key_status status,
    struct bytes signature)
{
    ipc_begin(&writer, IPC_SIGNED);
    ipc_put_u32(&writer, number);
    ipc_put_u32(&writer, status);
    ipc_put_bytes(&writer, signature);
    require(ipc_send(keyd->fd, &writer) == IPC_DONE);
}

void
played_sign(struct played *keyd, uint32_t number)
{
    require(send(keyd->real, message.bytes, message.length, 0) > 0);
    require(ipc_receive(keyd->real, -1, &message) == IPC_DONE);
    (void)ipc_get_u32(&message);
    assert_int_equal(ipc_get_u32(&message), KEY_SIGNED);
    played_answer(keyd, number, KEY_SIGNED, ipc_get_bytes(&message));
}

/* --- the handshakes --- */

void
site_dial(struct site *site, struct link *link)
{
    link_listen(link, tls_server_ssl(site->server));
    link_dial(link, site_call(site), link->port);
}

bool
link_is_asking(const struct link *link)
{
    return link->server.stream.turn.state == KEY_TURN_HELD &&
        key_turn_is_waiting(&link->server.stream.turn);
}

void
link_run_until_established(struct link *link)
{
    run_until((link->server.established && link->client.established) ||
        link->server.failed || link->client.failed);
    assert_true(link->server.established && link->client.established);
    assert_int_equal(link->server.stream.turn.state, KEY_TURN_NONE);
}

void
link_expect_no_key(struct link *link)
{
    run_until(link->server.failed && link->client.failed);
    assert_int_equal(link->server.stream.fault, FAULT_TLS_KEY_UNAVAILABLE);
    assert_int_equal(link->client.stream.fault, FAULT_UPSTREAM_TLS);
    assert_int_equal(link->server.stream.turn.state, KEY_TURN_NONE);
}
