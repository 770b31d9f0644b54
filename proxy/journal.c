/*
 * proxy/journal.c - events of connections, requests and servers.
 *
 * Only facts the event table knows; no header value but those with a field of
 * their own. Credentials have none.
 */
#include "proxy/journal.h"

#include <stdio.h>

#include "base/clock.h"
#include "log/event.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/listener.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

static struct event_log *
begin(const struct client *client, enum event_id id)
{
    struct event_log *log = client->worker->log;

    event_begin(log, id);
    event_address(log, EF_SOURCE_IP, EF_SOURCE_PORT, (const void *)&client->address);
    event_string(log, EF_LISTENER, client->listener->policy->name);
    return log;
}

static void
put_note(struct event_log *log, const struct note *note)
{
    if (note != NULL)
        event_string(log, EF_ERROR_MESSAGE, note->text);
}

/* Who ended it, and in which phase. */
static void
put_end(struct event_log *log, enum fault fault, enum phase phase)
{
    event_fault(log, fault);
    if (fault != FAULT_NONE)
        event_string(log, EF_ENDED_BY, fault_who_name(fault_who(fault)));
    event_string(log, EF_PHASE, phase_name(phase));
}

static void
put_tls(struct event_log *log, const struct tls_stream *stream)
{
    struct tls_facts facts;

    tls_stream_facts(stream, &facts);
    event_string(log, EF_TLS_SERVER_NAME, facts.server_name);
    if (facts.version[0] == '\0')
        return;
    event_string(log, EF_TLS_VERSION, facts.version);
    event_string(log, EF_TLS_CIPHER, facts.cipher);
    event_string(log, EF_TLS_CURVE, facts.curve);
    event_flag(log, EF_TLS_RESUMED, facts.resumed);
}

/* Nothing inside a tunnel is seen: where it led is all that there is to tell. */
static void
put_tunnel(struct event_log *log, const struct client *client)
{
    const struct publish_policy *publish = client->publish;

    if (publish == NULL || publish->routes[0].upstream->bridge != BRIDGE_TUNNEL)
        return;
    event_string(log, EF_TLS_SERVER_NAME, client->server_name);
    event_string(log, EF_UPSTREAM, publish->routes[0].upstream->name);
    if (client->passed_to == NULL)
        return;
    event_string(log, EF_DESTINATION_DOMAIN, client->passed_to->policy->host);
    event_number(log, EF_DESTINATION_PORT, client->passed_to->policy->port);
}

void
journal_connection(const struct client *client, const struct journal_connection *c)
{
    enum event_id id = EVENT_CONNECTION_ENDED;
    struct event_log *log;

    if (c->fault == FAULT_TLS_CLEAR_TEXT)
        id = EVENT_CLEAR_TEXT;
    else if (c->fault != FAULT_NONE && c->phase == PHASE_HANDSHAKE)
        id = EVENT_TLS_REJECTED;
    log = begin(client, id);
    event_string(log, EF_CONNECTION_ID, client->id);
    event_number(log, EF_DURATION, clock_ns() - c->accepted_ns);
    event_number(log, EF_SOURCE_BYTES, c->stream->bytes_in);
    event_number(log, EF_DESTINATION_BYTES, c->stream->bytes_out);
    event_number(log, EF_REQUESTS, c->requests);
    put_tls(log, c->stream);
    put_tunnel(log, client);
    put_end(log, c->fault, c->phase);
    put_note(log, c->note);
    if (c->credentials_seen)
        event_flag(log, EF_CREDENTIALS_SEEN, true);
    event_end(log);
}

/* A media type without its parameters. */
static struct bytes
media_type(const struct http_head *head)
{
    const struct http_field *field = http_head_field(head, FIELD_CONTENT_TYPE);
    struct bytes value = field != NULL ? field->value : bytes_of(NULL, 0);

    return bytes_trim(bytes_cut(&value, ';'));
}

static void
put_field(struct event_log *log, enum event_field as, const struct http_head *head,
    enum field_id id)
{
    const struct http_field *field = http_head_field(head, id);

    if (field != NULL)
        event_text(log, as, field->value);
}

