/*
 * cli/demo_routes.c - the internal site's table of paths, and the answer to each.
 *
 * There is one user, so there is one session secret per run of the site; its
 * processes need no common memory. Signing out makes the browser forget it.
 */
#include "cli/demo_routes.h"

#include <stdio.h>

#include "cli/demo_attachment.h"
#include "cli/demo_form.h"
#include "cli/demo_page.h"
#include "http/write.h"

#define COOKIE_NAME "__Host-demo"
#define LOGIN_BYTES 4096u /* of a login form */
#define UPLOAD_BYTES ((uint64_t)64 * 1024 * 1024)
#define STREAM_SECONDS 60u

static const char html[] = "text/html; charset=utf-8";

struct visit {
    struct demo_conn *conn;
    const char *session;
    struct bytes tail; /* of the path, behind what the route names */
};

struct route {
    const char *path; /* a final '*' takes any tail */
    void (*get)(struct visit *visit);
    void (*post)(struct visit *visit);
    bool needs_login;
};

/* ---- small answers ---- */

static void
add_field(struct visit *v, const char *name, const char *value)
{
    http_write_field(&v->conn->out, bytes_of_string(name), bytes_of_string(value));
}

static void
begin_page(struct visit *v, unsigned status, struct chunk_queue *page)
{
    chunk_queue_init(page, CHUNK_BYTES);
    demo_conn_answer(v->conn, status, html);
    add_field(v, "Cache-Control", "no-store");
}

static void
answer_plain(struct visit *v, unsigned status, const char *sentence)
{
    struct chunk_queue page;

    begin_page(v, status, &page);
    demo_page_plain(&page, http_reason(status), sentence);
    demo_conn_send(v->conn, &page);
}

/* After a form, or to the form: the browser asks again with GET (RFC 9110, 15.4.4). */
static void
answer_elsewhere(struct visit *v, const char *path, const char *cookie)
{
    struct chunk_queue nothing;

    begin_page(v, 303, &nothing);
    add_field(v, "Location", path);
    if (cookie != NULL)
        add_field(v, "Set-Cookie", cookie);
    demo_conn_send(v->conn, &nothing);
}

/* ---- session ---- */

static bool
cookie_is_valid(struct bytes cookies, const char *session)
{
    while (cookies.at != NULL) {
        struct bytes value = bytes_trim(bytes_cut(&cookies, ';'));

        if (bytes_equal(bytes_cut(&value, '='), BYTES(COOKIE_NAME)) &&
            bytes_equal_secret(value, bytes_of_string(session)))
            return true;
    }
    return false;
}

static bool
is_signed_in(const struct visit *v)
{
    const struct http_head *head = &v->conn->head;

    for (unsigned i = 0; i < head->field_count; i++)
        if (head->fields[i].id == FIELD_COOKIE &&
            cookie_is_valid(head->fields[i].value, v->session))
            return true;
    return false;
}

static void
get_entry(struct visit *v)
{
    struct chunk_queue page;

    if (is_signed_in(v)) {
        answer_elsewhere(v, "/mailbox", NULL);
        return;
    }
    begin_page(v, 200, &page);
    demo_page_login(&page, false);
    demo_conn_send(v->conn, &page);
}

/* As announced, or as it turned out. */
static bool
is_larger(const struct demo_conn *c, uint64_t limit)
{
    const struct http_framing *framing = &c->head.framing;

    return c->body.decoded > limit ||
        (framing->kind == HTTP_LENGTH && framing->length > limit);
}

/* The whole body, when it is a small one. */
static bool
read_small(struct demo_conn *c, struct chunk_queue *body, char *to, size_t *length)
{
    size_t before;

    do {
        before = body->length;
        if (is_larger(c, LOGIN_BYTES) || demo_conn_read(c, body) != FAULT_NONE ||
            is_larger(c, LOGIN_BYTES))
            return false;
    } while (body->length > before);
    *length = body->length;
    chunk_queue_peek(body, 0, to, body->length);
    return true;
}

static bool
form_is_right(struct bytes form)
{
    char user[sizeof DEMO_USER], password[sizeof DEMO_PASSWORD];

    return demo_form_field(form, "user", user, sizeof user) &&
        demo_form_field(form, "password", password, sizeof password) &&
        bytes_equal(bytes_of_string(user), BYTES(DEMO_USER)) &&
        bytes_equal(bytes_of_string(password), BYTES(DEMO_PASSWORD));
}

static void
post_login(struct visit *v)
{
    struct chunk_queue body, page;
    char form[LOGIN_BYTES], cookie[200];
    size_t length = 0;
    bool came;

    chunk_queue_init(&body, CHUNK_BYTES);
    came = read_small(v->conn, &body, form, &length);
    chunk_queue_clear(&body);
    if (!came) {
        answer_plain(v, 413, "That is no sign-in form.");
        return;
    }
    if (form_is_right(bytes_of(form, length))) {
        snprintf(cookie, sizeof cookie,
            COOKIE_NAME "=%s; Path=/; Secure; HttpOnly; SameSite=Lax", v->session);
        answer_elsewhere(v, "/mailbox", cookie);
        return;
    }
    begin_page(v, 401, &page);
    demo_page_login(&page, true);
    demo_conn_send(v->conn, &page);
}

