/*
 * config/pattern.c - the small languages of an application's rules.
 *
 * Pure: looks at nothing but the text. What passes here is obeyed by http/filter.c
 * as it stands.
 */
#include "config/pattern.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "config/value.h"

#define SHAPE_LENGTH_MAX ((uint64_t)1024 * 1024)

/* --- shapes --- */

/* One character of a class, escaped or not; steps over it. -1 when there is none. */
static int
take_character(const char **at)
{
    unsigned char c = (unsigned char)**at;

    if (c == '\\') {
        c = (unsigned char)*++*at;
        if (c == '\0' || strchr("]\\-", c) == NULL)
            return -1;
    } else if (c < 0x20 || c >= 0x7f || c == ']') {
        return -1;
    }
    ++*at;
    return c;
}

/* What stands between the brackets; *at ends behind them. */
static const char *
read_class(const char **at, uint8_t set[32])
{
    static const char hint[] = "in the brackets stand ASCII characters and ranges; "
                               "write \\] \\\\ \\- for these";

    if (**at == '^')
        return "there is no [^...]: name the characters that may come";
    if (**at == ']')
        return "the brackets are empty";
    while (**at != ']') {
        int low = take_character(at), high = low;

        if (low >= 0 && (*at)[0] == '-' && (*at)[1] != ']') {
            ++*at;
            high = take_character(at);
            if (high >= 0 && high < low)
                return "a range begins with its lower character";
        }
        if (low < 0 || high < 0)
            return hint;
        for (int c = low; c <= high; c++)
            set[c >> 3] |= (uint8_t)(1 << (c & 7));
    }
    ++*at;
    return NULL;
}

const char *
pattern_read_shape(const char *text, struct shape *shape)
{
    static const char hint[] = "behind the brackets stands {n} or {least,most}";
    struct bytes rest, least, most;
    uint64_t minimum, maximum;
    const char *wrong;

    memset(shape, 0, sizeof(*shape));
    if (*text++ != '[')
        return "a shape is one class and a length: \"[A-Za-z0-9]{1,64}\"";
    wrong = read_class(&text, shape->set);
    if (wrong != NULL)
        return wrong;
    rest = bytes_of_string(text);
    if (rest.length < 3 || text[0] != '{' || text[rest.length - 1] != '}')
        return hint;
    rest = bytes_of(text + 1, rest.length - 2);
    least = bytes_cut(&rest, ',');
    most = rest.at == NULL ? least : rest;
    if (!bytes_to_u64(least, SHAPE_LENGTH_MAX, &minimum) ||
        !bytes_to_u64(most, SHAPE_LENGTH_MAX, &maximum))
        return hint;
    if (maximum < minimum || maximum == 0)
        return "the largest length is below the smallest, or 0";
    shape->minimum = (uint32_t)minimum;
    shape->maximum = (uint32_t)maximum;
    return NULL;
}

/* --- networks and dates --- */

const char *
pattern_read_network(const char *text, struct network *network)
{
    static const char hint[] = "write 10.0.0.0/8, \"fd00::/8\", or one address";
    char address[INET6_ADDRSTRLEN];
    struct bytes rest = bytes_of_string(text), host = bytes_cut(&rest, '/');
    uint64_t bits = 128;

    memset(network, 0, sizeof(*network));
    if (host.length >= sizeof(address))
        return hint;
    memcpy(address, host.at, host.length);
    address[host.length] = '\0';
    if (inet_pton(AF_INET, address, network->bytes + 12) == 1) {
        network->bytes[10] = network->bytes[11] = 0xff;
        if (rest.at != NULL && !bytes_to_u64(rest, 32, &bits))
            return hint;
        bits = rest.at == NULL ? 128 : bits + 96;
    } else if (inet_pton(AF_INET6, address, network->bytes) != 1 ||
        (rest.at != NULL && !bytes_to_u64(rest, 128, &bits))) {
        return hint;
    }
    network->bits = (unsigned)bits;
    for (unsigned bit = network->bits; bit < 128; bit++)
        if ((network->bytes[bit / 8] & (0x80 >> bit % 8)) != 0)
            return "the address has bits behind its prefix: a network begins with "
                   "zeros "
                   "there";
    return NULL;
}

const char *
pattern_read_date(const char *text, int64_t *end)
{
    static const char hint[] = "write a date as 2026-12-31";
    static const char digits[] = "dddd-dd-dd";
    struct tm day = { 0 }, same;
    time_t noon;

    for (size_t i = 0; i < sizeof(digits); i++)
        if (digits[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != digits[i])
            return hint;
    day.tm_year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 +
        (text[2] - '0') * 10 + (text[3] - '0') - 1900;
    day.tm_mon = (text[5] - '0') * 10 + (text[6] - '0') - 1;
    day.tm_mday = (text[8] - '0') * 10 + (text[9] - '0');
    same = day;
    noon = timegm(&same);
    if (same.tm_mon != day.tm_mon || same.tm_mday != day.tm_mday || day.tm_year < 100)
        return "there is no such day";
    *end = (int64_t)noon + 86400;
    return NULL;
}

/* --- names --- */

/* RFC 9110, 5.6.2. */
static bool
is_token(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!isalnum((unsigned char)text.at[i]) &&
            (text.at[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text.at[i]) == NULL))
            return false;
    return text.length > 0;
}