static void
put_request(struct event_log *log, const struct exchange *x)
{
    const struct http_head *head = &x->request;

    event_text(log, EF_URL_DOMAIN, head->authority.host);
    event_text(log, EF_URL_PATH, x->url.path);
    event_text(log, EF_URL_QUERY, x->url.query);
    event_text(log, EF_URL_ORIGINAL, head->target);
    event_string(log, EF_HTTP_VERSION, head->minor == 0 ? "1.0" : "1.1");
    event_text(log, EF_HTTP_METHOD, head->method);
    event_number(log, EF_HTTP_REQUEST_BODY, x->upload.bytes);
    put_field(log, EF_HTTP_REFERRER, head, FIELD_REFERER);
    event_text(log, EF_HTTP_REQUEST_TYPE, media_type(head));
    put_field(log, EF_USER_AGENT, head, FIELD_USER_AGENT);
    if (x->client->clear_text &&
        (http_head_field(head, FIELD_AUTHORIZATION) != NULL ||
            http_head_field(head, FIELD_COOKIE) != NULL))
        event_flag(log, EF_CREDENTIALS_SEEN, true);
}

/* Response fields that were taken out, for those who have to ask the internal server. */
static void
put_correlation(struct event_log *log, const struct exchange *x)
{
    const struct word_list *removed = &x->publish->filter->removed_response_headers;
    char text[256];
    size_t used = 0;

    for (unsigned i = 0; i < x->response.field_count; i++) {
        const struct http_field *field = &x->response.fields[i];
        int n;

        if (used >= sizeof text || field_flags(field->id) & FIELD_SECRET ||
            !filter_names(removed, field->name))
            continue;
        n = snprintf(text + used, sizeof text - used, "%s%.*s: %.*s",
            used > 0 ? "; " : "", BYTES_ARG(field->name), BYTES_ARG(field->value));
        used += n > 0 ? (size_t)n : 0;
    }
    if (used > 0)
        event_text(log, EF_UPSTREAM_REMOVED,
            bytes_of(text, used < sizeof text ? used : sizeof text - 1));
}

/* The filter's findings: the one that refused, and those that would have. */
static void
put_findings(struct event_log *log, const struct exchange *x)
{
    const struct filter_verdict *verdict = &x->verdict;
    const struct finding *refused = &verdict->refused;
    char substatus[16], would[256];
    size_t used = 0;

    if (refused->fault != FAULT_NONE) {
        event_string(log, EF_RULE_ID, refused->rule);
        event_text(log, EF_PART, refused->part);
        snprintf(substatus, sizeof substatus, "%u.%u", fault_status(refused->fault),
            refused->substatus);
        if (refused->substatus != 0)
            event_string(log, EF_SUBSTATUS, substatus);
    }
    event_string(log, EF_GATE, x->stopped_by);
    if (verdict->report_expired)
        event_flag(log, EF_REPORT_EXPIRED, true);
    for (unsigned i = 0; i < verdict->reported_count && used < sizeof would; i++) {
        int n = snprintf(would + used, sizeof would - used, "%s%s", used > 0 ? "," : "",
            verdict->reported[i].rule);

        used += n > 0 ? (size_t)n : 0;
    }
    if (used > 0)
        event_text(log, EF_WOULD_BLOCK,
            bytes_of(would, used < sizeof would ? used : sizeof would - 1));
}

/* The first file of an upload: what it is called, and what it really is. */
static void
put_files(struct event_log *log, const struct exchange *x)
{
    const struct upload_file *files;
    unsigned count;

    if (x->inspection == NULL)
        return;
    files = upload_files(x->inspection, &count);
    if (count == 0)
        return;
    event_string(log, EF_FILE_NAME, files[0].name);
    event_number(log, EF_FILE_SIZE, files[0].bytes);
    event_string(log, EF_FILE_TYPE,
        files[0].real[0] != '\0' ? files[0].real : files[0].declared);
}

