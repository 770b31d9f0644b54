/*
 * proxy/trial.c - the data path's own gates, walked with a made-up request.
 *
 * A worker without sockets, a client without a connection: just enough of each for
 * the gates to see what they would see. What is tried is bytes, so that the parser
 * judges them, too.
 */
#include "proxy/trial.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/head.h"
#include "proxy/exchange.h"
#include "proxy/forward.h"
#include "proxy/gate.h"
#include "proxy/listener.h"
#include "proxy/worker.h"

/* What a trial needs of a worker; on the heap, because it is large. */
struct stage {
    struct worker worker;
    struct listener listener;
    struct client client;
    struct chunk_queue bytes;
};

struct target {
    struct bytes host, path; /* host without port, lower case */
    struct bytes server_name;
    char authority[300];
    uint16_t port;
    bool clear_text;
};

static bool
read_url(const char *url, struct target *target, struct note *note)
{
    struct bytes rest = bytes_of_string(url);
    struct http_authority authority;
    size_t length;

    *target = (struct target){ .port = HTTPS_PORT };
    if (bytes_has_prefix_nocase(rest, BYTES("http://"))) {
        target->clear_text = true;
        target->port = HTTP_PORT;
        rest = bytes_of(rest.at + 7, rest.length - 7);
    } else if (bytes_has_prefix_nocase(rest, BYTES("https://"))) {
        rest = bytes_of(rest.at + 8, rest.length - 8);
    } else {
        note_set(note, "the URL must begin with https:// or http://");
        return false;
    }
    length = strcspn(rest.at, "/?");
    if (length == 0 || length >= sizeof target->authority) {
        note_set(note, "the URL names no host");
        return false;
    }
    for (size_t i = 0; i < length; i++)
        target->authority[i] = ascii_lower(rest.at[i]);
    if (!http_authority_read(bytes_of(target->authority, length), &authority)) {
        note_set(note, "the host or the port is malformed");
        return false;
    }
    target->host = authority.host;
    target->port = http_authority_port(&authority, target->port);
    if (target->host.length >= CLIENT_NAME_BYTES) {
        note_set(note, "the host name is too long");
        return false;
    }
    target->path = bytes_of(rest.at + length, rest.length - length);
    target->server_name = target->host;
    return true;
}

static bool
take_server_name(const char *name, struct target *target, struct note *note)
{
    if (name == NULL)
        return true;
    target->server_name = bytes_of_string(name);
    if (target->server_name.length < CLIENT_NAME_BYTES)
        return true;
    note_set(note, "the server name is too long");
    return false;
}

static uint16_t
port_of(const struct listen_address *address)
{
    const struct sockaddr_storage *at = &address->address;

    return ntohs(at->ss_family == AF_INET6
            ? ((const struct sockaddr_in6 *)at)->sin6_port
            : ((const struct sockaddr_in *)at)->sin_port);
}

/* Port 0 is any free one, so it may be this. */
static bool
listens_on(const struct listener_policy *listener, const struct target *target)
{
    unsigned count =
        target->clear_text ? listener->redirect_count : listener->address_count;
    const struct listen_address *addresses =
        target->clear_text ? listener->redirects : listener->addresses;

    for (unsigned i = 0; i < count; i++) {
        uint16_t port = port_of(&addresses[i]);

        if (port == 0 || port == target->port)
            return true;
    }
    return !target->clear_text && listener->public_port == target->port;
}

/* Without `public_port` a listener takes it that something maps 443 to its ports. */
static bool
may_be_mapped(const struct listener_policy *listener, const struct target *target)
{
    return !target->clear_text && listener->public_port == 0 &&
        target->port == HTTPS_PORT;
}

/* The listener's sockets as they would be, for the gates that ask for their ports. */
static void
set_up_listener(struct listener *listener, const struct listener_policy *policy,
    const struct target *target)
{
    listener->policy = policy;
    listener->sockets =
        require_zeroed(policy->address_count, sizeof *listener->sockets);
    for (unsigned i = 0; i < policy->address_count; i++) {
        uint16_t port = port_of(&policy->addresses[i]);

        listener->sockets[i].port = port != 0 ? port : target->port;
    }
}

/* The first listener that is met there, but rather one that publishes the host. */
static const struct listener_policy *
find_met(const struct snapshot *snapshot, const struct target *target,
    bool (*is_met)(const struct listener_policy *, const struct target *))
{
    const struct listener_policy *found = NULL;

    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        const struct listener_policy *listener = &snapshot->listeners[i];

        if (!is_met(listener, target))
            continue;
        if (listener_find_publish(listener, target->server_name) != NULL)
            return listener;
        if (found == NULL)
            found = listener;
    }
    return found;
}