static const char *
check_text(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return "it is one line, without control characters";
    return NULL;
}

/* An asterisk means the rest, so it can stand at the end only, and not alone. */
static const char *
check_star(const char *text)
{
    const char *star = strchr(text, '*');

    if (star == text)
        return "'*' alone would be everything";
    return star == NULL || star[1] == '\0' ? NULL : "'*' stands at the end only";
}

static const char *
check_word(const char *text)
{
    const char *hint = check_text(text);

    return hint == NULL ? check_star(text) : hint;
}

const char *
pattern_check_field(const char *text)
{
    return is_token(bytes_of_string(text)) && strchr(text, '*') == NULL
        ? NULL
        : "the name of a header field, such as X-Remote-User";
}

bool
pattern_is_of_framing(const char *name)
{
    static const char *const names[] = { "Connection", "Content-Length", "Keep-Alive",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

const char *
pattern_check_parameter(const char *text)
{
    const char *name = text[0] == '*' && text[1] != '\0' ? text + 1 : text;

    return strchr(name, '*') == NULL
        ? check_text(text)
        : "the name of a parameter; '*' may only stand at its beginning";
}

static const char *
check_field(const char *text)
{
    return is_token(bytes_of_string(text))
        ? check_star(text)
        : "the name of a header field, such as X-Remote-User or X-Remote-*";
}

static const char *
check_method(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!isupper((unsigned char)*c) && *c != '_' && *c != '-')
            return "methods are written in capitals, as in requests";
    return NULL;
}

static const char *
check_media_type(const char *text)
{
    struct bytes subtype = bytes_of_string(text), type = bytes_cut(&subtype, '/');

    if (strcmp(text, "absent") == 0)
        return NULL;
    if (!is_token(type) || !is_token(subtype) ||
        memchr(type.at, '*', type.length) != NULL)
        return "write type/subtype, without parameters";
    return check_star(text);
}

static const char *
check_extension(const char *text)
{
    if (text[0] != '.')
        return "an extension begins with its dot";
    for (const char *c = text + 1; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("-_~", *c) == NULL)
            return "only what stands behind the last dot, such as .exe";
    return NULL;
}

static const char *
check_base(const char *text)
{
    return strcmp(text, "/") == 0 ? NULL : value_check_prefix(text);
}

/* Compared with decoded canonical paths: what can never be in one is a slip. */
static const char *
check_glob(const char *text)
{
    if (text[0] != '/')
        return "a path begins with '/'";
    for (const char *c = strstr(text, "**"); c != NULL; c = strstr(c + 2, "**"))
        if (c[-1] != '/' || (c[2] != '/' && c[2] != '\0'))
            return "two asterisks are a segment of their own: /path/**, /path/**/*.php";
    if (strstr(text, "/**/**") != NULL)
        return "one /** stands for any number of segments already";
    if (strstr(text, "//") != NULL || strstr(text, "/./") != NULL ||
        strstr(text, "/../") != NULL)
        return "requests are compared in canonical form: no '//', '/./' or '/../'";
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || strchr("%?#\\", *c) != NULL)
            return "write the path as it reads decoded: no escapes, no query; "
                   "parameters "
                   "have their own block";
    return NULL;
}

static const char *
check_shape(const char *text)
{
    struct shape shape;

    return pattern_read_shape(text, &shape);
}

static const char *
check_network(const char *text)
{
    struct network network;

    return pattern_read_network(text, &network);
}

static const char *
check_date(const char *text)
{
    int64_t end;

    return pattern_read_date(text, &end);
}

/* --- ids --- */

const char *
pattern_check_rule(const char *text)
{
    size_t length = strlen(text);

    if ((length == 5 || (length == 6 && islower((unsigned char)text[5]))) &&
        isupper((unsigned char)text[0]) && isupper((unsigned char)text[1]) &&
        isdigit((unsigned char)text[2]) && isdigit((unsigned char)text[3]) &&
        isdigit((unsigned char)text[4]))
        return NULL;
    return "a rule's id is two capitals and three digits, such as MY010 or MY010a";
}

const char *
pattern_check_mitigation(const char *text)
{
    const char *rest = text + 3;

    if (strncmp(text, "PM-", 3) != 0 || *rest == '\0')
        return "a mitigation's id is PM- and a number, such as PM-2021-26855";
    for (; *rest != '\0'; rest++)
        if (!isalnum((unsigned char)*rest) && *rest != '-')
            return "an id is made of letters, digits and '-'";
    return NULL;
}

static const char *(*const checks[])(const char *) = {
    [TYPE_TEXT] = check_text,
    [TYPE_LINE] = check_text,
    [TYPE_BASE] = check_base,
    [TYPE_GLOB] = check_glob,
    [TYPE_METHOD] = check_method,
    [TYPE_FIELD] = check_field,
    [TYPE_WORD] = check_word,
    [TYPE_MEDIA_TYPE] = check_media_type,
    [TYPE_EXTENSION] = check_extension,
    [TYPE_SHAPE] = check_shape,
    [TYPE_NETWORK] = check_network,
    [TYPE_DATE] = check_date,
};

bool
pattern_is_known(enum setting_type type)
{
    return (size_t)type < sizeof(checks) / sizeof(checks[0]) && checks[type] != NULL;
}

const char *
pattern_check(enum setting_type type, const char *text)
{
    require(pattern_is_known(type));
    return checks[type](text);
}
