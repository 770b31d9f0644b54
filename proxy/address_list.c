/*
 * proxy/address_list.c - addresses of a name, as a value that crosses processes.
 *
 * Trust: what is read comes from the resolver, which reads DNS answers; only the
 * form is believed, the reader decides which names concern it.
 */
#include "proxy/address_list.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static void
add_bytes(struct address_list *list, const void *bytes, uint8_t length)
{
    if (list->count == ADDRESS_LIST_MAX)
        return;
    list->addresses[list->count].length = length;
    memcpy(list->addresses[list->count].bytes, bytes, length);
    list->count++;
}

bool
address_list_literal(struct address_list *list, const char *host)
{
    uint8_t bytes[16];

    memset(list, 0, sizeof *list);
    snprintf(list->host, sizeof list->host, "%s", host);
    if (inet_pton(AF_INET, host, bytes) == 1)
        add_bytes(list, bytes, 4);
    else if (inet_pton(AF_INET6, host, bytes) == 1)
        add_bytes(list, bytes, 16);
    return list->count == 1;
}

void
address_list_add(struct address_list *list, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        add_bytes(list, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
            4);
    else if (address->sa_family == AF_INET6)
        add_bytes(list,
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
}

void
address_list_sockaddr(const struct address_list *list, unsigned index, uint16_t port,
    struct sockaddr_storage *to)
{
    struct sockaddr_in *four = (void *)to;
    struct sockaddr_in6 *six = (void *)to;

    memset(to, 0, sizeof *to);
    if (list->addresses[index].length == 4) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, list->addresses[index].bytes, 4);
    } else {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        memcpy(&six->sin6_addr, list->addresses[index].bytes, 16);
    }
}

void
address_list_write(const struct address_list *list, struct ipc_writer *w)
{
    ipc_begin(w, IPC_ADDRESSES);
    ipc_put_string(w, list->host);
    ipc_put_u32(w, list->count);
    for (unsigned i = 0; i < list->count; i++)
        ipc_put_bytes(w, bytes_of(list->addresses[i].bytes, list->addresses[i].length));
}

bool
address_list_read(struct address_list *list, struct ipc_message *m)
{
    uint32_t count;

    memset(list, 0, sizeof *list);
    ipc_get_string(m, list->host, sizeof list->host);
    count = ipc_get_u32(m);
    if (count > ADDRESS_LIST_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes address = ipc_get_bytes(m);

        if (address.length != 4 && address.length != 16)
            return false;
        add_bytes(list, address.at, (uint8_t)address.length);
    }
    return !m->broken && ipc_at_end(m) && list->host[0] != '\0';
}
