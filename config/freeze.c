/*
 * config/freeze.c - fills the policy structs that the other folders obey.
 *
 * Every value comes from the tree or, where nothing is written, from the schema's
 * default: this file knows no number of its own.
 */
#include "config/freeze.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
#include "base/seal.h"
#include "config/check.h"
#include "config/freeze_filter.h"
#include "config/hsts.h"
#include "config/need.h"
#include "config/pin.h"
#include "config/value.h"

struct frozen {
    struct snapshot snapshot; /* first: what is handed out is this one's address */
    struct stash stash;
    struct bytes sealed; /* where the texts of certificates lie */
};

/* Hosts that name the same preset share one policy: a thousand of them are no rarity. */
struct shared_filter {
    const struct node *resolved;
    const struct filter_policy *filter;
    struct shared_filter *next;
};

struct freezer {
    const struct loaded *loaded;
    const struct node *root;
    struct stash *stash;
    struct snapshot *snapshot;
    struct shared_filter *filters;
};

struct snapshot *
snapshot_ref(struct snapshot *snapshot)
{
    require(snapshot->references > 0);
    snapshot->references++;
    return snapshot;
}

void
snapshot_unref(struct snapshot **snapshot)
{
    struct frozen *frozen = (struct frozen *)*snapshot;

    *snapshot = NULL;
    if (frozen == NULL)
        return;
    require(frozen->snapshot.references > 0);
    if (--frozen->snapshot.references > 0)
        return;
    seal_unmap(&frozen->sealed);
    stash_fini(&frozen->stash);
    free(frozen);
}

static const char *
copy(struct freezer *f, const char *text)
{
    return text == NULL ? NULL : stash_copy(f->stash, bytes_of_string(text));
}

static const char *
copy_lower(struct freezer *f, const char *text)
{
    char *lower = stash_copy(f->stash, bytes_of_string(text));

    for (char *c = lower; *c != '\0'; c++)
        *c = ascii_lower(*c);
    return lower;
}

static uint32_t
number(const struct node *block, enum setting_id id)
{
    return (uint32_t)tree_number(block, id);
}

static unsigned
count_values(const struct node *setting)
{
    unsigned count = 0;

    for (const struct node *v = tree_first_value(setting); v != NULL;
         v = tree_next_value(v))
        count++;
    return count;
}

static unsigned
count_entries(const struct node *block)
{
    unsigned count = 0;

    for (const struct node *e = block == NULL ? NULL : block->first; e != NULL;
         e = e->next)
        count++;
    return count;
}

/* NULL when the setting is not written. */
static const char *
path(struct freezer *f, const struct node *node)
{
    return node == NULL ? NULL
                        : value_path(node->text, node->mark.source->name, f->stash);
}

/* The sealed text of a file's certificates; empty when nobody has sealed any. */
static struct bytes
certificates(const struct freezer *f, const struct paper *paper)
{
    return paper == NULL || f->loaded->sealed.at == NULL ? bytes_of(NULL, 0)
                                                         : paper->text;
}

/* `node` NULL: none. */
static struct tls_certificate
certificate(struct freezer *f, const struct node *node)
{
    const char *file = path(f, node);
    const struct paper *paper =
        file == NULL ? NULL : papers_find(&f->loaded->papers, file);

    return (struct tls_certificate){ .chain_file = file,
        .chain = certificates(f, paper),
        .changed_ns = paper == NULL ? 0 : paper->changed_ns };
}

/* --- upstreams --- */

static void
freeze_servers(struct freezer *f, struct upstream_policy *u, const struct node *servers)
{
    struct server_policy *s;

    u->server_count = count_values(servers);
    u->servers = s = stash_take(f->stash, u->server_count, sizeof(*s));
    for (const struct node *v = tree_first_value(servers); v != NULL;
         v = tree_next_value(v), s++) {
        struct value_url url;

        require(value_read_url(v->text, &url) == NULL);
        s->host = copy_lower(f, url.host);
        s->port = url.port;
        s->url = copy(f, v->text);
    }
}

