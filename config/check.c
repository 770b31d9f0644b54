/*
 * config/check.c - settings held against each other.
 *
 * Sees a validated tree that may have refused nodes; about those nothing more is
 * said. Names no file and no host beyond what is written.
 */
#include "config/check.h"

#include <stdio.h>
#include <string.h>

#include "config/hsts.h"
#include "config/suggest.h"
#include "config/value.h"
#include "proxy/proxy_policy.h"

struct check {
    const struct node *root;
    struct stash *stash;
    struct diagnostics *d;
};

/* The entries of a block that is keyed by names: loop over ->next. */
static const struct node *
entries(const struct node *block, enum setting_id id)
{
    const struct node *node = tree_good(block, id);

    return node == NULL || node->kind != NODE_MAP ? NULL : node->first;
}

const struct node *
check_upstream_of(const struct node *root, const struct node *block, enum setting_id id)
{
    const char *name = tree_text(block, id);
    const struct node *upstreams = tree_good(root, SETTING_UPSTREAM_BLOCK);

    return name == NULL ? NULL : tree_entry(upstreams, name);
}

enum bridge
check_bridge_of(const struct node *upstream)
{
    /* The schema lists the choices in the order of enum bridge. */
    return (enum bridge)tree_number(upstream, SETTING_UPSTREAM_BRIDGE);
}

/* False when a message was given about the bridge: nothing may be concluded from it. */
static bool
bridge_is_known(const struct node *upstream)
{
    const struct node *bridge = tree_meant(upstream, SETTING_UPSTREAM_BRIDGE);

    return bridge == NULL || !bridge->refused;
}

static void
check_reference(struct check *c, const struct node *block, enum setting_id id)
{
    const struct node *node = tree_good(block, id);
    const char *under = schema_setting(id)->detail, *hint;
    char path[TREE_PATH_BYTES];
    struct suggestion s;

    if (node == NULL || check_upstream_of(c->root, block, id) != NULL ||
        tree_good(c->root, SETTING_UPSTREAM_BLOCK) == NULL)
        return;
    suggest_begin(&s, node->text);
    for (const struct node *e = entries(c->root, SETTING_UPSTREAM_BLOCK); e != NULL;
         e = e->next)
        suggest_consider(&s, e->key);
    hint = suggest_is_near(&s) ? stash_print(c->stash, "did you mean '%s'?", s.best)
                               : stash_print(c->stash, "define it under %s:", under);
    report(c->d, CODE_REFERENCE, node->mark, hint, "%s: there is no '%s' under %s",
        tree_path(node, path), node->text, under);
}

/* --- listeners --- */

/* True when both cannot be bound: the same port, and the same address or one that means all. */
static bool
addresses_collide(const struct listen_address *a, const struct listen_address *b)
{
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)&a->address;
    const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)&b->address;
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)&a->address;
    const struct sockaddr_in *b4 = (const struct sockaddr_in *)&b->address;
    bool a_all = a6->sin6_family == AF_INET6 && !a->v6_only;
    bool b_all = b6->sin6_family == AF_INET6 && !b->v6_only;

    /* The port lies at the same place in both families. */
    if (a4->sin_port != b4->sin_port || a4->sin_port == 0)
        return false;
    if (a_all || b_all)
        return true;
    if (a4->sin_family != b4->sin_family)
        return false;
    if (a4->sin_family == AF_INET)
        return a4->sin_addr.s_addr == b4->sin_addr.s_addr ||
            a4->sin_addr.s_addr == INADDR_ANY || b4->sin_addr.s_addr == INADDR_ANY;
    return IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr) ||
        IN6_IS_ADDR_UNSPECIFIED(&a6->sin6_addr) ||
        IN6_IS_ADDR_UNSPECIFIED(&b6->sin6_addr);
}

#define ADDRESSES_MAX 256

struct taken {
    struct listen_address address;
    const struct node *node;
};

