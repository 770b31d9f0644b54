/*
 * proxy/address_list.h - the addresses of one host name, on their way from the
 * resolver through the parent to the workers.
 */
#ifndef PROXY_ADDRESS_LIST_H
#define PROXY_ADDRESS_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/ipc.h"

#define ADDRESS_LIST_MAX 16
#define ADDRESS_HOST_BYTES 256

struct address_list {
    char host[ADDRESS_HOST_BYTES];
    unsigned count; /* 0: the name has no address now */
    struct {
        uint8_t length; /* 4 or 16 */
        uint8_t bytes[16];
    } addresses[ADDRESS_LIST_MAX];
};

/* True, and one address, when `host` is an IPv4 or IPv6 literal (without brackets). */
bool address_list_literal(struct address_list *list, const char *host);

/* Adds one; more than ADDRESS_LIST_MAX and other families are left out. */
void address_list_add(struct address_list *list, const struct sockaddr *address);

/* Address number `index` with this port, ready to dial. */
void address_list_sockaddr(const struct address_list *list, unsigned index,
    uint16_t port, struct sockaddr_storage *to);

/* As an IPC_ADDRESSES message, and back; false for anything malformed. */
void address_list_write(const struct address_list *list, struct ipc_writer *w);
bool address_list_read(struct address_list *list, struct ipc_message *m) MUST_USE;

#endif
