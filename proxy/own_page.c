/*
 * proxy/own_page.c - the pages that postern answers by itself.
 *
 * Trust: path, head and body come from the network; a body is read whole, since it is
 * short, into the request's arena.
 */
#include "proxy/own_page.h"

#include <string.h>

#include "proxy/csp_report.h"
#include "proxy/exchange.h"

#define BELOW BYTES("/.postern")

static const struct bytes csp_types[] = {
    { "application/csp-report", 22 },   /* CSP Level 3, 5.3: report-uri */
    { "application/reports+json", 24 }, /* Reporting API, 3.4 */
};

static const struct own_page pages[] = {
    { .path = { "/.postern/csp", 13 },
        .types = csp_types,
        .type_count = sizeof csp_types / sizeof *csp_types,
        .body_bytes = CSP_REPORT_BYTES_MAX,
        .take = csp_report_take },
};

/* Servers read doubled slashes as one, and some take ";parameters" off a segment. */
bool
own_page_is_below(struct bytes path)
{
    while (path.length > 1 && path.at[0] == '/' && path.at[1] == '/')
        path = bytes_of(path.at + 1, path.length - 1);
    return bytes_has_prefix_nocase(path, BELOW) &&
        (path.length == BELOW.length || strchr("/;", path.at[BELOW.length]) != NULL);
}

const struct own_page *
own_page_find(struct bytes path)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (bytes_equal(pages[i].path, path))
            return &pages[i];
    return NULL;
}

static bool
has_type(const struct own_page *page, const struct http_head *head)
{
    const struct http_field *field = http_head_field(head, FIELD_CONTENT_TYPE);
    struct bytes value = field != NULL ? field->value : BYTES("");
    struct bytes type = bytes_trim(bytes_cut(&value, ';'));

    for (unsigned i = 0; i < page->type_count; i++)
        if (bytes_equal_nocase(page->types[i], type))
            return true;
    return false;
}

enum fault
own_page_gate(struct exchange *x)
{
    const struct own_page *page = own_page_find(x->url.decoded);

    x->verdict.refused =
        (struct finding){ .rule = "own-pages", .part = x->url.decoded };
    if (page == NULL)
        return x->verdict.refused.fault = FAULT_FILTER_PATH;
    if (x->request.method_id != HTTP_METHOD_POST)
        return x->verdict.refused.fault = FAULT_HTTP_METHOD_REFUSED;
    if (!has_type(page, &x->request))
        return x->verdict.refused.fault = FAULT_FILTER_TYPE;
    x->verdict.refused = (struct finding){ .fault = FAULT_NONE };
    x->own_page = page;
    x->body_bytes = page->body_bytes;
    return FAULT_NONE;
}

enum fault
own_page_take(struct exchange *x)
{
    size_t length = x->upload.data.length;
    char *body = arena_take(&x->arena, length + 1);

    if (body == NULL)
        return FAULT_MEMORY;
    chunk_queue_peek(&x->upload.data, 0, body, length);
    chunk_queue_clear(&x->upload.data);
    body[length] = '\0';
    x->upload.delivered = true;
    return x->own_page->take(x, body, length);
}
