/*
 * http/reply.c - the answers we give ourselves.
 *
 * One page and one JSON object, both small. They tell a user what he can mend and
 * the request id to quote, and an attacker nothing: what a gate refused, and what
 * is wrong inside, stands in the log alone.
 */
#include "http/reply.h"

#include <stdio.h>

#include "base/require.h"
#include "http/scan.h"
#include "http/write.h"

#define PAGE_BYTES ((size_t)4 * 1024)

/* Its hash stands in POLICY; tests/unit/http/test_reply.c computes it again. */
#define STYLE                                                                          \
    ":root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6777;--paper:#f6f7f9;"      \
    "--card:#fff;--line:#dde2e8;--mark:#2f5d8a}"                                       \
    "@media(prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#9eabba;"            \
    "--paper:#12161b;--card:#1b2129;--line:#303943;--mark:#7fb2e5}}"                   \
    "*{box-sizing:border-box}"                                                         \
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;"     \
    "background:var(--paper);color:var(--ink);"                                        \
    "font:1rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"             \
    "main{width:100%;max-width:32rem;padding:2rem;background:var(--card);"             \
    "border:1px solid var(--line);border-top:4px solid var(--mark);"                   \
    "border-radius:.5rem;overflow-wrap:anywhere}"                                      \
    "h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}"                          \
    "p{margin:0 0 1.5rem}"                                                             \
    "dl{margin:0;padding-top:1rem;border-top:1px solid var(--line);"                   \
    "color:var(--soft);font-size:.875rem}"                                             \
    "dt{margin-top:.25rem}"                                                            \
    "dd{margin:0;color:var(--ink);font-family:ui-monospace,Consolas,monospace}"

#define POLICY                                                                         \
    "default-src 'none'; style-src "                                                   \
    "'sha256-MVO748LMBpdTIWnw73nULLyFhRpiX598cCgXDBVH33U='; base-uri 'none'; "         \
    "form-action 'none'; frame-ancestors 'none'"

/* A page that grows in memory of fixed size; what it says is bounded by its makers. */
struct page {
    char text[PAGE_BYTES];
    size_t length;
};

static void
add(struct page *page, const char *text)
{
    size_t length = strlen(text);

    require(length <= PAGE_BYTES - page->length);
    memcpy(page->text + page->length, text, length);
    page->length += length;
}

/* Request ids are made by us of these characters; nothing else could get through. */
static void
add_id(struct page *page, struct bytes id)
{
    for (size_t i = 0; i < id.length; i++)
        if (scan_is(id.at[i], SCAN_UNRESERVED))
            add(page, (const char[]){ id.at[i], '\0' });
}

static void
add_number(struct page *page, unsigned number)
{
    char digits[12];

    snprintf(digits, sizeof digits, "%u", number);
    add(page, digits);
}

