/*
 * proxy/forward.c - a head on its way through: what is kept, dropped, changed, added.
 *
 * Names keep their case and order. Our own fields come last and cannot be named
 * away: what a client sends under their names, or lists in Connection, is dropped
 * before (http_field_is_forwarded).
 */
#include "proxy/forward.h"

#include <stdio.h>
#include <string.h>

#include "http/write.h"
#include "proxy/exchange.h"
#include "proxy/listener.h"
#include "proxy/loop.h"
#include "proxy/reference.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

static void
write_text(struct chunk_queue *to, const char *name, const char *value)
{
    http_write_field(to, bytes_of_string(name), bytes_of_string(value));
}

/* --- the request --- */

/* RFC 7239, 4: an IPv6 address stands in brackets and quotes. */
static enum fault
write_forwarded(struct exchange *x, struct chunk_queue *to)
{
    const char *client = x->client->address_text;
    bool is_v6 = strchr(client, ':') != NULL;
    struct bytes value = arena_print(&x->arena, "for=%s%s%s;host=\"%.*s\";proto=https",
        is_v6 ? "\"[" : "", client, is_v6 ? "]\"" : "", BYTES_ARG(x->authority));

    if (value.at == NULL)
        return FAULT_MEMORY;
    http_write_field(to, BYTES("Forwarded"), value);
    return FAULT_NONE;
}

/* How a request is known that comes here again (proxy/loop.h). */
static enum fault
write_loop_mark(struct exchange *x, struct chunk_queue *to)
{
    const struct worker *worker = x->client->worker;
    struct bytes via;

    if (x->publish->filter->hides_via) {
        write_text(to, LOOP_FIELD, worker->loop_mark);
        return FAULT_NONE;
    }
    via = arena_print(&x->arena, "1.%u %s", x->request.minor, worker->pseudonym);
    if (via.at == NULL)
        return FAULT_MEMORY;
    http_write_field(to, BYTES("Via"), via);
    return FAULT_NONE;
}

static enum fault
write_ours(struct exchange *x, struct chunk_queue *to)
{
    enum fault fault;

    write_text(to, "X-Forwarded-For", x->client->address_text);
    write_text(to, "X-Forwarded-Proto", "https");
    http_write_field(to, BYTES("X-Forwarded-Host"), x->authority);
    write_text(to, "X-Request-ID", x->id);
    fault = write_loop_mark(x, to);
    return fault != FAULT_NONE ? fault : write_forwarded(x, to);
}

static enum fault
write_cookie(struct exchange *x, const struct http_field *field, struct chunk_queue *to)
{
    struct bytes value;

    if (!affinity_strip(field->value, &x->arena, &value))
        return FAULT_MEMORY;
    if (value.length > 0)
        http_write_field(to, field->name, value);
    return FAULT_NONE;
}

static enum fault
write_destination(struct exchange *x, const struct http_field *field,
    struct chunk_queue *to)
{
    struct bytes value = reference_inward(x, field->value);

    if (value.at == NULL && field->value.length > 0)
        return FAULT_MEMORY;
    http_write_field(to, field->name, value);
    return FAULT_NONE;
}

/* What this application's server believes or must not see: from a client it is dropped. */
static bool
is_ours_to_say(const struct exchange *x, const struct http_field *field)
{
    const struct filter_policy *filter = x->publish->filter;

    if (filter_names(&filter->stripped_headers, field->name))
        return true;
    if (field->id == FIELD_VIA && filter->hides_via)
        return true;
    for (unsigned i = 0; i < filter->set_header_count; i++) {
        if (filter_name_is(filter->set_headers[i].name, field->name))
            return true;
    }
    return false;
}

static void
write_application_fields(const struct exchange *x, struct chunk_queue *to)
{
    const struct filter_policy *filter = x->publish->filter;

    for (unsigned i = 0; i < filter->set_header_count; i++)
        http_write_field(to, filter->set_headers[i].name, filter->set_headers[i].value);
}

