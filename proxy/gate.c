/*
 * proxy/gate.c - the gates, in their order.
 *
 * Order matters: first whether the request is for us at all, then what it asks,
 * then how much it brings. Trust: every byte judged here is the client's.
 */
#include "proxy/gate.h"

#include <time.h>

#include "http/upload.h"
#include "proxy/exchange.h"
#include "proxy/listener.h"
#include "proxy/loop.h"
#include "proxy/own_page.h"
#include "proxy/worker.h"

/*
 * How the upstream and its links may call us: in one spelling, and with a port on which
 * clients reach us. Else a stranger's port would stand in links that the application
 * makes, and in what caches keep for others.
 */
static enum fault
learn_authority(struct exchange *x)
{
    struct http_authority asked = x->request.authority;
    uint16_t port = http_authority_port(&asked, HTTPS_PORT);

    if (!listener_is_met_on(x->client->listener, port)) {
        note_set(&x->note, "port %u", port);
        return FAULT_HTTP_HOST_PORT;
    }
    x->authority = port == HTTPS_PORT
        ? asked.host
        : arena_print(&x->arena, "%.*s:%u", BYTES_ARG(asked.host), port);
    return x->authority.at != NULL ? FAULT_NONE : FAULT_MEMORY;
}

/* The host is published here, and it is the one that TLS was negotiated for. */
static enum fault
gate_host(struct exchange *x)
{
    const struct client *client = x->client;
    struct bytes host = x->request.authority.host;
    struct bytes name = bytes_of_string(client->server_name);

    x->publish = listener_find_publish(client->listener->policy, host);
    if (x->publish == NULL)
        return FAULT_HTTP_HOST_UNKNOWN;
    if (client->clear_text) /* whatever the port: the redirect names its own */
        return FAULT_NONE;
    if (x->publish != client->publish)
        return FAULT_HTTP_HOST_MISDIRECTED;
    if (name.length > 0 && !bytes_equal(name, host))
        return FAULT_HTTP_HOST_MISDIRECTED;
    return learn_authority(x);
}

/*
 * Autodiscover in clear text knows 302 and nothing else (MS-OXDISCO, 3.1.5.4), libraries
 * for Exchange no 308. Other methods keep theirs (RFC 9110, 15.4.8): what comes again
 * comes over TLS, and nothing here ever asks for a password.
 */
static enum fault
gate_redirect(struct exchange *x)
{
    bool only_reads = x->request.method_id == HTTP_METHOD_GET ||
        x->request.method_id == HTTP_METHOD_HEAD;

    if (x->client->clear_text)
        x->redirect = only_reads ? 302 : 307;
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
    const struct worker *worker = x->client->worker;

    return loop_is_closed(&x->request, bytes_of_string(worker->pseudonym),
               bytes_of_string(worker->loop_mark))
        ? FAULT_HTTP_LOOP
        : FAULT_NONE;
}

/* What is refused of a URL's oddities is the application's to say: SOGo needs %2F. */
static enum fault
gate_url(struct exchange *x)
{
    const struct filter_policy *filter = x->publish->filter;
    struct url judged;
    enum fault fault;

    if (x->request.target.length > x->publish->limits.target_bytes)
        return FAULT_HTTP_TARGET_LONG;
    fault = url_canonicalise(x->request.target, &x->arena, &x->url);
    judged = x->url;
    judged.oddities &= filter->url_oddities;
    judged.query_oddities &= filter->query_oddities;
    return fault != FAULT_NONE ? fault : url_judge(&judged);
}

/*
 * "/mail" leads "/mail" and "/mail/x", not "/mailbox"; where the application's server
 * ignores case, "/Mail" too: else a route's bounds would be left by writing it so.
 */
static bool
prefix_leads(struct bytes prefix, struct bytes path, bool ignores_case)
{
    if (ignores_case ? !bytes_has_prefix_nocase(path, prefix)
                     : !bytes_has_prefix(path, prefix))
        return false;
    return prefix.at[prefix.length - 1] == '/' || path.length == prefix.length ||
        path.at[prefix.length] == '/';
}