/* What is said where the reason is none of the client's business. */
static const char *
neutral_sentence(unsigned status)
{
    static const struct {
        unsigned status;
        const char *sentence;
    } sentences[] = {
        { 400, "The request could not be understood." },
        { 403, "This request is not allowed." },
        { 404, "There is nothing at this address." },
        { 405, "This request is not allowed." },
        { 413, "What was sent is too large." },
        { 415, "What was sent is of a kind that is not accepted here." },
        { 421, "This address is not served here." },
        { 429, "Too many requests have come from your side. Please try again later." },
        { 502,
            "The mail server cannot be reached at the moment. Please try again "
            "later." },
        { 504, "The mail server did not answer in time. Please try again later." },
    };

    for (unsigned i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (sentences[i].status == status)
            return sentences[i].sentence;
    return status < 500 ? "The request was refused."
                        : "The service is not available at the moment. "
                          "Please try again later.";
}

/* Only what clients do wrong on the wire is told: they can mend it, and know it. */
static bool
is_told(enum fault fault)
{
    return fault_who(fault) == FAULT_BY_CLIENT;
}

static void
add_sentence(struct page *page, enum fault fault)
{
    const char *text = fault_text(fault);
    const char first[] = { (char)(text[0] - 'a' + 'A'), '\0' };

    if (!is_told(fault)) {
        add(page, neutral_sentence(fault_status(fault)));
        return;
    }
    add(page,
        text[0] >= 'a' && text[0] <= 'z' ? first : (const char[]){ text[0], '\0' });
    add(page, text + 1);
    add(page, ".");
}

static void
fill_html(struct page *page, const struct http_reply *reply)
{
    unsigned status = fault_status(reply->fault);
    const char *title = http_reason(status);

    add(page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<title>");
    add(page, title);
    add(page, "</title>\n<style>" STYLE "</style>\n</head>\n<body>\n<main>\n<h1>");
    add(page, title);
    add(page, "</h1>\n<p>");
    add_sentence(page, reply->fault);
    add(page, "</p>\n<dl>\n<dt>Status</dt><dd>");
    add_number(page, status);
    add(page, "</dd>\n");
    if (is_told(reply->fault)) {
        add(page, "<dt>Reason</dt><dd>");
        add(page, fault_reason(reply->fault));
        add(page, "</dd>\n");
    }
    add(page, "<dt>Request</dt><dd>");
    add_id(page, reply->request_id);
    add(page, "</dd>\n</dl>\n</main>\n</body>\n</html>\n");
}

/* RFC 9457. The texts of base/fault.def need no escape. */
static void
fill_json(struct page *page, const struct http_reply *reply)
{
    unsigned status = fault_status(reply->fault);

    add(page, "{\"type\":\"about:blank\",\"title\":\"");
    add(page, http_reason(status));
    add(page, "\",\"status\":");
    add_number(page, status);
    add(page, ",\"detail\":\"");
    add_sentence(page, reply->fault);
    if (is_told(reply->fault)) {
        add(page, "\",\"reason\":\"");
        add(page, fault_reason(reply->fault));
    }
    add(page, "\",\"request_id\":\"");
    add_id(page, reply->request_id);
    add(page, "\"}\n");
}

static void
write_head(struct chunk_queue *to, const struct http_reply *reply, unsigned status,
    const struct page *page)
{
    http_write_status_line(to, status, bytes_of_string(http_reason(status)));
    http_write_date(to);
    if (reply->location.length > 0)
        http_write_field(to, BYTES("Location"), reply->location);
    if (reply->allow.length > 0)
        http_write_field(to, BYTES("Allow"), reply->allow);
    if (page->length > 0)
        http_write_field(to, BYTES("Content-Type"),
            reply->as_json ? BYTES("application/problem+json")
                           : BYTES("text/html; charset=utf-8"));
    if (reply->hsts.length > 0)
        http_write_field(to, BYTES("Strict-Transport-Security"), reply->hsts);
    http_write_field(to, BYTES("Cache-Control"), BYTES("no-store"));
    http_write_field(to, BYTES("X-Content-Type-Options"), BYTES("nosniff"));
    http_write_field(to, BYTES("Content-Security-Policy"), BYTES(POLICY));
    if (reply->close)
        http_write_field(to, BYTES("Connection"), BYTES("close"));
    if (status != 204) /* which has no length, either (RFC 9110, 8.6) */
        http_write_framing(to,
            (struct http_framing){ .kind = HTTP_LENGTH, .length = page->length });
    http_write_end(to);
}

void
http_reply_write(const struct http_reply *reply, struct chunk_queue *to)
{
    struct page page;
    unsigned status = reply->status;

    page.length = 0;
    if (status == 0) {
        status = fault_status(reply->fault);
        require(status != 0); /* the caller asks before it answers */
        if (reply->as_json)
            fill_json(&page, reply);
        else
            fill_html(&page, reply);
    }
    write_head(to, reply, status, &page);
    if (!reply->head_only)
        chunk_queue_append(to, bytes_of(page.text, page.length));
}

/* The weight of one media range, 0 to 1000 (RFC 9110, 12.4.2); 1000 if it says none. */
static unsigned
weight_of(struct bytes parameters)
{
    while (parameters.at != NULL) {
        struct bytes parameter = bytes_trim(bytes_cut(&parameters, ';'));
        unsigned weight = 0;
        unsigned unit = 1000;

        if (!bytes_has_prefix_nocase(parameter, BYTES("q=")))
            continue;
        for (size_t i = 2; i < parameter.length && unit > 0; i++) {
            char c = parameter.at[i];

            if (c == '.')
                continue;
            if (c < '0' || c > '9')
                break;
            weight += (unsigned)(c - '0') * unit;
            unit /= 10;
        }
        return weight;
    }
    return 1000;
}

/* How much the Accept fields want JSON, and how much HTML. */
static void
weigh_accept(const struct http_head *request, unsigned *json, unsigned *html)
{
    *json = *html = 0;
    for (unsigned i = 0; i < request->field_count; i++) {
        struct bytes ranges = request->fields[i].value;

        if (request->fields[i].id != FIELD_ACCEPT)
            continue;
        while (ranges.at != NULL) {
            struct bytes range = bytes_cut(&ranges, ',');
            struct bytes type = bytes_trim(bytes_cut(&range, ';'));
            unsigned weight = weight_of(range);

            if (bytes_contains_nocase(type, BYTES("json")))
                *json = weight > *json ? weight : *json;
            if (bytes_contains_nocase(type, BYTES("html")))
                *html = weight > *html ? weight : *html;
        }
    }
}

bool
http_wants_json(const struct http_head *request)
{
    const struct http_field *from = http_head_field(request, FIELD_X_REQUESTED_WITH);
    const struct http_field *dest = http_head_field(request, FIELD_SEC_FETCH_DEST);
    unsigned json, html;

    weigh_accept(request, &json, &html);
    if (json != html)
        return json > html;
    return (from != NULL && bytes_equal_nocase(from->value, BYTES("XMLHttpRequest"))) ||
        (dest != NULL && bytes_equal(dest->value, BYTES("empty")));
}