/* The listener that this request would meet: the one that was named, or by its port. */
static const struct listener_policy *
find_listener(const struct snapshot *snapshot, const struct trial_request *request,
    const struct target *target)
{
    const struct listener_policy *found;

    if (request->listener == NULL) {
        found = find_met(snapshot, target, listens_on);
        return found != NULL ? found : find_met(snapshot, target, may_be_mapped);
    }
    for (unsigned i = 0; i < snapshot->listener_count; i++) {
        if (strcmp(request->listener, snapshot->listeners[i].name) == 0)
            return &snapshot->listeners[i];
    }
    return NULL;
}

static bool
read_address(const char *text, struct client *client, struct note *note)
{
    struct sockaddr_in *four = (void *)&client->address;
    struct sockaddr_in6 *six = (void *)&client->address;

    if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
        four->sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
        six->sin6_family = AF_INET6;
    else
        note_set(note, "'%s' is no IP address", text);
    memcpy(client->address_text, text, strnlen(text, sizeof client->address_text - 1));
    return client->address.ss_family != AF_UNSPEC;
}

/* Says a header how the body ends? */
static bool
is_framed(const struct trial_request *request)
{
    for (unsigned i = 0; i < request->header_count; i++) {
        struct bytes rest = bytes_of_string(request->headers[i]);
        struct bytes name = bytes_cut(&rest, ':');

        if (bytes_equal_nocase(name, BYTES("Content-Length")) ||
            bytes_equal_nocase(name, BYTES("Transfer-Encoding")))
            return true;
    }
    return false;
}

static void
write_request(const struct trial_request *request, const struct target *target,
    struct chunk_queue *to)
{
    static const struct bytes end = { "\r\n", 2 };
    const char *method = request->method != NULL ? request->method : "GET";

    chunk_queue_append(to, bytes_of_string(method));
    chunk_queue_append(to, BYTES(" "));
    if (target->path.length == 0 || target->path.at[0] != '/')
        chunk_queue_append(to, BYTES("/"));
    chunk_queue_append(to, target->path);
    chunk_queue_append(to, BYTES(" HTTP/1.1\r\nHost: "));
    chunk_queue_append(to, bytes_of_string(target->authority));
    chunk_queue_append(to, end);
    for (unsigned i = 0; i < request->header_count; i++) {
        chunk_queue_append(to, bytes_of_string(request->headers[i]));
        chunk_queue_append(to, end);
    }
    if (request->body.at != NULL && !is_framed(request)) {
        char length[48];

        snprintf(length, sizeof length, "Content-Length: %zu\r\n",
            request->body.length);
        chunk_queue_append(to, bytes_of_string(length));
    }
    chunk_queue_append(to, end);
}

static struct trial_step *
add_step(struct trial *trial, const char *name, enum fault fault, const char *detail)
{
    struct trial_step *step = &trial->steps[trial->count];

    require(trial->count < TRIAL_STEPS_MAX);
    trial->count++;
    step->name = name;
    step->fault = fault;
    if (fault != FAULT_NONE)
        trial->fault = fault;
    if (detail != NULL)
        memcpy(step->detail, detail, strnlen(detail, sizeof step->detail - 1));
    return step;
}

/* What the filter has refused, or `otherwise`. */
static void
tell_finding(const struct exchange *x, const char *otherwise, struct note *note)
{
    const struct finding *refused = &x->verdict.refused;

    if (refused->fault == FAULT_NONE)
        note_set(note, "%s", otherwise);
    else
        note_set(note, "%s%s%.*s", refused->rule, refused->part.length > 0 ? ": " : "",
            BYTES_ARG(refused->part));
}

static void
tell(struct trial *trial, const char *name, enum fault fault, const struct exchange *x)
{
    struct note note = x->note;

    if (note.text[0] == '\0' && strcmp(name, "url") == 0)
        note_set(&note, "%.*s", BYTES_ARG(x->url.canonical));
    if (note.text[0] == '\0' && strcmp(name, "host") == 0 && x->publish != NULL)
        note_set(&note, "%s", x->publish->host);
    if (note.text[0] == '\0' && strcmp(name, "route") == 0)
        note_set(&note, "%s, upstream %s, idle %u s", x->route->prefix,
            x->route->upstream->name, x->route->idle_ms / 1000);
    if (note.text[0] == '\0' && strcmp(name, "length") == 0)
        note_set(&note, "at most %llu bytes", (unsigned long long)x->body_bytes);
    if (note.text[0] == '\0' && strcmp(name, "inspection") == 0)
        tell_finding(x, x->inspection != NULL ? "the body is looked into" : "", &note);
    add_step(trial, name, fault, note.text);
}