static void
freeze_verify(struct freezer *f, struct tls_upstream_policy *tls,
    const struct node *block)
{
    const struct node *pins = tree_setting(block, SETTING_VERIFY_PIN);
    struct tls_pin *pin;

    tls->verify_name = copy(f, tree_text(block, SETTING_VERIFY_NAME));
    tls->pin_count = count_values(pins);
    tls->pins = pin = stash_take(f->stash, tls->pin_count, sizeof(*pin));
    for (const struct node *v = tree_first_value(pins); v != NULL;
         v = tree_next_value(v))
        require(pin_read(v->text, pin++) == NULL);
    tls->ca_file = path(f, tree_setting(block, SETTING_VERIFY_CA));
    if (tls->ca_file != NULL || tls->pin_count == 0)
        tls->ca = certificates(f,
            papers_find(&f->loaded->papers,
                tls->ca_file == NULL ? PAPERS_OF_SYSTEM : tls->ca_file));
}

static void
freeze_upstream(struct freezer *f, struct upstream_policy *u, const struct node *block)
{
    const struct node *tls = tree_setting(block, SETTING_UPSTREAM_TLS_BLOCK);
    const struct node *pool = tree_setting(block, SETTING_POOL_BLOCK);
    const struct node *health = tree_setting(block, SETTING_HEALTH_BLOCK);

    u->name = copy(f, block->key);
    freeze_servers(f, u, tree_setting(block, SETTING_UPSTREAM_SERVERS));
    u->bridge = check_bridge_of(block);
    u->balance = (enum balance)tree_number(block, SETTING_UPSTREAM_BALANCE);
    freeze_verify(f, &u->tls, tree_setting(block, SETTING_VERIFY_BLOCK));
    u->tls.certificate =
        certificate(f, tree_setting(block, SETTING_UPSTREAM_CLIENT_CERTIFICATE));
    u->tls.minimum = (enum tls_minimum)tree_number(tls, SETTING_UPSTREAM_TLS_MINIMUM);
    u->connect_ms = number(block, SETTING_UPSTREAM_CONNECT);
    u->idle_pool_ms = number(pool, SETTING_POOL_IDLE);
    u->idle_pool = number(pool, SETTING_POOL_SIZE);
    u->pool_age_ms = number(pool, SETTING_POOL_AGE);
    u->failures = number(health, SETTING_HEALTH_FAILURES);
    u->rest_ms = number(health, SETTING_HEALTH_REST);
}

static const struct upstream_policy *
find_upstream(const struct freezer *f, const char *name)
{
    for (unsigned i = 0; i < f->snapshot->upstream_count; i++)
        if (strcmp(f->snapshot->upstreams[i].name, name) == 0)
            return &f->snapshot->upstreams[i];
    return NULL;
}

static void
freeze_upstreams(struct freezer *f)
{
    const struct node *block = tree_setting(f->root, SETTING_UPSTREAM_BLOCK);
    struct upstream_policy *u;

    f->snapshot->upstream_count = count_entries(block);
    u = stash_take(f->stash, f->snapshot->upstream_count, sizeof(*u));
    f->snapshot->upstreams = u;
    for (const struct node *e = block->first; e != NULL; e = e->next, u++) {
        u->index = (unsigned)(u - f->snapshot->upstreams);
        freeze_upstream(f, u, e);
    }
}

/* --- listeners --- */

static void
freeze_addresses(struct freezer *f, const struct node *setting,
    const struct listen_address **addresses, unsigned *count)
{
    struct listen_address *a;

    *count = count_values(setting);
    *addresses = a = stash_take(f->stash, *count, sizeof(*a));
    for (const struct node *v = tree_first_value(setting); v != NULL;
         v = tree_next_value(v), a++) {
        require(value_read_address(v->text, a) == NULL);
        a->written = copy(f, v->text);
    }
}

