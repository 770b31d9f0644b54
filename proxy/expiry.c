/*
 * proxy/expiry.c - reading notAfter, and saying so in time.
 *
 * Lifetimes shrink (47 days in 2029), so "soon" is a part of the lifetime, not a
 * number of days.
 */
#include "proxy/expiry.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

static void
report(struct event_log *log, enum event_id id, const char *listener, const char *host,
    const ASN1_TIME *end)
{
    char text[32] = "";
    struct tm tm;

    if (ASN1_TIME_to_tm(end, &tm) == 1)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    event_begin(log, id);
    event_string(log, EF_LISTENER, listener);
    event_string(log, EF_URL_DOMAIN, host);
    event_string(log, EF_CERTIFICATE_ENDS, text);
    event_end(log);
}

static long
seconds_between(const ASN1_TIME *from, const ASN1_TIME *to)
{
    int days = 0, seconds = 0;

    if (ASN1_TIME_diff(&days, &seconds, from, to) != 1)
        return 0;
    return days * 86400L + seconds;
}

static void
look_at(struct event_log *log, const char *listener, const char *host, const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *leaf = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (file != NULL)
        fclose(file);
    if (leaf != NULL) {
        const ASN1_TIME *end = X509_get0_notAfter(leaf);
        long left = seconds_between(NULL, end);
        long lifetime = seconds_between(X509_get0_notBefore(leaf), end);

        if (left <= 0)
            report(log, EVENT_CERTIFICATE_EXPIRED, listener, host, end);
        else if (left < lifetime / 3)
            report(log, EVENT_CERTIFICATE_EXPIRING, listener, host, end);
    }
    X509_free(leaf);
    ERR_clear_error();
}

void
expiry_report(const struct snapshot *snapshot, struct event_log *log)
{
    for (unsigned l = 0; l < snapshot->listener_count; l++) {
        const struct listener_policy *listener = &snapshot->listeners[l];

        for (unsigned h = 0; h < listener->tls.host_count; h++) {
            const struct tls_host_policy *host = &listener->tls.hosts[h];

            for (unsigned i = 0; i < host->certificate_count; i++)
                look_at(log, listener->name, host->host,
                    host->certificates[i].chain_file);
        }
    }
}
