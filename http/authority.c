/*
 * http/authority.c - may this stand behind "Host:"?
 *
 * RFC 3986 lets a host be nearly anything; DNS does not. What passes here is a
 * host name of letters, digits, hyphens and underscores, an IPv4 address or a
 * bracketed IPv6 address, with a port of 1 to 65535 or none. A name whose last
 * label is a number must be a whole IPv4 address: resolvers read "1.2" as one.
 *
 * Trust: the bytes come from the network. Owns nothing.
 */
#include <arpa/inet.h>

#include "http/head_priv.h"
#include "http/scan.h"

#define NAME_BYTES 253u
#define LABEL_BYTES 63u

static bool
is_address(int family, struct bytes text)
{
    unsigned char address[sizeof(struct in6_addr)];
    char copy[INET6_ADDRSTRLEN];

    if (text.length >= sizeof copy || memchr(text.at, '\0', text.length) != NULL)
        return false;
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    return inet_pton(family, copy, address) == 1;
}

static bool
is_label(struct bytes label)
{
    return label.length > 0 && label.length <= LABEL_BYTES && label.at[0] != '-' &&
        label.at[label.length - 1] != '-';
}

static bool
is_number(struct bytes label)
{
    for (size_t i = 0; i < label.length; i++)
        if (label.at[i] < '0' || label.at[i] > '9')
            return false;
    return true;
}

static bool
is_name(struct bytes name)
{
    struct bytes rest = name;
    struct bytes label = rest;

    if (name.length == 0 || name.length > NAME_BYTES || !scan_all(name, SCAN_HOST))
        return false;
    while (rest.at != NULL) {
        label = bytes_cut(&rest, '.');
        if (!is_label(label))
            return false;
    }
    return !is_number(label) || is_address(AF_INET, name);
}

/* Behind the host: nothing, or ":" and a number. */
static bool
is_port_part(struct bytes part)
{
    uint64_t port;

    if (part.length == 0)
        return true;
    return part.at[0] == ':' && part.length <= sizeof ":65535" - 1 &&
        bytes_to_u64(bytes_of(part.at + 1, part.length - 1), UINT16_MAX, &port) &&
        port > 0;
}

bool
authority_is_valid(struct bytes authority)
{
    const char *end = authority.at + authority.length;
    const char *stop;

    if (authority.length == 0)
        return false;
    if (authority.at[0] == '[') {
        stop = memchr(authority.at, ']', authority.length);
        return stop != NULL &&
            is_address(AF_INET6,
                bytes_of(authority.at + 1, (size_t)(stop - authority.at - 1))) &&
            is_port_part(bytes_of(stop + 1, (size_t)(end - stop - 1)));
    }
    stop = memchr(authority.at, ':', authority.length);
    if (stop == NULL)
        stop = end;
    return is_name(bytes_of(authority.at, (size_t)(stop - authority.at))) &&
        is_port_part(bytes_of(stop, (size_t)(end - stop)));
}

struct bytes
http_authority_host(struct bytes authority)
{
    size_t end = authority.length;

    while (end > 0 && authority.at[end - 1] >= '0' && authority.at[end - 1] <= '9')
        end--;
    if (end > 0 && authority.at[end - 1] == ':')
        authority.length = end - 1;
    return authority;
}