/* The application's filter, check by check, with the bounds that each one has. */
static enum fault
tell_filter(struct trial *trial, struct exchange *x)
{
    struct filter_input input = gate_filter_input(x);
    struct filter_verdict verdict = { .rule = NULL };
    enum fault fault = FAULT_NONE;

    for (unsigned i = 0; i < filter_check_count && fault == FAULT_NONE; i++) {
        struct note limit = { "" };
        struct finding finding = filter_checks[i].run(&input, &verdict, &limit);

        fault = finding.fault;
        if (fault != FAULT_NONE)
            note_set(&limit, "%s%s%.*s", finding.rule,
                finding.part.length > 0 ? ": " : "", BYTES_ARG(finding.part));
        add_step(trial, filter_checks[i].name, fault, limit.text);
    }
    for (unsigned i = 0; i < verdict.reported_count; i++)
        add_step(trial, "report", FAULT_NONE, verdict.reported[i].rule);
    trial->rule = verdict.rule != NULL ? verdict.rule->id : NULL;
    return fault;
}

/* The body as it would come, decoded, in pieces, each judged before it would leave. */
static enum fault
walk_body(struct exchange *x, struct bytes body, struct trial *trial)
{
    const struct http_framing *framing = &x->request.framing;
    unsigned reported = x->verdict.reported_count;
    enum fault fault = FAULT_NONE;
    struct note note = { "" };
    bool is_whole;

    if (framing->kind == HTTP_LENGTH && framing->length < body.length)
        body.length = (size_t)framing->length;
    is_whole = framing->kind != HTTP_LENGTH || framing->length == body.length;
    note_set(&note, "%zu bytes%s", body.length, is_whole ? "" : ", and more to come");
    exchange_begin(x);
    while (fault == FAULT_NONE && !x->upload.ended && x->upload.bytes < body.length) {
        size_t left = body.length - (size_t)x->upload.bytes;
        size_t length = left < CHUNK_BYTES ? left : CHUNK_BYTES;

        chunk_queue_append(&x->upload.data,
            bytes_of(body.at + x->upload.bytes, length));
        x->upload.bytes += length;
        x->upload.ended = is_whole && length == left;
        fault = gate_body(x);
        chunk_queue_drop(&x->upload.data, length);
    }
    if (fault != FAULT_NONE)
        tell_finding(x, "", &note);
    add_step(trial, "body", fault, note.text);
    for (unsigned i = reported; i < x->verdict.reported_count; i++)
        add_step(trial, "report", FAULT_NONE, x->verdict.reported[i].rule);
    return fault;
}

/* The whole head through finder and parser, as it would come from the wire. */
static enum fault
parse(struct stage *stage, struct exchange *x)
{
    static const struct http_limits standard = HTTP_LIMITS_DEFAULT;
    const struct publish_policy *publish = stage->client.publish;
    const struct http_limits *limits = publish != NULL ? &publish->limits : &standard;
    struct http_head_search search = { .seen = 0 };
    enum fault fault = FAULT_HTTP_HEAD_LONG;
    size_t length = 0;
    char *raw;

    if (http_head_find(&search, &stage->bytes, limits, false, &length, &fault) !=
        HTTP_HAS_ALL)
        return fault;
    if (length != stage->bytes.length)
        return FAULT_HTTP_FIELD_VALUE; /* a header with a line end of its own */
    raw = arena_take(&x->arena, length);
    if (raw == NULL)
        return FAULT_MEMORY;
    chunk_queue_peek(&stage->bytes, 0, raw, length);
    return http_request_parse(bytes_of(raw, length), limits, &x->arena, &x->request,
        &x->note);
}

static char *
text_of(struct bytes bytes)
{
    char *text = require_zeroed(bytes.length + 1, 1);

    if (bytes.length > 0)
        memcpy(text, bytes.at, bytes.length);
    return text;
}