static void
freeze_certificates(struct freezer *f, struct tls_host_policy *host,
    const struct node *block)
{
    const struct node *setting = tree_setting(block, SETTING_PUBLISH_CERTIFICATE);
    struct tls_certificate *c;

    host->host = copy_lower(f, block->key);
    host->certificate_count = count_values(setting);
    host->certificates = c = stash_take(f->stash, host->certificate_count, sizeof(*c));
    for (const struct node *v = tree_first_value(setting); v != NULL;
         v = tree_next_value(v), c++)
        *c = certificate(f,
            v->kind == NODE_MAP ? tree_setting(v, SETTING_PAIR_CERTIFICATE) : v);
}

/* A route inherits from the published host what it does not say itself. */
static void
freeze_route(struct freezer *f, struct route_policy *route, const struct node *block,
    const struct route_policy *host)
{
    const struct node *upstream = tree_setting(block, SETTING_ROUTE_UPSTREAM);

    *route = *host;
    route->prefix = copy(f, block->key);
    if (upstream != NULL)
        route->upstream = find_upstream(f, upstream->text);
    if (tree_setting(block, SETTING_ROUTE_IDLE) != NULL) {
        route->idle_ms = number(block, SETTING_ROUTE_IDLE);
        route->states_idle = true;
    }
    if (tree_setting(block, SETTING_ROUTE_BODY) != NULL) {
        route->body_bytes = tree_number(block, SETTING_ROUTE_BODY);
        route->states_body = true;
    }
    if (tree_setting(block, SETTING_ROUTE_WEBSOCKET) != NULL)
        route->websocket = tree_number(block, SETTING_ROUTE_WEBSOCKET) != 0;
}

/* Longest first, so that the first match is the most specific one. */
static int
compare_routes(const void *a, const void *b)
{
    const struct route_policy *x = a, *y = b;
    size_t x_length = strlen(x->prefix), y_length = strlen(y->prefix);

    if (x_length != y_length)
        return x_length > y_length ? -1 : 1;
    return strcmp(x->prefix, y->prefix);
}

static void
freeze_routes(struct freezer *f, struct publish_policy *p, const struct node *block)
{
    const struct node *routes = tree_setting(block, SETTING_ROUTE_BLOCK);
    struct route_policy host = {
        .prefix = "/",
        .upstream = find_upstream(f, tree_text(block, SETTING_PUBLISH_UPSTREAM)),
        .idle_ms = number(block, SETTING_PUBLISH_IDLE),
        .states_idle = tree_setting(block, SETTING_PUBLISH_IDLE) != NULL,
        .body_bytes = tree_number(block, SETTING_PUBLISH_BODY),
        .states_body = tree_setting(block, SETTING_PUBLISH_BODY) != NULL,
        .websocket = tree_number(block, SETTING_PUBLISH_WEBSOCKET) != 0,
    };
    struct route_policy *r;

    p->route_count = count_entries(routes) + 1;
    p->routes = r = stash_take(f->stash, p->route_count, sizeof(*r));
    *r++ = host;
    for (const struct node *e = routes == NULL ? NULL : routes->first; e != NULL;
         e = e->next)
        freeze_route(f, r++, e, &host);
    qsort((void *)p->routes, p->route_count, sizeof(*r), compare_routes);
}

static const struct filter_policy *
filter_of(struct freezer *f, const struct node *application)
{
    struct shared_filter *shared = f->filters;

    while (shared != NULL && shared->resolved != application->resolved)
        shared = shared->next;
    if (shared == NULL) {
        shared = stash_take(f->stash, 1, sizeof(*shared));
        *shared = (struct shared_filter){ application->resolved,
            freeze_filter(f->loaded, application, f->stash), f->filters };
        f->filters = shared;
    }
    return shared->filter;
}

static void
freeze_publish(struct freezer *f, struct publish_policy *p, const struct node *block)
{
    const struct node *limits = tree_setting(block, SETTING_LIMITS_BLOCK);
    const struct node *application = tree_setting(block, SETTING_PUBLISH_APPLICATION);

    p->host = copy_lower(f, block->key);
    freeze_routes(f, p, block);
    p->filter =
        application != NULL ? filter_of(f, application) : freeze_filter_of_tunnel();
    p->tells_hsts = hsts_may_be_told(f->root, block->key, NULL);
    p->limits = (struct http_limits)HTTP_LIMITS_DEFAULT;
    p->limits.head_bytes = number(limits, SETTING_LIMITS_HEAD);
    p->limits.target_bytes = number(limits, SETTING_LIMITS_TARGET);
    p->limits.fields = number(limits, SETTING_LIMITS_FIELDS);
    p->limits.name_bytes = number(limits, SETTING_LIMITS_FIELD_NAME);
    p->limits.value_bytes = number(limits, SETTING_LIMITS_FIELD_VALUE);
}