static void
take_address(struct check *c, const struct node *node, struct taken *taken,
    unsigned *count)
{
    struct taken *mine = &taken[*count];
    char path[TREE_PATH_BYTES];

    if (*count == ADDRESSES_MAX) {
        report(c->d, CODE_NESTING, node->mark, NULL, "more than %d addresses",
            ADDRESSES_MAX);
        return;
    }
    if (value_read_address(node->text, &mine->address) != NULL)
        return;
    mine->node = node;
    for (unsigned i = 0; i < *count; i++)
        if (addresses_collide(&mine->address, &taken[i].address)) {
            report(c->d, CODE_ADDRESS_TAKEN, node->mark,
                "each address and port belongs to one listener, or to its "
                "redirect_http",
                "%s: '%s' is taken already", tree_path(node, path), node->text);
            report_second_place(c->d, taken[i].node->mark, "taken here");
            return;
        }
    ++*count;
}

static void
check_addresses(struct check *c)
{
    struct taken *taken = stash_take(c->stash, ADDRESSES_MAX, sizeof(*taken));
    unsigned count = 0;

    for (const struct node *l = entries(c->root, SETTING_LISTENER_BLOCK); l != NULL;
         l = l->next) {
        const struct node *v =
            tree_first_value(tree_setting(l, SETTING_LISTENER_ADDRESS));

        for (; v != NULL; v = tree_next_value(v))
            take_address(c, v, taken, &count);
        v = tree_first_value(tree_setting(l, SETTING_LISTENER_REDIRECT_HTTP));
        for (; v != NULL; v = tree_next_value(v))
            take_address(c, v, taken, &count);
    }
}

static const struct node *
find_host(const struct node *listener, const char *host)
{
    const struct node *p = entries(listener, SETTING_PUBLISH_BLOCK);

    while (p != NULL && strcasecmp(p->key, host) != 0)
        p = p->next;
    return p;
}

static void
check_default_host(struct check *c, const struct node *listener)
{
    const struct node *node = tree_good(listener, SETTING_LISTENER_DEFAULT), *host,
                      *upstream;
    char path[TREE_PATH_BYTES];
    struct suggestion s;

    if (node == NULL)
        return;
    host = find_host(listener, node->text);
    if (host == NULL) {
        suggest_begin(&s, node->text);
        for (const struct node *p = entries(listener, SETTING_PUBLISH_BLOCK); p != NULL;
             p = p->next)
            suggest_consider(&s, p->key);
        report(c->d, CODE_DEFAULT_HOST, node->mark,
            suggest_is_near(&s) ? stash_print(c->stash, "did you mean '%s'?", s.best)
                                : "name a host under publish: of this listener",
            "%s: '%s' is not published here", tree_path(node, path), node->text);
        return;
    }
    upstream = check_upstream_of(c->root, host, SETTING_PUBLISH_UPSTREAM);
    if (upstream != NULL && check_bridge_of(upstream) == BRIDGE_TUNNEL)
        report(c->d, CODE_DEFAULT_HOST, node->mark,
            "a tunnel is found by its name only", "%s: '%s' is a tunnel",
            tree_path(node, path), node->text);
}

/* --- published hosts --- */

static void
check_twice(struct check *c, const struct node *listener, const struct node *host)
{
    const struct node *first = find_host(listener, host->key);

    if (first == host)
        return;
    report(c->d, CODE_HOST_TWICE, host->key_mark,
        "upper and lower case are the same name",
        "'%s' is published twice on this listener", host->key);
    report_second_place(c->d, first->key_mark, "first published here");
}

