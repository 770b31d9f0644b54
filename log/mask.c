/*
 * log/mask.c - where in a URL does a secret stand?
 *
 * A login form that was sent with GET puts the password into the URL, and many
 * webmail systems put tokens there. A log is read by more people than a mailbox.
 * When in doubt more is hidden: a value ends at '&' or '#' only, a name may also
 * begin behind ';', '=' and a second '?'. A URL inside a parameter is escaped once more
 * at each level ("?_url=%26_token%3Dx"), and log-on pages put URLs into URLs, so each of
 * these marks counts however often it is escaped; a value ends at marks of its own level.
 *
 * Trust: the text comes from the network. Owns nothing; no I/O; safe to fuzz.
 */
#include "log/mask.h"

#define NAME_BYTES_MAX ((size_t)30)
#define DEPTHS ((size_t)8) /* for which what was looked for in vain is remembered */

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

static bool
is_hex_pair(const char *at, const char *end)
{
    return end - at >= 2 && hex_digit(at[0]) >= 0 && hex_digit(at[1]) >= 0;
}

/* One character and how often it is escaped. */
struct character {
    char is;
    size_t depth;
};

/* The character at *at; steps over it. "%252526" is a '&' of depth 3. */
static struct character
take(const char **at, const char *end)
{
    const char *digits = *at + 1;
    struct character c = { **at, 0 };

    *at = digits;
    if (c.is != '%' || !is_hex_pair(digits, end))
        return c;
    c.depth = 1;
    while (digits[0] == '2' && digits[1] == '5' && is_hex_pair(digits + 2, end)) {
        digits += 2;
        c.depth++;
    }
    c.is = (char)(hex_digit(digits[0]) << 4 | hex_digit(digits[1]));
    *at = digits + 2;
    return c;
}

static bool
is_secret_name(struct bytes name)
{
    const char *at = name.at, *end = name.at + name.length;
    char plain[NAME_BYTES_MAX];
    size_t length = 0;

    while (at < end) {
        if (length == sizeof(plain))
            return false;
        plain[length++] = ascii_lower(take(&at, end).is);
    }
    if ((SECRET_LENGTHS >> length & 1) == 0)
        return false;
    for (size_t i = 0; i < sizeof(secret_params) / sizeof(*secret_params); i++)
        if (bytes_equal(secret_params[i], bytes_of(plain, length)))
            return true;
    return false;
}

/* What a character means in a URL, as far as secrets go. */
enum { BEGINS_NAME = 1, ENDS_NAME, ENDS_SCHEME, BEGINS_ESCAPE };
static const uint8_t marks[256] = {
    ['?'] = BEGINS_NAME,
    ['&'] = BEGINS_NAME,
    [';'] = BEGINS_NAME,
    ['#'] = BEGINS_NAME,
    ['='] = ENDS_NAME,
    [':'] = ENDS_SCHEME,
    ['%'] = BEGINS_ESCAPE,
};

/* From `at` to the first '&' or '#' that is escaped as often as the '=', or less. */
static struct bytes
value_from(const char *at, const char *end, size_t depth)
{
    const char *stop = at;

    while (stop < end) {
        const char *from = stop;
        struct character c = take(&stop, end);

        if ((c.is == '&' || c.is == '#') && c.depth <= depth)
            return bytes_of(at, (size_t)(from - at));
    }
    return bytes_of(at, (size_t)(end - at));
}

/*
 * The user:password behind the ':' of scheme://user:password@host (RFC 3986, 3.2.1). A search
 * for an '@' that found none is not begun again before *barren, or text that is full of
 * colons would cost the square of its length.
 */
static struct bytes
userinfo_from(const char *at, const char *end, size_t depth, const char **barren)
{
    const char *begin, *sign = NULL;

    for (unsigned slashes = 0; slashes < 2; slashes++)
        if (at == end || take(&at, end).is != '/')
            return bytes_of(NULL, 0);
    begin = at;
    if (depth < DEPTHS && begin < barren[depth])
        return bytes_of(NULL, 0);
    while (at < end) {
        const char *from = at;
        struct character c = take(&at, end);

        if (c.depth > depth) /* a part of the password */
            continue;
        if (c.is == '/' || c.is == '?' || c.is == '#')
            break;
        if (c.is == '@')
            sign = from;
    }
    if (sign == NULL && depth < DEPTHS)
        barren[depth] = at;
    return bytes_of(begin, sign == NULL ? 0 : (size_t)(sign - begin));
}

/* One pass: a byte is looked at a few times for each depth, whatever somebody sends us. */
struct bytes
mask_find(struct bytes url)
{
    const char *end = url.at + url.length, *name = url.at;
    const char *barren[DEPTHS] = { NULL };

    for (const char *at = url.at; at < end;) {
        struct bytes secret = bytes_of(NULL, 0);
        const char *from = at;
        struct character c;

        if (marks[(uint8_t)*at] == 0) {
            at++;
            continue;
        }
        c = take(&at, end);
        switch (marks[(uint8_t)c.is]) {
        case ENDS_NAME:
            if (is_secret_name(bytes_of(name, (size_t)(from - name))))
                secret = value_from(at, end, c.depth);
            name = at;
            break;
        case BEGINS_NAME:
            name = at;
            break;
        case ENDS_SCHEME:
            secret = userinfo_from(at, end, c.depth, barren);
            break;
        }
        if (secret.length > 0)
            return secret;
    }
    return bytes_of(NULL, 0);
}