static enum fault
gate_route(struct exchange *x)
{
    const struct publish_policy *publish = x->publish;

    for (unsigned i = 0; i < publish->route_count && x->route == NULL; i++) {
        if (prefix_leads(bytes_of_string(publish->routes[i].prefix), x->url.decoded,
                publish->filter->ignores_case))
            x->route = &publish->routes[i];
    }
    if (x->route == NULL) /* "*" of OPTIONS: the route for everything else */
        x->route = &publish->routes[publish->route_count - 1];
    return FAULT_NONE;
}

/* What lies below /.postern is ours to answer, whatever the application has there. */
static enum fault
gate_own_page(struct exchange *x)
{
    if (x->client->clear_text || !own_page_is_below(x->url.decoded))
        return FAULT_NONE;
    return own_page_gate(x);
}

struct filter_input
gate_filter_input(struct exchange *x)
{
    return (struct filter_input){
        .policy = x->publish->filter,
        .head = &x->request,
        .url = &x->url,
        .source = (const struct sockaddr *)&x->client->address,
        .now = (int64_t)time(NULL),
        .arena = &x->arena,
    };
}

static enum fault
gate_filter(struct exchange *x)
{
    struct filter_input input = gate_filter_input(x);
    const struct path_rule *rule;

    if (x->own_page != NULL)
        return FAULT_NONE;
    x->idle_ms = x->route->idle_ms;
    x->body_bytes = x->route->body_bytes;
    filter_judge(&input, &x->verdict);
    rule = x->verdict.rule;
    if (rule != NULL && rule->idle_ms != 0 && !x->route->states_idle)
        x->idle_ms = rule->idle_ms;
    if (rule != NULL && (rule->body_bytes < x->body_bytes || !x->route->states_body))
        x->body_bytes = rule->body_bytes;
    return x->verdict.refused.fault;
}

/*
 * The path of a Destination, which is a whole URL or the path alone (RFC 4918, 10.3); one
 * of another form is { NULL, 0 }.
 */
static struct bytes
destination_path(struct bytes value)
{
    const char *end = value.at + value.length, *at = value.at, *scheme;

    if (value.length == 0 || bytes_has_prefix(value, BYTES("//")))
        return bytes_of(NULL, 0);
    if (*at != '/') {
        scheme = memmem(at, value.length, "://", 3);
        if (scheme == NULL)
            return bytes_of(NULL, 0);
        at = memchr(scheme + 3, '/', (size_t)(end - scheme - 3));
    }
    value = at == NULL ? BYTES("/") : bytes_of(at, (size_t)(end - at));
    return bytes_cut(&value, '#'); /* a fragment is of no resource */
}

/* What a second path of this request leads to, by the same rules. */
static enum fault
judge_path(struct exchange *x, struct bytes path)
{
    struct filter_input input = gate_filter_input(x);
    struct http_head head = x->request;
    struct filter_verdict verdict;
    struct url url;
    enum fault fault = url_canonicalise(path, &x->arena, &url);

    if (fault != FAULT_NONE)
        return fault;
    head.target = path;
    input.head = &head;
    input.url = &url;
    filter_judge(&input, &verdict);
    x->verdict.refused = verdict.refused;
    for (unsigned i = 0; i < verdict.reported_count; i++)
        if (x->verdict.reported_count < FILTER_REPORTS_MAX)
            x->verdict.reported[x->verdict.reported_count++] = verdict.reported[i];
    return verdict.refused.fault;
}

/*
 * What MOVE and COPY write to is judged as what they read from: else a door that is closed
 * to every method would stand open to the second path of a request.
 */
static enum fault
gate_destination(struct exchange *x)
{
    const struct http_field *field = http_head_field(&x->request, FIELD_DESTINATION);
    struct bytes path;

    if (field == NULL || x->own_page != NULL || !x->publish->filter->has_model)
        return FAULT_NONE;
    path = destination_path(field->value);
    return path.at == NULL ? FAULT_HTTP_TARGET : judge_path(x, path);
}

