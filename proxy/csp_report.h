/*
 * proxy/csp_report.h - what browsers tell of violations of a Content-Security-Policy.
 *
 * A mail that tries to run a script or to load from elsewhere shows itself so, before
 * anybody has a name for the attack. Anybody may send such reports: they are bounded,
 * counted per source, and never more than lines of the log.
 */
#ifndef PROXY_CSP_REPORT_H
#define PROXY_CSP_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/require.h"

struct exchange;

#define CSP_REPORT_BYTES_MAX ((size_t)16 * 1024)
/* Of those that one request brings (Reporting API, 3.4), so many become events. */
#define CSP_REPORTS_MAX 8

/* How many reports are taken: so many at once, and then so many a second. */
#define CSP_SOURCE_BURST 20
#define CSP_SOURCE_RATE 1
#define CSP_ALL_BURST 200
#define CSP_ALL_RATE 20
#define CSP_SOURCES 256 /* buckets; sources that meet in one share it */

struct csp_bucket {
    uint64_t looked_ms; /* when something was last taken, or not */
    uint64_t spent;     /* thousandths of a report, given back with time */
};

/* A worker's own; all zero: nothing is spent. */
struct csp_budget {
    struct csp_bucket all, sources[CSP_SOURCES];
};

/* Takes one report out of a bucket; false when all is spent. `now_ms` never goes back. */
bool csp_bucket_take(struct csp_bucket *bucket, uint64_t now_ms, uint32_t burst,
    uint32_t per_second) MUST_USE;

/*
 * The body of a POST to /.postern/csp, NUL-terminated behind `length` bytes: an event
 * csp-violation for each report. FAULT_RATE_LIMITED when this source, or all, sent too
 * many; FAULT_CSP_REPORT when it is no report.
 */
enum fault csp_report_take(struct exchange *x, char *body, size_t length) MUST_USE;

#endif
