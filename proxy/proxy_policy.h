/*
 * proxy/proxy_policy.h - what the operator decided, as the workers obey it.
 *
 * Filled by config/, immutable afterwards. Everything points into the arena of
 * one snapshot (config/snapshot.h) and lives as long as that. Durations are in
 * milliseconds, sizes in bytes.
 */
#ifndef PROXY_PROXY_POLICY_H
#define PROXY_PROXY_POLICY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "http/filter_policy.h"
#include "http/http_policy.h"
#include "tls/tls_policy.h"

enum bridge {
    BRIDGE_REENCRYPT,  /* end TLS, speak verified TLS inside (default) */
    BRIDGE_TUNNEL,     /* pass TLS through by SNI, see nothing */
    BRIDGE_CLEAR_TEXT, /* end TLS, speak clear text inside */
};

enum balance { BALANCE_ROUND_ROBIN, BALANCE_COOKIE };

#define UPSTREAM_SERVERS_MAX 64

struct server_policy {
    const char *host; /* name or address literal, without brackets */
    uint16_t port;
    const char *url; /* as written, for messages and the log */
};

struct upstream_policy {
    const char *name;
    unsigned index; /* in snapshot->upstreams */
    const struct server_policy *servers;
    unsigned server_count; /* 1 .. UPSTREAM_SERVERS_MAX */
    enum bridge bridge;
    enum balance balance;
    struct tls_upstream_policy tls;
    uint32_t connect_ms;   /* TCP and TLS together, per attempt */
    uint32_t idle_pool_ms; /* how long an unused connection is kept */
    uint32_t idle_pool;    /* unused connections kept, per worker and server */
    uint32_t pool_age_ms;  /* an older connection serves no further request */
    uint32_t failures;     /* this many failed connects in a row and the server rests */
    uint32_t rest_ms;
};

/* A path prefix of a published host that is treated in its own way. */
struct route_policy {
    const char *prefix; /* "/", or "/path": that itself, and "/path/..." */
    const struct upstream_policy *upstream;
    uint32_t idle_ms;    /* longest silence in an exchange, and until the answer */
    uint64_t body_bytes; /* largest request body; 0: none allowed */
    bool states_idle, states_body; /* written: the application's give way */
    bool websocket;                /* Upgrade: websocket is passed on */
};

struct publish_policy {
    const char *host;
    const struct route_policy *routes; /* longest prefix first; the last one is "/" */
    unsigned route_count;
    struct http_limits limits;
    const struct filter_policy *filter; /* never NULL, of a tunnel neither */
    bool tells_hsts; /* Strict-Transport-Security leads no browser astray */
};

struct listen_address {
    struct sockaddr_storage address;
    socklen_t length;
    bool v6_only; /* false for "*": one socket for IPv4 and IPv6 */
    const char *written;
};

struct listener_policy {
    const char *name;
    unsigned index;
    const struct listen_address *addresses, *redirects;
    unsigned address_count, redirect_count;
    uint16_t public_port; /* on which clients see it; 0: as its addresses say, or 443 */
    struct tls_listener_policy tls; /* its hosts: the published ones but tunnels */
    /* In the order of tls.hosts, then the tunnels; these sorted by name, too. */
    const struct publish_policy *publishes;
    unsigned publish_count;
    uint32_t connections;            /* open at once, all workers together */
    uint32_t connections_per_source; /* of one address; 0: no limit of its own */
    uint32_t handshake_ms, head_ms, keep_alive_ms, body_ms, reply_ms, linger_ms;
};

#endif
