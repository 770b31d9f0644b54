/*
 * proxy/affinity.c - making, finding and removing the affinity cookie (RFC 6265).
 *
 * Trust: the Cookie field comes from the client; a value that no server has is
 * simply not followed.
 */
#include "proxy/affinity.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

void
affinity_tag(const struct affinity_key *key, const char *upstream,
    const char *server_url, char tag[AFFINITY_TAG_BYTES])
{
    unsigned char text[1024], digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    int n = snprintf((char *)text, sizeof text, "%s\n%s", upstream, server_url);

    require(n > 0);
    if ((size_t)n >= sizeof text)
        n = sizeof text - 1;
    require(HMAC(EVP_sha256(), key->bytes, sizeof key->bytes, text, (size_t)n, digest,
                &length) != NULL);
    for (unsigned i = 0; i < (AFFINITY_TAG_BYTES - 1) / 2; i++)
        snprintf(tag + 2 * i, 3, "%02x", digest[i]);
}

static bool
is_ours(struct bytes crumb)
{
    return bytes_has_prefix(crumb, BYTES(AFFINITY_COOKIE "="));
}

struct bytes
affinity_read(struct bytes cookies)
{
    const size_t prefix = sizeof AFFINITY_COOKIE; /* with the '=' */

    while (cookies.at != NULL) {
        struct bytes crumb = bytes_trim(bytes_cut(&cookies, ';'));

        if (is_ours(crumb))
            return bytes_of(crumb.at + prefix, crumb.length - prefix);
    }
    return bytes_of(NULL, 0);
}

bool
affinity_strip(struct bytes cookies, struct arena *arena, struct bytes *stripped)
{
    struct bytes rest = cookies;
    size_t length = 0;
    char *to;

    *stripped = cookies;
    if (affinity_read(cookies).at == NULL)
        return true;
    to = arena_take(arena, 2 * cookies.length); /* each ";" may become "; " */
    if (to == NULL)
        return false;
    while (rest.at != NULL) {
        struct bytes crumb = bytes_trim(bytes_cut(&rest, ';'));

        if (crumb.length == 0 || is_ours(crumb))
            continue;
        if (length > 0) {
            memcpy(to + length, "; ", 2);
            length += 2;
        }
        memcpy(to + length, crumb.at, crumb.length);
        length += crumb.length;
    }
    *stripped = bytes_of(to, length);
    return true;
}