static bool
is_tunnel(const struct freezer *f, const struct node *host)
{
    return check_bridge_of(check_upstream_of(f->root, host,
               SETTING_PUBLISH_UPSTREAM)) == BRIDGE_TUNNEL;
}

static int
compare_publishes(const void *a, const void *b)
{
    const struct publish_policy *x = a, *y = b;

    return strcmp(x->host, y->host);
}

static int
compare_hosts(const void *a, const void *b)
{
    const struct tls_host_policy *x = a, *y = b;

    return strcmp(x->host, y->host);
}

/*
 * First the hosts whose TLS ends here, in the order of tls.hosts; then the tunnels. Both
 * sorted by name, as they are searched with each request.
 */
static void
freeze_hosts(struct freezer *f, struct listener_policy *l, const struct node *hosts)
{
    struct publish_policy *p;
    struct tls_host_policy *h;

    l->publish_count = count_entries(hosts);
    l->publishes = p = stash_take(f->stash, l->publish_count, sizeof(*p));
    l->tls.hosts = h = stash_take(f->stash, l->publish_count, sizeof(*h));
    for (const struct node *e = hosts->first; e != NULL; e = e->next)
        if (!is_tunnel(f, e)) {
            freeze_certificates(f, h++, e);
            freeze_publish(f, p++, e);
            l->tls.host_count++;
        }
    for (const struct node *e = hosts->first; e != NULL; e = e->next)
        if (is_tunnel(f, e))
            freeze_publish(f, p++, e);
    p = (struct publish_policy *)(uintptr_t)l->publishes;
    qsort(p, l->tls.host_count, sizeof(*p), compare_publishes);
    qsort(p + l->tls.host_count, l->publish_count - l->tls.host_count, sizeof(*p),
        compare_publishes);
    qsort((void *)(uintptr_t)l->tls.hosts, l->tls.host_count, sizeof(*h),
        compare_hosts);
}

static void
freeze_listener(struct freezer *f, struct listener_policy *l, const struct node *block)
{
    const struct node *tls = tree_setting(block, SETTING_LISTENER_TLS_BLOCK);
    const struct node *timeouts = tree_setting(block, SETTING_TIMEOUTS_BLOCK);
    const char *host = tree_text(block, SETTING_LISTENER_DEFAULT);

    l->name = l->tls.name = copy(f, block->key);
    freeze_addresses(f, tree_setting(block, SETTING_LISTENER_ADDRESS), &l->addresses,
        &l->address_count);
    freeze_addresses(f, tree_setting(block, SETTING_LISTENER_REDIRECT_HTTP),
        &l->redirects, &l->redirect_count);
    l->public_port = (uint16_t)number(block, SETTING_LISTENER_PUBLIC_PORT);
    l->tls.minimum = (enum tls_minimum)tree_number(tls, SETTING_LISTENER_TLS_MINIMUM);
    l->tls.default_host = host == NULL ? NULL : copy_lower(f, host);
    l->tls.session_lifetime_s =
        number(tls, SETTING_LISTENER_TLS_SESSION_LIFETIME) / 1000;
    freeze_hosts(f, l, tree_setting(block, SETTING_PUBLISH_BLOCK));
    l->connections = number(block, SETTING_LISTENER_CONNECTIONS);
    l->connections_per_source = number(block, SETTING_LISTENER_CONNECTIONS_PER_SOURCE);
    l->handshake_ms = number(timeouts, SETTING_TIMEOUTS_HANDSHAKE);
    l->head_ms = number(timeouts, SETTING_TIMEOUTS_HEAD);
    l->keep_alive_ms = number(timeouts, SETTING_TIMEOUTS_KEEP_ALIVE);
    l->body_ms = number(timeouts, SETTING_TIMEOUTS_BODY);
    l->reply_ms = number(timeouts, SETTING_TIMEOUTS_REPLY);
    l->linger_ms = number(timeouts, SETTING_TIMEOUTS_LINGER);
}

