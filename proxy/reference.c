/*
 * proxy/reference.c - URLs in fields, in the spelling of the side that they go to.
 *
 * Authorities are compared by host and effective port (RFC 9110, 4.2.3), never as text.
 * Trust: the value comes from a client or an upstream; what is no absolute reference that
 * leads to us passes as it is.
 */
#include "proxy/reference.h"

#include <string.h>

#include "http/head.h"
#include "proxy/exchange.h"
#include "proxy/listener.h"
#include "proxy/upstream.h"

/* A reference with an authority: its scheme's port, and `url` without "scheme://"; else 0. */
static uint16_t
cut_scheme(struct bytes *url)
{
    static const struct {
        struct bytes begin;
        uint16_t port;
    } schemes[] = {
        { { "https://", 8 }, HTTPS_PORT }, { { "http://", 7 }, HTTP_PORT },
        { { "//", 2 }, HTTPS_PORT }, /* our own scheme (RFC 3986, 4.2) */
    };

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (bytes_has_prefix_nocase(*url, schemes[i].begin)) {
            *url = bytes_of(url->at + schemes[i].begin.length,
                url->length - schemes[i].begin.length);
            return schemes[i].port;
        }
    }
    return 0;
}

/* `name` is a host name, or an address without its brackets; NULL: there is none. */
static bool
is_host(struct bytes host, const char *name)
{
    if (host.length > 1 && host.at[0] == '[')
        host = bytes_of(host.at + 1, host.length - 2);
    return name != NULL && bytes_equal_nocase(host, bytes_of_string(name));
}

/*
 * Does it lead to us, or would it if the client could go there? That is the public host
 * at the port of the request, at that of the upstream, which the upstream may take for
 * ours, or in clear text; and the upstream's own name, as configured or as verified.
 */
static bool
leads_to_us(const struct exchange *x, const struct http_authority *to,
    uint16_t scheme_port)
{
    const struct server_policy *server = x->server->policy;
    const struct http_authority *asked = &x->request.authority;
    uint16_t port = http_authority_port(to, scheme_port);

    if (bytes_equal_nocase(to->host, asked->host))
        return port == http_authority_port(asked, HTTPS_PORT) || port == server->port ||
            (port == HTTP_PORT && scheme_port == HTTP_PORT);
    return (port == server->port || port == scheme_port) &&
        (is_host(to->host, server->host) ||
            is_host(to->host, x->route->upstream->tls.verify_name));
}

/* An absolute reference, taken apart; false for any other. */
static bool
read_reference(struct bytes value, struct http_authority *authority,
    uint16_t *scheme_port, struct bytes *rest)
{
    size_t length = 0;

    *rest = value;
    *scheme_port = cut_scheme(rest);
    while (length < rest->length && strchr("/?#", rest->at[length]) == NULL)
        length++;
    if (*scheme_port == 0 ||
        !http_authority_read(bytes_of(rest->at, length), authority))
        return false;
    *rest = bytes_of(rest->at + length, rest->length - length);
    return true;
}

struct bytes
reference_outward(struct exchange *x, struct bytes value)
{
    struct http_authority to;
    uint16_t scheme_port;
    struct bytes rest;

    if (!read_reference(value, &to, &scheme_port, &rest) ||
        !leads_to_us(x, &to, scheme_port))
        return value;
    return arena_print(&x->answer_arena, "https://%.*s%.*s", BYTES_ARG(x->authority),
        BYTES_ARG(rest));
}

/* "5; url=URL", as browsers read it (HTML, 4.2.5.3): the URL may stand in quotes. */
struct bytes
reference_in_refresh(struct exchange *x, struct bytes value)
{
    struct bytes after = value, before, url, rewritten;

    bytes_cut(&after, ';');
    if (after.at == NULL)
        return value;
    after = bytes_trim(after);
    if (!bytes_has_prefix_nocase(after, BYTES("url=")))
        return value;
    url = bytes_trim(bytes_of(after.at + 4, after.length - 4));
    if (url.length > 1 && (url.at[0] == '"' || url.at[0] == '\'') &&
        url.at[url.length - 1] == url.at[0])
        url = bytes_of(url.at + 1, url.length - 2);
    rewritten = reference_outward(x, url);
    if (rewritten.at == NULL || rewritten.at == url.at)
        return rewritten.at == NULL ? rewritten : value;
    before = bytes_of(value.at, (size_t)(url.at - value.at));
    return arena_print(&x->answer_arena, "%.*s%.*s%.*s", BYTES_ARG(before),
        BYTES_ARG(rewritten), (int)(value.length - before.length - url.length),
        url.at + url.length);
}

struct bytes
reference_inward(struct exchange *x, struct bytes value)
{
    const struct http_authority *asked = &x->request.authority;
    struct http_authority to;
    uint16_t scheme_port, port;
    struct bytes rest;

    if (!read_reference(value, &to, &scheme_port, &rest) ||
        !bytes_equal_nocase(to.host, asked->host))
        return value;
    port = http_authority_port(&to, scheme_port);
    if (port != http_authority_port(asked, HTTPS_PORT) &&
        !(port == HTTP_PORT && scheme_port == HTTP_PORT))
        return value;
    return arena_print(&x->arena, "https://%.*s%.*s", BYTES_ARG(x->authority),
        BYTES_ARG(rest));
}
