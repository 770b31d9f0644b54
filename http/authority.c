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
read_port(struct bytes part, uint16_t *port)
{
    uint64_t number = 0;

    *port = 0;
    if (part.length == 0)
        return true;
    if (part.at[0] != ':' || part.length > sizeof ":65535" - 1 ||
        !bytes_to_u64(bytes_of(part.at + 1, part.length - 1), UINT16_MAX, &number))
        return false;
    *port = (uint16_t)number;
    return number > 0;
}

/* An absolute name, which DNS and some clients end with a dot, is the same name. */
static struct bytes
without_final_dot(struct bytes name)
{
    if (name.length > 1 && name.at[name.length - 1] == '.' &&
        name.at[name.length - 2] > '9')
        name.length--;
    return name;
}

bool
http_authority_read(struct bytes text, struct http_authority *authority)
{
    const char *end = text.at + text.length;
    const char *stop;
    bool is_host;

    *authority = (struct http_authority){ .port = 0 };
    if (text.length == 0)
        return false;
    if (text.at[0] == '[') {
        stop = memchr(text.at, ']', text.length);
        is_host = stop != NULL &&
            is_address(AF_INET6, bytes_of(text.at + 1, (size_t)(stop - text.at - 1)));
        stop = stop != NULL ? stop + 1 : end;
        authority->host = bytes_of(text.at, (size_t)(stop - text.at));
    } else {
        stop = memchr(text.at, ':', text.length);
        stop = stop != NULL ? stop : end;
        authority->host =
            without_final_dot(bytes_of(text.at, (size_t)(stop - text.at)));
        is_host = is_name(authority->host);
    }
    return is_host && read_port(bytes_of(stop, (size_t)(end - stop)), &authority->port);
}