/* Nothing is inspected in a tunnel, so nothing that inspects may be promised. */
static void
check_tunnel(struct check *c, const struct node *host)
{
    static const enum setting_id of_no_meaning[] = { SETTING_PUBLISH_CERTIFICATE,
        SETTING_PUBLISH_KEY, SETTING_PUBLISH_APPLICATION, SETTING_PUBLISH_WEBSOCKET,
        SETTING_PUBLISH_BODY, SETTING_LIMITS_BLOCK, SETTING_ROUTE_BLOCK };

    for (size_t i = 0; i < sizeof(of_no_meaning) / sizeof(of_no_meaning[0]); i++) {
        const struct node *node = tree_setting(host, of_no_meaning[i]);
        char path[TREE_PATH_BYTES];

        if (node != NULL && !node->refused)
            report(c->d, CODE_TUNNEL, node->key_mark,
                "its upstream has bridge: tunnel, so TLS passes through and nothing is "
                "inspected",
                "%s has no meaning for a tunnel", tree_path(node, path));
    }
}

static void
check_certificates(struct check *c, const struct node *host)
{
    const struct node *certificate = tree_good(host, SETTING_PUBLISH_CERTIFICATE);
    const struct node *key = tree_good(host, SETTING_PUBLISH_KEY), *value;
    unsigned count = 0;
    bool pairs = false;

    for (value = tree_first_value(certificate); value != NULL;
         value = tree_next_value(value)) {
        count++;
        pairs |= value->kind == NODE_MAP;
    }
    if (count > 4)
        report(c->d, CODE_BOUNDS, certificate->key_mark,
            "one RSA and one ECDSA are enough",
            "more than 4 certificates for one host");
    if (key != NULL && (count > 1 || pairs))
        report(c->d, CODE_BOUNDS, key->key_mark,
            "write each as {certificate: FILE, key: file:PATH}",
            "which of the certificates does this key belong to?");
}

static void
check_required(struct check *c, const struct node *host, enum setting_id id,
    const char *hint)
{
    char path[TREE_PATH_BYTES];

    if (tree_meant(host, id) == NULL)
        report(c->d, CODE_MISSING, host->key_mark, hint, "%s: '%s' is missing",
            tree_path(host, path), schema_setting(id)->key);
}

static void
check_limits(struct check *c, const struct node *host)
{
    static const enum setting_id parts[] = { SETTING_LIMITS_TARGET,
        SETTING_LIMITS_FIELD_VALUE };
    const struct node *limits = tree_good(host, SETTING_LIMITS_BLOCK), *part;
    char path[TREE_PATH_BYTES], text[VALUE_PRINT_BYTES];
    uint64_t head = tree_number(limits, SETTING_LIMITS_HEAD);

    if (limits == NULL)
        return;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (tree_number(limits, parts[i]) <= head)
            continue;
        part = tree_good(limits, parts[i]);
        if (part == NULL)
            part = tree_good(limits, SETTING_LIMITS_HEAD);
        report(c->d, CODE_BOUNDS, part->mark, "raise limits.head or lower this one",
            "%s: %s is larger than the whole head (%s)", tree_path(part, path),
            schema_setting(parts[i])->key, value_print(TYPE_SIZE, head, text));
        return;
    }
}

/* Where the application's server ignores case, only one of two such routes is met. */
static void
check_route_case(struct check *c, const struct node *host, const struct node *route)
{
    const struct node *application = tree_good(host, SETTING_PUBLISH_APPLICATION);
    const struct node *whole = application == NULL ? NULL : application->resolved;
    char path[TREE_PATH_BYTES];

    if (whole == NULL || tree_number(whole, SETTING_APPLICATION_PATH_CASE) == 0)
        return;
    for (const struct node *other = entries(host, SETTING_ROUTE_BLOCK); other != route;
         other = other->next)
        if (strcasecmp(other->key, route->key) == 0)
            report(c->d, CODE_BOUNDS, route->key_mark, "make one route of both",
                "%s: for this application '%s' is the same path",
                tree_path(route, path), other->key);
}

