/*
 * proxy/expiry.h - published certificates that end soon, or have ended, as events.
 */
#ifndef PROXY_EXPIRY_H
#define PROXY_EXPIRY_H

#include "config/snapshot.h"
#include "log/event.h"

/*
 * Looks at every published certificate as it is served and emits CERTIFICATE_EXPIRING in
 * the last third of its lifetime, CERTIFICATE_EXPIRED after its end. Both say whether the
 * file is another one by now, which a restart would serve. For the parent, at start and
 * daily.
 */
void expiry_report(const struct snapshot *snapshot, struct event_log *log);

#endif
