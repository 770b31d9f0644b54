/*
 * proxy/own_page.h - the pages that postern answers by itself, below "/.postern/" of
 * every published host. Nothing below it ever reaches an upstream.
 */
#ifndef PROXY_OWN_PAGE_H
#define PROXY_OWN_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "base/require.h"

struct exchange;

struct own_page {
    struct bytes path;
    const struct bytes *types; /* media types that its requests may have */
    unsigned type_count;
    uint64_t body_bytes; /* the largest body, less than FLOW_LIMIT: it is read whole */
    /*
     * The request has been read; `body` is the exchange's and may be written into. The
     * answer is 204 without a body, or the fault's.
     */
    enum fault (*take)(struct exchange *x, char *body, size_t length);
};

/*
 * True for what lies below "/.postern": a decoded path, in whatever case, and as servers may
 * read it: with doubled slashes before it, with ";parameters" behind.
 */
bool own_page_is_below(struct bytes path);

/* NULL: there is no such page. */
const struct own_page *own_page_find(struct bytes path);

/* May the request have this page: POST, one of its types, not too long? */
enum fault own_page_gate(struct exchange *x) MUST_USE;

/* The whole body is in x->upload: takes it from there. */
enum fault own_page_take(struct exchange *x) MUST_USE;

#endif