static void
check_routes(struct check *c, const struct node *host)
{
    for (const struct node *route = entries(host, SETTING_ROUTE_BLOCK); route != NULL;
         route = route->next) {
        const struct node *upstream, *node = tree_good(route, SETTING_ROUTE_UPSTREAM);
        char path[TREE_PATH_BYTES];

        check_reference(c, route, SETTING_ROUTE_UPSTREAM);
        check_route_case(c, host, route);
        upstream = check_upstream_of(c->root, route, SETTING_ROUTE_UPSTREAM);
        if (upstream != NULL && check_bridge_of(upstream) == BRIDGE_TUNNEL)
            report(c->d, CODE_TUNNEL, node->mark, "a tunnel sees no paths",
                "%s: '%s' is a tunnel", tree_path(node, path), node->text);
    }
}

/* What nobody is told must not be silently left out, whoever asked for it. */
static void
check_hsts(struct check *c, const struct node *host)
{
    const struct node *application = tree_good(host, SETTING_PUBLISH_APPLICATION);
    const struct node *response = application == NULL
        ? NULL
        : tree_good(application->resolved, SETTING_APPLICATION_RESPONSE_BLOCK);
    char path[TREE_PATH_BYTES];
    struct note why;

    for (const struct node *e = entries(response, SETTING_APPLICATION_RESPONSE_SET);
         e != NULL; e = e->next)
        if (strcasecmp(e->key, "Strict-Transport-Security") == 0 &&
            e->text[0] != '\0' && !hsts_may_be_told(c->root, host->key, &why) &&
            why.text[0] != '\0')
            report(c->d, CODE_HSTS, host->key_mark,
                stash_print(c->stash, "%s", why.text),
                "%s: Strict-Transport-Security is left out", tree_path(host, path));
}

static void
check_host(struct check *c, const struct node *listener, const struct node *host)
{
    const struct node *upstream;

    if (host->refused || host->kind != NODE_MAP)
        return;
    check_twice(c, listener, host);
    check_reference(c, host, SETTING_PUBLISH_UPSTREAM);
    upstream = check_upstream_of(c->root, host, SETTING_PUBLISH_UPSTREAM);
    if (upstream != NULL && check_bridge_of(upstream) == BRIDGE_TUNNEL) {
        check_tunnel(c, host);
        return;
    }
    if (upstream != NULL && bridge_is_known(upstream)) {
        check_required(c, host, SETTING_PUBLISH_CERTIFICATE,
            "the PEM file with the certificate and its intermediates");
        check_required(c, host, SETTING_PUBLISH_APPLICATION,
            "write application: any for the strictness that holds for all");
    }
    check_certificates(c, host);
    check_limits(c, host);
    check_hsts(c, host);
    check_routes(c, host);
}

/* --- upstreams --- */

static void
check_clear_text(struct check *c, const struct node *upstream,
    const struct node *server, const struct value_url *url)
{
    char path[TREE_PATH_BYTES];

    tree_path(server, path);
    if (check_bridge_of(upstream) != BRIDGE_CLEAR_TEXT)
        report(c->d, CODE_CLEAR_TEXT, server->mark,
            "use https:// - postern re-encrypts what it forwards, unless bridge: "
            "clear_text says otherwise",
            "%s: clear text to the internal network", path);
    else if (!value_is_loopback(url->host) &&
        tree_meant(upstream, SETTING_UPSTREAM_BEYOND_LOOPBACK) == NULL)
        report(c->d, CODE_BEYOND_LOOPBACK, server->mark,
            stash_print(c->stash, "use https://, or write %s: %s",
                schema_setting(SETTING_UPSTREAM_BEYOND_LOOPBACK)->key,
                schema_setting(SETTING_UPSTREAM_BEYOND_LOOPBACK)->detail),
            "%s: clear text would leave this machine", path);
    else
        report(c->d, CODE_CLEAR_TEXT_ACCEPTED, server->mark,
            value_is_loopback(url->host)
                ? "every program on this machine's loopback may see it"
                : "anyone on that network can read the passwords",
            "%s: clear text to %s", path, url->host);
}