static void
freeze_listeners(struct freezer *f)
{
    const struct node *block = tree_setting(f->root, SETTING_LISTENER_BLOCK);
    struct listener_policy *l;

    f->snapshot->listener_count = count_entries(block);
    l = stash_take(f->stash, f->snapshot->listener_count, sizeof(*l));
    f->snapshot->listeners = l;
    for (const struct node *e = block->first; e != NULL; e = e->next, l++) {
        l->index = (unsigned)(l - f->snapshot->listeners);
        freeze_listener(f, l, e);
    }
}

/* --- the rest --- */

static void
freeze_log(struct freezer *f)
{
    const struct node *block = tree_setting(f->root, SETTING_LOG_BLOCK);
    const struct node *to = tree_setting(block, SETTING_LOG_TO);
    struct log_policy *log = &f->snapshot->log;
    struct log_target *target;

    log->format = (enum log_format)tree_number(block, SETTING_LOG_FORMAT);
    log->target_count = to == NULL ? 1 : count_values(to);
    log->targets = target = stash_take(f->stash, log->target_count, sizeof(*target));
    if (to == NULL)
        target->kind = LOG_TO_STDOUT; /* the schema's default */
    for (const struct node *v = tree_first_value(to); v != NULL;
         v = tree_next_value(v), target++) {
        target->kind = strcmp(v->text, "stdout") == 0 ? LOG_TO_STDOUT : LOG_TO_FILE;
        if (target->kind == LOG_TO_FILE)
            target->path = copy(f, v->text + strlen("file:"));
    }
}

/* The account that is written, else the role's own. */
static const char *
account(struct freezer *f, enum setting_id id, enum jail_role role)
{
    const char *written = tree_text(f->root, id);
    char own[ACCOUNT_NAME_BYTES];

    if (written == NULL)
        account_of_role(role, own);
    return copy(f, written != NULL ? written : own);
}

/* Whoever is not root stays who they are; root never serves. */
static void
freeze_accounts(struct freezer *f)
{
    struct snapshot *s = f->snapshot;

    s->user = s->key_user = s->log_user = s->resolver_user = "";
    if (geteuid() != 0)
        return;
    s->user = account(f, SETTING_FILE_USER, JAIL_WORKER);
    s->key_user = account(f, SETTING_FILE_KEY_USER, JAIL_KEYD);
    s->log_user = account(f, SETTING_FILE_LOG_USER, JAIL_LOGD);
    s->resolver_user = account(f, SETTING_FILE_RESOLVER_USER, JAIL_RESOLVER);
}

struct snapshot *
freeze(struct loaded *loaded)
{
    const struct node *root = loaded->root;
    struct frozen *frozen = require_zeroed(1, sizeof(*frozen));
    struct freezer f = { loaded, root, &frozen->stash, &frozen->snapshot, NULL };

    stash_init(&frozen->stash);
    frozen->snapshot.references = 1;
    freeze_upstreams(&f);
    freeze_listeners(&f);
    freeze_log(&f);
    freeze_accounts(&f);
    frozen->snapshot.workers = need_workers(root);
    frozen->snapshot.drain_ms = number(root, SETTING_FILE_DRAIN);
    frozen->snapshot.memory_bytes = tree_number(
        tree_setting(root, SETTING_FILE_LIMITS_BLOCK), SETTING_FILE_LIMITS_MEMORY);
    frozen->snapshot.watchdog_ms = number(root, SETTING_FILE_WATCHDOG);
    frozen->snapshot.minimum_rate =
        number(tree_setting(root, SETTING_FILE_LIMITS_BLOCK),
            SETTING_FILE_LIMITS_MINIMUM_RATE);
    frozen->sealed = loaded->sealed;
    loaded->sealed = bytes_of(NULL, 0);
    return &frozen->snapshot;
}
