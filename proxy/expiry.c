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
#include <time.h>

#include "config/papers.h"

/* One certificate of a published host. */
struct shown {
    const char *listener, *host;
    const struct tls_certificate *certificate;
};

/*
 * Only looks when the file was changed: it may hold the key, which is not for the
 * parent to read.
 */
static bool
is_renewed_on_disk(const struct tls_certificate *certificate)
{
    int64_t changed_ns = papers_changed_ns(certificate->chain_file);

    return changed_ns != 0 && changed_ns != certificate->changed_ns;
}

static void
report(struct event_log *log, enum event_id id, const struct shown *shown,
    const ASN1_TIME *end)
{
    char text[32] = "";
    struct tm tm;

    if (ASN1_TIME_to_tm(end, &tm) == 1)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    event_begin(log, id);
    event_string(log, EF_LISTENER, shown->listener);
    event_string(log, EF_URL_DOMAIN, shown->host);
    event_string(log, EF_CERTIFICATE_ENDS, text);
    event_flag(log, EF_CERTIFICATE_RENEWED, is_renewed_on_disk(shown->certificate));
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
look_at(struct event_log *log, const struct shown *shown)
{
    struct bytes chain = shown->certificate->chain;
    BIO *text = BIO_new_mem_buf(chain.at, (int)chain.length);
    X509 *leaf = text == NULL ? NULL : PEM_read_bio_X509(text, NULL, NULL, NULL);

    if (leaf != NULL) {
        const ASN1_TIME *end = X509_get0_notAfter(leaf);
        long left = seconds_between(NULL, end);
        long lifetime = seconds_between(X509_get0_notBefore(leaf), end);

        if (left <= 0)
            report(log, EVENT_CERTIFICATE_EXPIRED, shown, end);
        else if (left < lifetime / 3)
            report(log, EVENT_CERTIFICATE_EXPIRING, shown, end);
    }
    X509_free(leaf);
    BIO_free(text);
    ERR_clear_error();
}

void
expiry_report(const struct snapshot *snapshot, struct event_log *log)
{
    for (unsigned l = 0; l < snapshot->listener_count; l++) {
        const struct listener_policy *listener = &snapshot->listeners[l];

        for (unsigned h = 0; h < listener->tls.host_count; h++) {
            const struct tls_host_policy *host = &listener->tls.hosts[h];

            for (unsigned i = 0; i < host->certificate_count; i++) {
                struct shown shown = { listener->name, host->host,
                    &host->certificates[i] };

                look_at(log, &shown);
            }
        }
    }
}
