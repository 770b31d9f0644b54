/*
 * config/hsts.c - may browsers be told that a name speaks TLS alone (RFC 6797)?
 */
#include "config/hsts.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "config/value.h"
#include "proxy/proxy_policy.h"

#define PORT_HTTP 80
#define PORT_HTTPS 443

static unsigned
port_of(const struct node *address)
{
    struct listen_address read;

    if (value_read_address(address->text, &read) != NULL)
        return 0;
    /* The port lies at the same place in both families. */
    return ntohs(((const struct sockaddr_in *)&read.address)->sin_port);
}

/* Port 0 is any free one, and so it may be this. */
static bool
has_port(const struct node *addresses, unsigned port)
{
    for (const struct node *v = tree_first_value(addresses); v != NULL;
         v = tree_next_value(v)) {
        unsigned found = port_of(v);

        if (found == port || found == 0)
            return true;
    }
    return false;
}

/* The first port of clear text that browsers would keep and try with TLS; 0: none. */
static unsigned
find_stray_redirect(const struct node *redirects)
{
    for (const struct node *v = tree_first_value(redirects); v != NULL;
         v = tree_next_value(v)) {
        unsigned port = port_of(v);

        if (port != PORT_HTTP && port != 0)
            return port;
    }
    return 0;
}

static bool
listener_is_safe(const struct node *listener, struct note *why)
{
    const struct node *redirects = tree_good(listener, SETTING_LISTENER_REDIRECT_HTTP);
    const struct node *written = tree_good(listener, SETTING_LISTENER_PUBLIC_PORT);
    unsigned stray = find_stray_redirect(redirects);

    if (redirects == NULL)
        return true;
    if (written != NULL
            ? written->number != PORT_HTTPS
            : !has_port(tree_good(listener, SETTING_LISTENER_ADDRESS), PORT_HTTPS)) {
        note_set(why, "browsers would go to port 443, where listeners.%s is not met",
            listener->key);
        return false;
    }
    if (stray != 0 && written == NULL) {
        note_set(why,
            "browsers would try TLS on port %u, where listeners.%s redirects from "
            "clear text",
            stray, listener->key);
        return false;
    }
    return true;
}

static bool
is_own_name(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    const size_t length = strlen(host);
    const size_t suffix = strlen(".localhost");

    if (inet_pton(AF_INET, host, address) == 1 ||
        inet_pton(AF_INET6, host, address) == 1)
        return false;
    return strcasecmp(host, "localhost") != 0 &&
        (length <= suffix || strcasecmp(host + length - suffix, ".localhost") != 0);
}

static bool
publishes(const struct node *listener, const char *host)
{
    const struct node *hosts = tree_good(listener, SETTING_PUBLISH_BLOCK);
    const struct node *h = hosts == NULL ? NULL : hosts->first;

    while (h != NULL && strcasecmp(h->key, host) != 0)
        h = h->next;
    return h != NULL;
}

bool
hsts_may_be_told(const struct node *root, const char *host, struct note *why)
{
    const struct node *listeners = tree_good(root, SETTING_LISTENER_BLOCK);

    note_set(why, "%s", "");
    if (!is_own_name(host))
        return false;
    for (const struct node *l = listeners == NULL ? NULL : listeners->first; l != NULL;
         l = l->next)
        if (publishes(l, host) && !listener_is_safe(l, why))
            return false;
    return true;
}