static void
check_server(struct check *c, const struct node *upstream, const struct node *server)
{
    struct value_url url;
    char path[TREE_PATH_BYTES];

    if (value_read_url(server->text, &url) != NULL || !bridge_is_known(upstream))
        return;
    if (url.clear_text)
        check_clear_text(c, upstream, server, &url);
    else if (check_bridge_of(upstream) == BRIDGE_CLEAR_TEXT)
        report(c->d, CODE_BOUNDS, server->mark,
            "remove bridge: clear_text, or write http://",
            "%s: https:// contradicts bridge: clear_text", tree_path(server, path));
}

/* Without TLS of our own toward the servers, nothing can be verified or shown. */
static void
check_bridge(struct check *c, const struct node *upstream)
{
    static const enum setting_id of_no_meaning[] = { SETTING_VERIFY_BLOCK,
        SETTING_UPSTREAM_TLS_BLOCK, SETTING_UPSTREAM_CLIENT_CERTIFICATE,
        SETTING_UPSTREAM_CLIENT_KEY };
    const struct node *bridge = tree_good(upstream, SETTING_UPSTREAM_BRIDGE);
    const struct node *word = tree_good(upstream, SETTING_UPSTREAM_BEYOND_LOOPBACK);
    char path[TREE_PATH_BYTES];

    if (word != NULL && check_bridge_of(upstream) != BRIDGE_CLEAR_TEXT)
        report(c->d, CODE_BOUNDS, word->key_mark,
            "remove it; nothing leaves in clear text",
            "%s has no meaning without bridge: clear_text", tree_path(word, path));
    if (bridge == NULL || check_bridge_of(upstream) == BRIDGE_REENCRYPT)
        return;
    for (size_t i = 0; i < sizeof(of_no_meaning) / sizeof(of_no_meaning[0]); i++) {
        const struct node *node = tree_good(upstream, of_no_meaning[i]);

        if (node != NULL)
            report(c->d, CODE_TUNNEL, node->key_mark,
                stash_print(c->stash, "remove it, or write bridge: re-encrypt"),
                "%s has no meaning with bridge: %s", tree_path(node, path),
                bridge->text);
    }
}

static void
check_upstream(struct check *c, const struct node *upstream)
{
    const struct node *servers = tree_good(upstream, SETTING_UPSTREAM_SERVERS), *server;
    const struct node *key = tree_good(upstream, SETTING_UPSTREAM_CLIENT_KEY);
    unsigned count = 0;

    for (server = tree_first_value(servers); server != NULL;
         server = tree_next_value(server)) {
        count++;
        check_server(c, upstream, server);
    }
    if (count > UPSTREAM_SERVERS_MAX)
        report(c->d, CODE_BOUNDS, servers->key_mark, NULL, "more than %d servers",
            UPSTREAM_SERVERS_MAX);
    if (key != NULL &&
        tree_meant(upstream, SETTING_UPSTREAM_CLIENT_CERTIFICATE) == NULL)
        report(c->d, CODE_BOUNDS, key->key_mark,
            "add client_certificate, or remove the key",
            "a client_key without client_certificate");
    check_bridge(c, upstream);
}

void
check_tree(const struct node *root, struct stash *stash, struct diagnostics *d)
{
    struct check c = { root, stash, d };

    check_addresses(&c);
    for (const struct node *l = entries(root, SETTING_LISTENER_BLOCK); l != NULL;
         l = l->next) {
        check_default_host(&c, l);
        for (const struct node *h = entries(l, SETTING_PUBLISH_BLOCK); h != NULL;
             h = h->next)
            check_host(&c, l, h);
    }
    for (const struct node *u = entries(root, SETTING_UPSTREAM_BLOCK); u != NULL;
         u = u->next)
        check_upstream(&c, u);
}
