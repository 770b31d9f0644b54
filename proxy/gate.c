/*
 * proxy/gate.c - the gates, in their order.
 *
 * Order matters: first whether the request is for us at all, then what it asks,
 * then how much it brings. Trust: every byte judged here is the client's.
 */
#include "proxy/gate.h"

#include "proxy/exchange.h"
#include "proxy/listener.h"
#include "proxy/worker.h"

/* The host is published here, and it is the one that TLS was negotiated for. */
static enum fault
gate_host(struct exchange *x)
{
    const struct client *client = x->client;
    struct bytes host = http_authority_host(x->request.authority);
    struct bytes name = bytes_of_string(client->server_name);

    x->publish = listener_find_publish(client->listener->policy, host);
    if (x->publish == NULL)
        return FAULT_HTTP_HOST_UNKNOWN;
    if (client->clear_text)
        return FAULT_NONE;
    if (x->publish != client->publish)
        return FAULT_HTTP_HOST_MISDIRECTED;
    if (name.length > 0 && !bytes_equal(name, host))
        return FAULT_HTTP_HOST_MISDIRECTED;
    return FAULT_NONE;
}

static enum fault
gate_redirect(struct exchange *x)
{
    x->redirects = x->client->clear_text;
    return FAULT_NONE;
}

/* Never a forward proxy, never an echo of credentials (RFC 9110, 9.3.6 and 9.3.8). */
static enum fault
gate_method(struct exchange *x)
{
    if (x->request.method_id == HTTP_METHOD_CONNECT ||
        x->request.method_id == HTTP_METHOD_TRACE)
        return FAULT_HTTP_METHOD_REFUSED;
    return FAULT_NONE;
}

static enum fault
gate_loop(struct exchange *x)
{
    struct bytes ours = bytes_of_string(x->client->worker->pseudonym);

    for (unsigned i = 0; i < x->request.field_count; i++) {
        const struct http_field *field = &x->request.fields[i];

        if (field->id == FIELD_VIA && bytes_contains_nocase(field->value, ours))
            return FAULT_HTTP_LOOP;
    }
    return FAULT_NONE;
}

static enum fault
gate_url(struct exchange *x)
{
    enum fault fault;

    if (x->request.target.length > x->publish->limits.target_bytes)
        return FAULT_HTTP_TARGET_LONG;
    fault = url_canonicalise(x->request.target, &x->arena, &x->url);
    return fault != FAULT_NONE ? fault : url_judge(&x->url);
}

/* "/mail" leads "/mail" and "/mail/x", not "/mailbox". */
static bool
prefix_leads(const char *prefix, struct bytes path)
{
    size_t length = strlen(prefix);

    if (prefix[length - 1] == '/')
        return bytes_has_prefix(path, bytes_of(prefix, length));
    return bytes_has_prefix(path, bytes_of(prefix, length)) &&
        (path.length == length || path.at[length] == '/');
}

static enum fault
gate_route(struct exchange *x)
{
    const struct publish_policy *publish = x->publish;

    for (unsigned i = 0; i < publish->route_count && x->route == NULL; i++) {
        if (prefix_leads(publish->routes[i].prefix, x->url.decoded))
            x->route = &publish->routes[i];
    }
    if (x->route == NULL) /* "*" of OPTIONS: the route for everything else */
        x->route = &publish->routes[publish->route_count - 1];
    return FAULT_NONE;
}

static enum fault
gate_length(struct exchange *x)
{
    if (x->request.framing.kind == HTTP_LENGTH &&
        x->request.framing.length > x->route->body_bytes)
        return FAULT_HTTP_BODY_LARGE;
    return FAULT_NONE;
}

const struct gate gates[] = {
    { "host", gate_host },
    { "method", gate_method },
    { "loop", gate_loop },
    { "url", gate_url },
    { "route", gate_route },
    { "redirect", gate_redirect },
    { "length", gate_length },
};

const unsigned gate_count = sizeof gates / sizeof gates[0];

enum fault
gate_pass(struct exchange *x)
{
    for (unsigned i = 0; i < gate_count; i++) {
        enum fault fault = gates[i].run(x);

        if (fault != FAULT_NONE)
            return fault;
    }
    return FAULT_NONE;
}

enum fault
gate_body(const struct exchange *x)
{
    if (x->request.framing.kind != HTTP_TUNNEL &&
        x->upload.bytes > x->route->body_bytes)
        return FAULT_HTTP_BODY_LARGE;
    return FAULT_NONE;
}
