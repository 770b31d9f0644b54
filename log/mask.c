/*
 * log/mask.c - where in a URL does a secret stand?
 *
 * A login form that was sent with GET puts the password into the URL, and many
 * webmail systems put tokens there. A log is read by more people than a mailbox.
 * When in doubt more is hidden: a value ends at '&' or '#' only, a name may also
 * begin behind ';' and behind a second '?'.
 *
 * Trust: the text comes from the network. Owns nothing; no I/O; safe to fuzz.
 */
#include "log/mask.h"

#define NAME_BYTES_MAX ((size_t)16)

#define SECRET_PARAM(name)                                                             \
    _Static_assert(sizeof(name) - 1 <= NAME_BYTES_MAX, "NAME_BYTES_MAX is the longest");
#include "log/secret_params.def"
#undef SECRET_PARAM

#define SECRET_PARAM(name) { (name), sizeof(name) - 1 },
static const struct bytes secret_params[] = {
#include "log/secret_params.def"
};
#undef SECRET_PARAM

/* Bit n: some name has n bytes. Most parameters need no look at the table. */
enum {
#define SECRET_PARAM(name) | 1 << (sizeof(name) - 1)
    SECRET_LENGTHS = 0
#include "log/secret_params.def"
#undef SECRET_PARAM
};

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of `text` from `*at` on, percent-decoded; moves `*at` behind it. */
static char
decode_one(struct bytes text, size_t *at)
{
    char c = text.at[(*at)++];

    if (c != '%' || text.length - *at < 2)
        return c;

    int high = hex_digit(text.at[*at]), low = hex_digit(text.at[*at + 1]);

    if (high < 0 || low < 0)
        return c;
    *at += 2;
    return (char)(high << 4 | low);
}

static bool
is_secret_name(struct bytes name)
{
    char plain[NAME_BYTES_MAX];
    size_t length = 0, at = 0;

    while (at < name.length) {
        if (length == sizeof(plain))
            return false;
        plain[length++] = ascii_lower(decode_one(name, &at));
    }
    if ((SECRET_LENGTHS >> length & 1) == 0)
        return false;
    for (size_t i = 0; i < sizeof(secret_params) / sizeof(*secret_params); i++)
        if (bytes_equal(secret_params[i], bytes_of(plain, length)))
            return true;
    return false;
}

/* What a byte means in a URL, as far as secrets go. */
enum { BEGINS_NAME = 1, ENDS_NAME, ENDS_SCHEME };
static const uint8_t marks[256] = {
    ['?'] = BEGINS_NAME,
    ['&'] = BEGINS_NAME,
    [';'] = BEGINS_NAME,
    ['#'] = BEGINS_NAME,
    ['='] = ENDS_NAME,
    [':'] = ENDS_SCHEME,
};

/* From `at` to the first '&' or '#'. */
static struct bytes
value_from(const char *at, const char *end)
{
    const char *stop = at;

    while (stop < end && *stop != '&' && *stop != '#')
        stop++;
    return bytes_of(at, (size_t)(stop - at));
}

/* The user:password behind the ':' of scheme://user:password@host (RFC 3986, 3.2.1). */
static struct bytes
userinfo_from(const char *colon, const char *end)
{
    const char *at = colon + 3, *stop = at;

    if (end - colon < 3 || memcmp(colon, "://", 3) != 0)
        return bytes_of(NULL, 0);
    while (stop < end && *stop != '/' && *stop != '?' && *stop != '#')
        stop++;

    const char *sign = memrchr(at, '@', (size_t)(stop - at));

    return bytes_of(at, sign == NULL ? 0 : (size_t)(sign - at));
}

/* One pass: every byte is looked at twice at most, whatever somebody sends us. */
struct bytes
mask_find(struct bytes url)
{
    const char *end = url.at + url.length, *name = url.at;

    for (const char *at = url.at; at < end; at++) {
        struct bytes secret = bytes_of(NULL, 0);
        uint8_t mark = marks[(uint8_t)*at];

        if (mark == 0)
            continue;
        if (mark == BEGINS_NAME) {
            name = at + 1;
        } else if (mark == ENDS_SCHEME) {
            secret = userinfo_from(at, end);
        } else if (is_secret_name(bytes_of(name, (size_t)(at - name)))) {
            secret = value_from(at + 1, end);
        }
        if (secret.length > 0)
            return secret;
    }
    return bytes_of(NULL, 0);
}
