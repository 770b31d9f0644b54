/*
 * proxy/client.h - who is at the outer end of a connection, as gates and log see it.
 *
 * Shared by all requests of one connection, whatever version of HTTP it speaks.
 */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "proxy/request_id.h"

struct link;
struct listener;
struct publish_policy;
struct server;
struct worker;

#define CLIENT_NAME_BYTES 256

struct client {
    struct worker *worker;
    const struct listener *listener;
    struct sockaddr_storage address;
    char address_text[INET6_ADDRSTRLEN]; /* an IPv4-mapped address as IPv4 */
    char id[REQUEST_ID_BYTES];           /* the connection's */
    char server_name[CLIENT_NAME_BYTES]; /* SNI, lower case; "" when none was sent */
    /* What the handshake chose; NULL in clear text. */
    const struct publish_policy *publish;
    bool clear_text; /* came over a redirect_http address */
    /* Of a tunnel, when it has ended: the server that it led to, or the last tried. */
    const struct server *passed_to;

    /*
     * Idle upstream connections that carried NTLM, Negotiate or Kerberos: they speak
     * for this client's user, so they serve this client alone and die with it.
     */
    struct link *pinned;
    bool pinned_lost; /* one of them ended: this connection must end, too */

    void (*wake)(void *owner); /* something changed on a link of this client */
    void *owner;
};

#endif