enum fault
forward_request(struct exchange *x, struct chunk_queue *to)
{
    const struct http_head *head = &x->request;
    enum fault fault = FAULT_NONE;

    http_write_request_line(to, head->method, x->url.canonical);
    for (unsigned i = 0; i < head->field_count && fault == FAULT_NONE; i++) {
        const struct http_field *field = &head->fields[i];

        if (!http_field_is_forwarded(head, field, true) || is_ours_to_say(x, field))
            continue;
        if (field->id == FIELD_EXPECT && !head->expects_continue)
            continue;
        if (field->id == FIELD_HOST)
            http_write_field(to, field->name, x->authority);
        else if (field->id == FIELD_COOKIE)
            fault = write_cookie(x, field, to);
        else if (field->id == FIELD_DESTINATION)
            fault = write_destination(x, field, to);
        else
            http_write_field(to, field->name, field->value);
    }
    if (fault == FAULT_NONE)
        fault = write_ours(x, to);
    write_application_fields(x, to);
    if (head->wants_websocket && x->route->websocket) {
        write_text(to, "Connection", "Upgrade");
        write_text(to, "Upgrade", "websocket");
    }
    http_write_framing(to, head->framing);
    http_write_end(to);
    return fault;
}

/* --- the response --- */

static bool
cookie_is_secure(struct bytes cookie)
{
    bytes_cut(&cookie, ';');
    while (cookie.at != NULL) {
        if (bytes_equal_nocase(bytes_trim(bytes_cut(&cookie, ';')), BYTES("secure")))
            return true;
    }
    return false;
}

/* The value that stands instead of the upstream's, or NULL. */
static const struct header_value *
find_replacement(const struct exchange *x, const struct http_field *field)
{
    const struct filter_policy *filter = x->publish->filter;

    for (unsigned i = 0; i < filter->replaced_response_header_count; i++) {
        if (bytes_equal_nocase(filter->replaced_response_headers[i].name, field->name))
            return &filter->replaced_response_headers[i];
    }
    return NULL;
}

static enum fault
write_response_field(struct exchange *x, const struct http_field *field,
    struct chunk_queue *to)
{
    const struct header_value *replacement = find_replacement(x, field);
    struct bytes value = field->value;

    if (filter_names(&x->publish->filter->removed_response_headers, field->name))
        return FAULT_NONE;
    if (replacement != NULL) {
        http_write_field(to, field->name, replacement->value);
        return FAULT_NONE;
    }

    if (field->id == FIELD_LOCATION || field->id == FIELD_CONTENT_LOCATION ||
        field->id == FIELD_X_MS_LOCATION)
        value = reference_outward(x, value);
    else if (field->id == FIELD_REFRESH)
        value = reference_in_refresh(x, value);
    else if (field->id == FIELD_SET_COOKIE && !cookie_is_secure(value))
        value = arena_print(&x->answer_arena, "%.*s; Secure", BYTES_ARG(value));
    if (value.at == NULL && field->value.length > 0)
        return FAULT_UPSTREAM_MEMORY;
    http_write_field(to, field->name, value);
    return FAULT_NONE;
}

/* A length that describes what GET would have got (RFC 9110, 8.6). */
static bool
is_told_length(const struct exchange *x, const struct http_field *field)
{
    return field->id == FIELD_CONTENT_LENGTH &&
        (x->request.method_id == HTTP_METHOD_HEAD || x->response.status == 304);
}

static void
write_affinity(struct exchange *x, struct chunk_queue *to)
{
    char value[160];

    if (x->affinity_tag[0] == '\0')
        return;
    snprintf(value, sizeof value, "%s=%s; Path=/; Secure; HttpOnly; SameSite=Lax",
        AFFINITY_COOKIE, x->affinity_tag);
    write_text(to, "Set-Cookie", value);
}

static bool
is_hsts(const struct header_value *field)
{
    return bytes_equal_nocase(field->name, BYTES("Strict-Transport-Security"));
}