static void
walk(struct stage *stage, struct exchange *x, struct bytes body, struct trial *trial)
{
    enum fault fault = parse(stage, x);
    struct note fields = { "" };

    note_set(&fields, "HTTP/1.1, %u fields", x->request.field_count);
    add_step(trial, "request", fault, fault == FAULT_NONE ? fields.text : x->note.text);
    for (unsigned i = 0; i < gate_count && fault == FAULT_NONE; i++) {
        fault = gates[i].run(x);
        if (strcmp(gates[i].name, "filter") == 0 && x->own_page == NULL)
            fault = tell_filter(trial, x);
        else
            tell(trial, gates[i].name, fault, x);
    }
    if (fault == FAULT_NONE && x->redirect == 0 && body.at != NULL)
        fault = walk_body(x, body, trial);
    trial->is_own_page = x->own_page != NULL;
    trial->host = x->publish != NULL ? x->publish->host : trial->host;
    trial->route = x->route != NULL ? x->route->prefix : NULL;
    trial->upstream =
        x->route != NULL && x->own_page == NULL ? x->route->upstream->name : NULL;
    if (fault != FAULT_NONE || x->own_page != NULL)
        return;
    trial->redirect = x->redirect;
    if (x->redirect != 0)
        trial->redirect_to = text_of(forward_redirect(x));
    else
        trial->fault = forward_request(x, &trial->head);
}

/* What the handshake would have chosen; false when it would not have come to a request. */
static bool
shake_hands(struct stage *stage, const struct target *target, struct trial *trial)
{
    struct client *client = &stage->client;

    client->publish =
        listener_find_publish(stage->listener.policy, target->server_name);
    if (client->publish == NULL) {
        add_step(trial, "tls", FAULT_TLS_NAME_UNKNOWN,
            fault_text(FAULT_TLS_NAME_UNKNOWN));
        return false;
    }
    trial->host = client->publish->host;
    memcpy(client->server_name, target->server_name.at, target->server_name.length);
    add_step(trial, "tls", FAULT_NONE, client->server_name);
    if (client->publish->routes[0].upstream->bridge != BRIDGE_TUNNEL)
        return true;
    trial->upstream = client->publish->routes[0].upstream->name;
    add_step(trial, "tunnel", FAULT_NONE,
        "TLS is passed through, nothing is inspected");
    return false;
}

static void
try_on(struct stage *stage, const struct target *target, struct bytes body,
    struct trial *trial)
{
    struct client *client = &stage->client;
    struct exchange *x;

    client->worker = &stage->worker;
    client->listener = &stage->listener;
    client->clear_text = target->clear_text;
    if (!target->clear_text && !shake_hands(stage, target, trial))
        return;
    x = exchange_new(client, clock_ns());
    require(x != NULL); /* a verb, not a process that serves */
    walk(stage, x, body, trial);
    exchange_discard(&x);
}

bool
trial_run(struct snapshot *snapshot, const struct trial_request *request,
    struct trial *trial, struct note *note)
{
    struct stage *stage = require_zeroed(1, sizeof *stage);
    const struct listener_policy *policy;
    struct target target;
    bool ok;

    *trial = (struct trial){ .count = 0 };
    chunk_queue_init(&trial->head, SIZE_MAX);
    chunk_queue_init(&stage->bytes, SIZE_MAX);
    ok = read_url(request->url, &target, note) &&
        take_server_name(request->server_name, &target, note) &&
        read_address(request->from != NULL ? request->from : "192.0.2.1",
            &stage->client, note);
    if (ok) {
        uv_loop_init(&stage->worker.loop);
        stage->worker.snapshot = snapshot;
        memcpy(stage->worker.pseudonym, "postern", sizeof "postern");
        memcpy(stage->worker.loop_mark, "postern", sizeof "postern");
        policy = find_listener(snapshot, request, &target);
        write_request(request, &target, &stage->bytes);
        if (policy == NULL) {
            struct note why = { "" };

            note_set(&why, "no listener has port %u%s", target.port,
                target.clear_text ? ""
                                  : "; behind a port mapping it needs public_port");
            add_step(trial, "listener", FAULT_HTTP_HOST_PORT, why.text);
        } else {
            struct note where;

            note_set(&where, "%s%s", policy->name,
                target.clear_text || listens_on(policy, &target)
                    ? ""
                    : ", when something in front maps this port to it");
            set_up_listener(&stage->listener, policy, &target);
            trial->listener = policy->name;
            add_step(trial, "listener", FAULT_NONE, where.text);
            try_on(stage, &target, request->body, trial);
        }
        uv_loop_close(&stage->worker.loop);
    }
    chunk_queue_clear(&stage->bytes);
    free(stage->listener.sockets);
    free(stage);
    return ok;
}

void
trial_fini(struct trial *trial)
{
    chunk_queue_clear(&trial->head);
    free(trial->redirect_to);
    trial->redirect_to = NULL;
}
