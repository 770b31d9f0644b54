/*
 * proxy/csp_report.c - reports of violations of a Content-Security-Policy become events.
 *
 * Both forms are read: {"csp-report": {...}} of report-uri (CSP Level 3, 5.3), and the
 * list of the Reporting API, of which other kinds of reports are left out. A sample of the
 * script is not kept: it may be the text of a mail.
 *
 * Trust: everything comes from the network. Jansson bounds the depth that it descends; the
 * body's length bounds the rest. The log's masks hide secrets in URLs.
 */
#include "proxy/csp_report.h"

#include <jansson.h>
#include <string.h>

#include "proxy/exchange.h"
#include "proxy/journal.h"
#include "proxy/worker.h"

bool
csp_bucket_take(struct csp_bucket *bucket, uint64_t now_ms, uint32_t burst,
    uint32_t per_second)
{
    uint64_t given_back = (now_ms - bucket->looked_ms) * per_second;

    bucket->spent = bucket->spent > given_back ? bucket->spent - given_back : 0;
    bucket->looked_ms = now_ms;
    if (bucket->spent + 1000 > (uint64_t)burst * 1000)
        return false;
    bucket->spent += 1000;
    return true;
}

/* IPv6 addresses of one network are one source, as elsewhere (proxy/sources.h). */
static struct csp_bucket *
bucket_of(struct csp_budget *budget, const struct client *client)
{
    const struct sockaddr_in6 *six = (const void *)&client->address;
    const struct sockaddr_in *four = (const void *)&client->address;
    uint64_t network = 0;

    if (client->address.ss_family == AF_INET)
        network = four->sin_addr.s_addr;
    else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        memcpy(&network, six->sin6_addr.s6_addr + 12, 4);
    else
        memcpy(&network, six->sin6_addr.s6_addr, sizeof network);
    network *= UINT64_C(0x9e3779b97f4a7c15);
    return &budget->sources[network >> 56];
}

static bool
may_report(struct exchange *x)
{
    struct csp_budget *budget = &x->client->worker->csp;
    uint64_t now = uv_now(&x->client->worker->loop);

    return csp_bucket_take(bucket_of(budget, x->client), now, CSP_SOURCE_BURST,
               CSP_SOURCE_RATE) &&
        csp_bucket_take(&budget->all, now, CSP_ALL_BURST, CSP_ALL_RATE);
}

/* The first of the two names: those of report-uri and of the Reporting API. */
static const char *
text_of(const json_t *report, const char *name, const char *other)
{
    const char *text = json_string_value(json_object_get(report, name));

    return text != NULL ? text : json_string_value(json_object_get(report, other));
}

static bool
tell(struct exchange *x, const json_t *report)
{
    const json_t *line = json_object_get(report, "line-number");
    struct journal_csp csp = {
        .document = text_of(report, "document-uri", "documentURL"),
        .blocked = text_of(report, "blocked-uri", "blockedURL"),
        .directive = text_of(report, "effective-directive", "effectiveDirective"),
        .source = text_of(report, "source-file", "sourceFile"),
        .disposition = text_of(report, "disposition", "disposition"),
    };

    if (csp.directive == NULL) /* as browsers wrote before CSP Level 3 */
        csp.directive = text_of(report, "violated-directive", "violatedDirective");
    if (csp.document == NULL || csp.directive == NULL)
        return false;
    if (line == NULL)
        line = json_object_get(report, "lineNumber");
    csp.line = json_integer_value(line) > 0 ? (uint64_t)json_integer_value(line) : 0;
    journal_csp(x, &csp);
    return true;
}

/* How many of the reports in it became events. */
static unsigned
tell_all(struct exchange *x, const json_t *root)
{
    unsigned told = 0;

    if (json_is_object(root))
        return tell(x, json_object_get(root, "csp-report"));
    for (size_t i = 0; i < json_array_size(root) && told < CSP_REPORTS_MAX; i++) {
        const json_t *report = json_array_get(root, i);
        const char *type = json_string_value(json_object_get(report, "type"));

        if (type != NULL && strcmp(type, "csp-violation") == 0 &&
            (told == 0 || may_report(x)))
            told += tell(x, json_object_get(report, "body"));
    }
    return told;
}

enum fault
csp_report_take(struct exchange *x, char *body, size_t length)
{
    json_t *root;
    unsigned told;

    if (!may_report(x))
        return FAULT_RATE_LIMITED;
    root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
    told = tell_all(x, root);
    json_decref(root);
    return told > 0 ? FAULT_NONE : FAULT_CSP_REPORT;
}