/* A field of the answer that reaches the client under this name, whoever wrote it. */
static bool
has_forwarded_field(const struct exchange *x, struct bytes name)
{
    const struct http_head *head = &x->response;

    if (filter_names(&x->publish->filter->removed_response_headers, name))
        return false;
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];

        if (bytes_equal_nocase(field->name, name) &&
            http_field_is_forwarded(head, field, false))
            return true;
    }
    return false;
}

static const struct header_value *
find_added(const struct added_fields *added, struct bytes name)
{
    for (unsigned i = 0; i < added->count; i++)
        if (bytes_equal_nocase(added->fields[i].name, name))
            return &added->fields[i];
    return NULL;
}

/* Browsers obey every policy that they get (CSP Level 3, 8.1), so the server's is no reason. */
static bool
is_wanted(const struct exchange *x, const struct header_value *added)
{
    if (added->value.length == 0 || (is_hsts(added) && !x->publish->tells_hsts))
        return false;
    return bytes_equal_nocase(added->name, BYTES("Content-Security-Policy")) ||
        !has_forwarded_field(x, added->name);
}

/* What answers should say and the server does not: of the rule, then of all. */
static void
write_added(const struct exchange *x, struct chunk_queue *to)
{
    static const struct added_fields none = { NULL, 0 };
    const struct path_rule *rule = x->verdict.rule;
    const struct added_fields *of_rule = rule != NULL ? &rule->added : &none;
    const struct added_fields *of_all = &x->publish->filter->added;

    for (unsigned i = 0; i < of_rule->count; i++)
        if (is_wanted(x, &of_rule->fields[i]))
            http_write_field(to, of_rule->fields[i].name, of_rule->fields[i].value);
    for (unsigned i = 0; i < of_all->count; i++)
        if (find_added(of_rule, of_all->fields[i].name) == NULL &&
            is_wanted(x, &of_all->fields[i]))
            http_write_field(to, of_all->fields[i].name, of_all->fields[i].value);
}

struct bytes
forward_hsts(const struct exchange *x)
{
    const struct publish_policy *publish = x->publish;
    const struct header_value *hsts;

    if (publish == NULL || x->client->clear_text || !publish->tells_hsts)
        return BYTES("");
    hsts = find_added(&publish->filter->added, BYTES("Strict-Transport-Security"));
    return hsts != NULL ? hsts->value : BYTES("");
}

enum fault
forward_response(struct exchange *x, struct http_framing framing, bool close,
    bool persist, struct chunk_queue *to)
{
    const struct http_head *head = &x->response;
    enum fault fault = FAULT_NONE;

    http_write_status_line(to, head->status, head->reason);
    for (unsigned i = 0; i < head->field_count && fault == FAULT_NONE; i++) {
        const struct http_field *field = &head->fields[i];

        if (is_told_length(x, field))
            http_write_field(to, field->name, field->value);
        else if (http_field_is_forwarded(head, field, false))
            fault = write_response_field(x, field, to);
    }
    if (head->status >= 200) {
        if (http_head_field(head, FIELD_DATE) == NULL)
            http_write_date(to); /* of its arrival (RFC 9110, 6.6.1) */
        write_affinity(x, to);
        write_added(x, to);
    }
    if (framing.kind == HTTP_TUNNEL) {
        write_text(to, "Connection", "Upgrade");
        write_text(to, "Upgrade", "websocket");
    } else if (close) {
        write_text(to, "Connection", "close");
    } else if (persist) {
        write_text(to, "Connection", "keep-alive");
    }
    http_write_framing(to, framing);
    http_write_end(to);
    return fault;
}

struct bytes
forward_redirect(struct exchange *x)
{
    struct bytes host = x->request.authority.host, target = x->url.canonical;
    uint16_t port = listener_https_port(x->client->listener);

    if (target.length == 0 || target.at[0] != '/')
        target = BYTES("/"); /* "*" of OPTIONS */
    if (port == HTTPS_PORT)
        return arena_print(&x->arena, "https://%.*s%.*s", BYTES_ARG(host),
            BYTES_ARG(target));
    return arena_print(&x->arena, "https://%.*s:%u%.*s", BYTES_ARG(host), port,
        BYTES_ARG(target));
}
