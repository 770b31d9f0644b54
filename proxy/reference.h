/*
 * proxy/reference.h - URLs in header fields, rewritten for the side that they go to.
 *
 * All take a field's value and give it back as it is, or a copy in one of the exchange's
 * arenas; a view of NULL when that is full.
 */
#ifndef PROXY_REFERENCE_H
#define PROXY_REFERENCE_H

#include "base/bytes.h"

struct exchange;

/*
 * Of an answer: what points at the upstream's own name would lead the client nowhere, what
 * says http: at the public host would lead it into clear text. Both get our public origin.
 */
struct bytes reference_outward(struct exchange *x, struct bytes value);

/* Likewise for the URL in a Refresh. */
struct bytes reference_in_refresh(struct exchange *x, struct bytes value);

/*
 * Of a request, where a server compares it with its Host (Destination: RFC 4918, 10.3): what
 * points at the public host gets the one spelling that Host has inside.
 */
struct bytes reference_inward(struct exchange *x, struct bytes value);

#endif