static void
put_upstream(struct event_log *log, const struct exchange *x)
{
    event_string(log, EF_UPSTREAM, x->route->upstream->name);
    if (x->server == NULL)
        return;
    event_string(log, EF_DESTINATION_DOMAIN, x->server->policy->host);
    event_number(log, EF_UPSTREAM_TRIES, x->tries);
    if (x->server_address.ss_family == AF_UNSPEC)
        return;
    event_address(log, EF_DESTINATION_IP, EF_DESTINATION_PORT,
        (const void *)&x->server_address);
    event_number(log, EF_UPSTREAM_CONNECT_NS, x->connect_ns);
    event_flag(log, EF_UPSTREAM_REUSED, x->link_reused);
    event_string(log, EF_UPSTREAM_TLS_VERSION, x->upstream_tls_version);
    event_string(log, EF_UPSTREAM_TLS_CIPHER, x->upstream_tls_cipher);
    if (x->upstream_tls_version[0] != '\0')
        event_flag(log, EF_UPSTREAM_TLS_RESUMED, x->upstream_tls_resumed);
    event_number(log, EF_UPSTREAM_BYTES_SENT, x->link_sent);
    event_number(log, EF_UPSTREAM_BYTES_RECEIVED, x->link_received);
    if (x->answered_ns != 0 && x->asked_ns != 0)
        event_number(log, EF_UPSTREAM_WAIT, x->answered_ns - x->asked_ns);
    if (x->response.status != 0)
        event_number(log, EF_UPSTREAM_STATUS, x->response.status);
    put_correlation(log, x);
}

static enum event_id
request_event(const struct exchange *x)
{
    if (x->redirect != 0 && x->fault == FAULT_NONE)
        return EVENT_REQUEST_REDIRECTED;
    if (x->own_page != NULL && x->fault == FAULT_NONE)
        return EVENT_REQUEST_ANSWERED;
    if (fault_who(x->fault) == FAULT_BY_GATE ||
        (fault_who(x->fault) == FAULT_BY_CLIENT && x->answer == ANSWER_OWN))
        return EVENT_REQUEST_BLOCKED;
    return EVENT_REQUEST_FORWARDED;
}

void
journal_request(const struct exchange *x)
{
    struct event_log *log = begin(x->client, request_event(x));

    event_string(log, EF_REQUEST_ID, x->id);
    event_string(log, EF_CONNECTION_ID, x->client->id);
    event_number(log, EF_DURATION, clock_ns() - x->begun_ns);
    put_request(log, x);
    put_findings(log, x);
    put_files(log, x);
    if (x->status_sent != 0)
        event_number(log, EF_HTTP_STATUS, x->status_sent);
    event_number(log, EF_HTTP_RESPONSE_BODY, x->download.bytes);
    if (x->answer_taken != UINT64_MAX)
        event_number(log, EF_ANSWER_TAKEN, x->answer_taken);
    if (x->answer == ANSWER_HEAD)
        event_text(log, EF_HTTP_RESPONSE_TYPE, media_type(&x->response));
    if (x->route != NULL && x->redirect == 0 && x->own_page == NULL)
        put_upstream(log, x);
    put_end(log, x->fault, x->fault == FAULT_NONE ? x->phase : x->ended_in);
    put_note(log, &x->note);
    event_end(log);
}

void
journal_csp(const struct exchange *x, const struct journal_csp *csp)
{
    struct event_log *log = begin(x->client, EVENT_CSP_VIOLATION);

    event_string(log, EF_REQUEST_ID, x->id);
    event_string(log, EF_CONNECTION_ID, x->client->id);
    event_text(log, EF_URL_DOMAIN, x->request.authority.host);
    put_field(log, EF_USER_AGENT, &x->request, FIELD_USER_AGENT);
    event_string(log, EF_CSP_DOCUMENT, csp->document);
    event_string(log, EF_CSP_DIRECTIVE, csp->directive);
    event_string(log, EF_CSP_BLOCKED, csp->blocked);
    event_string(log, EF_CSP_SOURCE, csp->source);
    if (csp->line != 0)
        event_number(log, EF_CSP_LINE, csp->line);
    event_string(log, EF_CSP_DISPOSITION, csp->disposition);
    event_end(log);
}

static bool
is_certificate_fault(enum fault fault)
{
    return fault >= FAULT_UPSTREAM_CERT_CHAIN && fault <= FAULT_UPSTREAM_CERT;
}

void
journal_server(const struct server *server, bool up, enum fault fault,
    const struct note *note)
{
    struct event_log *log = server->upstream->worker->log;
    enum event_id id = up             ? EVENT_UPSTREAM_UP
        : is_certificate_fault(fault) ? EVENT_UPSTREAM_CERTIFICATE_REJECTED
                                      : EVENT_UPSTREAM_DOWN;

    event_begin(log, id);
    event_string(log, EF_UPSTREAM, server->upstream->policy->name);
    event_string(log, EF_DESTINATION_DOMAIN, server->policy->host);
    event_number(log, EF_DESTINATION_PORT, server->policy->port);
    event_fault(log, fault);
    put_note(log, note);
    event_end(log);
}