static void
post_logout(struct visit *v)
{
    answer_elsewhere(v, "/",
        COOKIE_NAME "=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
}

/* ---- mail ---- */

static void
get_mailbox(struct visit *v)
{
    struct chunk_queue page;

    begin_page(v, 200, &page);
    demo_page_mailbox(&page);
    demo_conn_send(v->conn, &page);
}

static void
get_message(struct visit *v)
{
    struct chunk_queue page;
    uint64_t number;

    if (!bytes_to_u64(v->tail, DEMO_MESSAGES, &number) || number == 0) {
        answer_plain(v, 404, "There is no such message.");
        return;
    }
    begin_page(v, 200, &page);
    demo_page_message(&page, (unsigned)number);
    demo_conn_send(v->conn, &page);
}

static void
append_attachment(struct chunk_queue *to)
{
    unsigned char part[4096];

    for (uint64_t at = 0; at < DEMO_ATTACHMENT_BYTES; at += sizeof part) {
        demo_attachment_read(at, part, sizeof part);
        chunk_queue_append(to, bytes_of(part, sizeof part));
    }
}

static bool
has_version(const struct demo_conn *c, const char *etag)
{
    for (unsigned i = 0; i < c->head.field_count; i++)
        if (bytes_equal_nocase(c->head.fields[i].name, BYTES("If-None-Match")) &&
            bytes_equal(c->head.fields[i].value, bytes_of_string(etag)))
            return true;
    return false;
}

static void
get_attachment(struct visit *v)
{
    char sha256[DEMO_SHA256_TEXT], etag[DEMO_SHA256_TEXT + 2];
    struct chunk_queue body;
    bool known;

    if (!bytes_equal(v->tail, BYTES(DEMO_ATTACHMENT_NAME))) {
        answer_plain(v, 404, "There is no such attachment.");
        return;
    }
    demo_attachment_sha256(sha256);
    snprintf(etag, sizeof etag, "\"%s\"", sha256);
    known = has_version(v->conn, etag);
    demo_conn_answer(v->conn, known ? 304 : 200, "application/octet-stream");
    add_field(v, "Cache-Control", "private, no-cache");
    add_field(v, "ETag", etag);
    add_field(v, "Content-Disposition",
        "attachment; filename=\"" DEMO_ATTACHMENT_NAME "\"");
    chunk_queue_init(&body, DEMO_ATTACHMENT_BYTES);
    if (known) {
        demo_conn_send(v->conn, NULL);
        return;
    }
    append_attachment(&body);
    demo_conn_send(v->conn, &body);
}

static void
get_compose(struct visit *v)
{
    struct chunk_queue page;

    begin_page(v, 200, &page);
    demo_page_compose(&page);
    demo_conn_send(v->conn, &page);
}

/* Feeds the body to `upload` piece by piece; gives the status that it deserves. */
static unsigned
read_upload(struct demo_conn *c, struct demo_upload *upload, struct demo_file *file)
{
    struct chunk_queue body;
    unsigned status = 0;

    chunk_queue_init(&body, CHUNK_BYTES);
    while (status == 0) {
        if (is_larger(c, UPLOAD_BYTES))
            status = 413;
        else if (demo_conn_read(c, &body) != FAULT_NONE)
            status = 400;
        else if (chunk_queue_is_empty(&body))
            status = demo_upload_end(upload, file) ? 200 : 400;
        while (status == 0 && !chunk_queue_is_empty(&body)) {
            struct bytes front = chunk_queue_front(&body);

            if (!demo_upload_add(upload, front))
                status = 400;
            chunk_queue_drop(&body, front.length);
        }
    }
    chunk_queue_clear(&body);
    return status;
}

static void
post_compose(struct visit *v)
{
    const struct http_field *type = http_head_field(&v->conn->head, FIELD_CONTENT_TYPE);
    struct demo_upload *upload = type == NULL ? NULL : demo_upload_new(type->value);
    struct demo_file file;
    struct chunk_queue page;
    unsigned status = upload == NULL ? 400 : read_upload(v->conn, upload, &file);

    demo_upload_free(&upload);
    if (status != 200) {
        answer_plain(v, status,
            status == 413 ? "That is more than 64 MB."
                          : "There was no file in that form.");
        return;
    }
    begin_page(v, 200, &page);
    demo_page_received(&page, &file);
    demo_conn_send(v->conn, &page);
}

/* ---- seeing what postern does ---- */

static void
get_request(struct visit *v)
{
    struct chunk_queue page;
    char tls[120];

    snprintf(tls, sizeof tls, "%s, %s, %d bits", SSL_get_version(v->conn->tls),
        SSL_get_cipher_name(v->conn->tls), SSL_get_cipher_bits(v->conn->tls, NULL));
    begin_page(v, 200, &page);
    demo_page_request(&page, &v->conn->head, bytes_of_string(tls));
    demo_conn_send(v->conn, &page);
}

static void
put_event(struct chunk_queue *to, unsigned second)
{
    char event[64];

    snprintf(event, sizeof event, "id: %u\ndata: {\"second\": %u}\n\n", second, second);
    chunk_queue_append(to, bytes_of_string(event));
}

/* After what `piece` holds already: what `put` writes, once each second. */
static bool
send_seconds(struct demo_conn *c, struct chunk_queue *piece,
    void (*put)(struct chunk_queue *to, unsigned second))
{
    for (unsigned second = 1; second <= STREAM_SECONDS; second++) {
        put(piece, second);
        if (!demo_conn_stream(c, piece, false) || demo_conn_is_left(c, 1000))
            return false;
    }
    return true;
}

static void
get_events(struct visit *v)
{
    struct demo_conn *c = v->conn;
    struct chunk_queue piece;

    chunk_queue_init(&piece, CHUNK_BYTES);
    demo_conn_answer(c, 200, "text/event-stream");
    add_field(v, "Cache-Control", "no-store");
    if (!demo_conn_stream_begin(c))
        return;
    if (send_seconds(c, &piece, put_event))
        demo_conn_stream(c, &piece, true);
    else
        c->last = true;
}

static void
get_live(struct visit *v)
{
    struct demo_conn *c = v->conn;
    struct chunk_queue piece;

    begin_page(v, 200, &piece);
    if (!demo_conn_stream_begin(c))
        return;
    demo_page_live_begin(&piece);
    if (send_seconds(c, &piece, demo_page_live_second)) {
        demo_page_live_end(&piece);
        demo_conn_stream(c, &piece, true);
    } else {
        c->last = true;
    }
}

static void
get_style(struct visit *v)
{
    struct chunk_queue body;

    chunk_queue_init(&body, CHUNK_BYTES);
    chunk_queue_append(&body, demo_page_style());
    demo_conn_answer(v->conn, 200, "text/css; charset=utf-8");
    add_field(v, "Cache-Control", "max-age=3600");
    demo_conn_send(v->conn, &body);
}

/* ---- from path to answer ---- */

static const struct route routes[] = {
    { "/", get_entry, NULL, false },
    { "/style.css", get_style, NULL, false },
    { "/login", get_entry, post_login, false },
    { "/logout", NULL, post_logout, false },
    { "/request", get_request, NULL, false },
    { "/events", get_events, NULL, false },
    { "/live", get_live, NULL, false },
    { "/mailbox", get_mailbox, NULL, true },
    { "/message/*", get_message, NULL, true },
    { "/attachment/*", get_attachment, NULL, true },
    { "/compose", get_compose, post_compose, true },
};

static bool
route_takes(const struct route *route, struct bytes path, struct bytes *tail)
{
    struct bytes named = bytes_of_string(route->path);

    if (named.at[named.length - 1] != '*')
        return bytes_equal(path, named);
    named.length--;
    if (!bytes_has_prefix(path, named))
        return false;
    *tail = bytes_of(path.at + named.length, path.length - named.length);
    return true;
}

static const struct route *
find_route(struct visit *v)
{
    struct bytes target = v->conn->head.target;
    struct bytes path = bytes_cut(&target, '?');

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (route_takes(&routes[i], path, &v->tail))
            return &routes[i];
    return NULL;
}

static void
refuse_method(struct visit *v, const struct route *route)
{
    struct chunk_queue page;

    begin_page(v, 405, &page);
    add_field(v, "Allow",
        route->get == NULL        ? "POST"
            : route->post == NULL ? "GET, HEAD"
                                  : "GET, HEAD, POST");
    demo_page_plain(&page, http_reason(405), "This page does not do that.");
    demo_conn_send(v->conn, &page);
}

static void
dispatch(struct visit *v)
{
    enum http_method method = v->conn->head.method_id;
    bool reads = method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD;
    const struct route *route = find_route(v);
    void (*answer)(struct visit *) = NULL;

    if (route == NULL) {
        answer_plain(v, 404, "There is no such page.");
        return;
    }
    if (reads)
        answer = route->get;
    else if (method == HTTP_METHOD_POST)
        answer = route->post;
    if (answer == NULL)
        refuse_method(v, route);
    else if (route->needs_login && !is_signed_in(v))
        answer_elsewhere(v, "/", NULL);
    else
        answer(v);
}

void
demo_routes_serve(struct demo_conn *c, const char *session)
{
    struct visit visit = { .conn = c, .session = session };
    enum fault fault;

    do {
        fault = demo_conn_next(c);
        if (fault == FAULT_NONE)
            dispatch(&visit);
        else if (fault != FAULT_CLIENT_CLOSED)
            answer_plain(&visit, fault_status(fault), fault_text(fault));
    } while (!c->last);
}