static enum fault
gate_length(struct exchange *x)
{
    if (x->request.framing.kind == HTTP_LENGTH &&
        x->request.framing.length > x->body_bytes)
        return FAULT_HTTP_BODY_LARGE;
    return FAULT_NONE;
}

/* Who will look into the body as it passes, if anybody has to. */
static enum fault
gate_inspection(struct exchange *x)
{
    struct filter_input input = gate_filter_input(x);
    struct finding finding;

    if (x->redirect != 0 || x->own_page != NULL)
        return FAULT_NONE;
    x->inspection = upload_new(&input, &x->verdict, &finding);
    if (finding.fault != FAULT_NONE)
        x->verdict.refused = finding;
    return finding.fault;
}

const struct gate gates[] = {
    { "host", gate_host },
    { "method", gate_method },
    { "loop", gate_loop },
    { "url", gate_url },
    { "route", gate_route },
    { "redirect", gate_redirect },
    { "own-page", gate_own_page },
    { "filter", gate_filter },
    { "destination", gate_destination },
    { "length", gate_length },
    { "inspection", gate_inspection },
};

const unsigned gate_count = sizeof gates / sizeof gates[0];

enum fault
gate_pass(struct exchange *x)
{
    for (unsigned i = 0; i < gate_count; i++) {
        enum fault fault = gates[i].run(x);

        if (fault != FAULT_NONE) {
            x->stopped_by = gates[i].name;
            return fault;
        }
    }
    return FAULT_NONE;
}

/* Shows the inspector what it has not seen yet, which is the end of the flow. */
static enum fault
inspect(struct exchange *x)
{
    struct finding finding = { .fault = FAULT_NONE };

    while (finding.fault == FAULT_NONE && x->inspected < x->upload.bytes) {
        size_t unseen = (size_t)(x->upload.bytes - x->inspected);
        struct bytes piece =
            chunk_queue_at(&x->upload.data, x->upload.data.length - unseen);

        upload_feed(x->inspection, piece, &finding);
        x->inspected += piece.length;
    }
    if (finding.fault == FAULT_NONE && x->upload.ended && !x->upload.delivered)
        upload_end(x->inspection, &finding);
    if (finding.fault != FAULT_NONE)
        x->verdict.refused = finding;
    return finding.fault;
}

enum fault
gate_body(struct exchange *x)
{
    if (x->request.framing.kind == HTTP_TUNNEL)
        return FAULT_NONE;
    if (x->upload.data.starved) /* counted, and not there to be looked at or sent */
        return FAULT_MEMORY_FULL;
    if (x->upload.bytes > x->body_bytes)
        return FAULT_HTTP_BODY_LARGE;
    return x->inspection != NULL ? inspect(x) : FAULT_NONE;
}

/* Enough of a body to tell a program by. */
#define PROGRAM_HEAD_BYTES 64

/* What does not begin with "MZ" is none, however short: a stream of events goes on. */
static bool
may_be_program(const struct chunk_queue *body)
{
    char start[2];
    size_t length = body->length < sizeof start ? body->length : sizeof start;

    chunk_queue_peek(body, 0, start, length);
    return memcmp(start, "MZ", length) == 0;
}

bool
gate_holds_answer(const struct exchange *x)
{
    return x->publish->filter->refuses_executables &&
        x->response.framing.kind != HTTP_TUNNEL && !x->download.ended &&
        x->download.data.length < PROGRAM_HEAD_BYTES &&
        may_be_program(&x->download.data);
}

enum fault
gate_answer(struct exchange *x)
{
    const struct chunk_queue *body = &x->download.data;
    char start[PROGRAM_HEAD_BYTES];
    size_t length = body->length < sizeof start ? body->length : sizeof start;

    if (!x->publish->filter->refuses_executables)
        return FAULT_NONE;
    /* A copy: the bytes may lie in several chunks, if the server sends few at a time. */
    chunk_queue_peek(body, 0, start, length);
    if (!upload_is_executable(bytes_of(start, length)))
        return FAULT_NONE;
    x->verdict.refused =
        (struct finding){ .fault = FAULT_FILTER_EXECUTABLE, .rule = "executables" };
    return FAULT_FILTER_EXECUTABLE;
}
