/*
 * config/value.c - numbers with units, words, addresses, names and places.
 *
 * Pure: nothing is looked up, neither in DNS nor in the file system.
 */
#include "config/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREDENTIALS_DEFAULT "/run/credentials/postern.service"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, for printing. */
static const struct unit durations[] = { { "d", 86400000 }, { "h", 3600000 },
    { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };
static const struct unit sizes[] = { { "GiB", 1 << 30 }, { "MiB", 1 << 20 },
    { "KiB", 1 << 10 }, { "B", 1 } };

/* Digits, then a unit; at most 12 digits, so that no product overflows. */
static enum value_state
read_quantity(struct bytes text, const struct unit *units, size_t count,
    uint64_t *number)
{
    struct bytes digits = { text.at, 0 }, unit;
    uint64_t value;

    while (
        digits.length < text.length && isdigit((unsigned char)text.at[digits.length]))
        digits.length++;
    unit = bytes_of(text.at + digits.length, text.length - digits.length);
    if (!bytes_to_u64(digits, 999999999999, &value))
        return digits.length > 12 ? VALUE_OUT_OF_RANGE : VALUE_MALFORMED;
    if (unit.length == 0)
        return VALUE_UNITLESS;
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(unit, bytes_of_string(units[i].name))) {
            if (value > UINT64_MAX / units[i].factor)
                return VALUE_OUT_OF_RANGE;
            *number = value * units[i].factor;
            return VALUE_GOOD;
        }
    return VALUE_MALFORMED;
}

struct bytes
value_cut_word(struct bytes *list)
{
    struct bytes word = bytes_cut(list, ' ');

    while (word.length == 0 && list->length > 0)
        word = bytes_cut(list, ' ');
    return word;
}

static enum value_state
read_choice(const struct setting *setting, struct bytes text, uint64_t *number)
{
    struct bytes rest = bytes_of_string(setting->detail);

    for (uint64_t index = 0; rest.length > 0; index++)
        if (bytes_equal(value_cut_word(&rest), text)) {
            *number = index;
            return VALUE_GOOD;
        }
    return VALUE_MALFORMED;
}

static enum value_state
read_number(struct bytes text, uint64_t *number)
{
    if (bytes_to_u64(text, UINT64_MAX, number))
        return VALUE_GOOD;
    for (size_t i = 0; i < text.length; i++)
        if (!isdigit((unsigned char)text.at[i]))
            return VALUE_MALFORMED;
    return text.length == 0 ? VALUE_MALFORMED : VALUE_OUT_OF_RANGE;
}

enum value_state
value_read(const struct setting *setting, const char *written, uint64_t *number)
{
    struct bytes text = bytes_of_string(written);
    enum value_state state = VALUE_MALFORMED;

    if (setting->type == TYPE_FLAG) {
        *number = bytes_equal(text, BYTES("true"));
        return *number || bytes_equal(text, BYTES("false")) ? VALUE_GOOD
                                                            : VALUE_MALFORMED;
    }
    if (setting->type == TYPE_CHOICE)
        return read_choice(setting, text, number);
    if (setting->type == TYPE_NUMBER)
        state = read_number(text, number);
    else if (setting->type == TYPE_DURATION)
        state = read_quantity(text, durations, sizeof(durations) / sizeof(durations[0]),
            number);
    else if (setting->type == TYPE_SIZE)
        state = read_quantity(text, sizes, sizeof(sizes) / sizeof(sizes[0]), number);
    if (state == VALUE_GOOD && (*number < setting->low || *number > setting->high))
        return VALUE_OUT_OF_RANGE;
    return state;
}

uint64_t
value_default(const struct setting *setting)
{
    uint64_t number = 0;

    if (schema_has_value(setting) &&
        value_read(setting, setting->initial, &number) != VALUE_GOOD)
        number = 0;
    return number;
}

const char *
value_print(enum setting_type type, uint64_t number, char text[VALUE_PRINT_BYTES])
{
    const struct unit *units = type == TYPE_DURATION ? durations : sizes;
    size_t last = type == TYPE_DURATION ? sizeof(durations) / sizeof(durations[0]) - 1
                                        : sizeof(sizes) / sizeof(sizes[0]) - 1;
    size_t i = 0;

    if (type != TYPE_DURATION && type != TYPE_SIZE) {
        snprintf(text, VALUE_PRINT_BYTES, "%llu", (unsigned long long)number);
        return text;
    }
    while (i < last && (number == 0 || number % units[i].factor != 0))
        i++;
    if (number == 0 && type == TYPE_DURATION)
        i = last - 1; /* "0s", as people write it */
    snprintf(text, VALUE_PRINT_BYTES, "%llu%s",
        (unsigned long long)(number / units[i].factor), units[i].name);
    return text;
}

static bool
read_port(struct bytes text, uint16_t *port)
{
    uint64_t number;

    if (!bytes_to_u64(text, 65535, &number))
        return false;
    *port = (uint16_t)number;
    return true;
}

/*
 * Splits "host:port" and "[v6]:port"; the port is absent when there is no colon.
 * False when brackets or colons do not fit.
 */
static bool
split_host(struct bytes text, struct bytes *host, struct bytes *port, bool *bracketed)
{
    const char *colon;

    *port = (struct bytes){ NULL, 0 };
    *bracketed = text.length > 0 && text.at[0] == '[';
    if (*bracketed) {
        const char *close = memchr(text.at, ']', text.length);

        if (close == NULL)
            return false;
        *host = bytes_of(text.at + 1, (size_t)(close - text.at) - 1);
        text = bytes_of(close + 1, text.length - host->length - 2);
        if (text.length > 0 && text.at[0] != ':')
            return false;
        if (text.length > 0)
            *port = bytes_of(text.at + 1, text.length - 1);
        return true;
    }
    colon = text.length == 0 ? NULL : memchr(text.at, ':', text.length);
    *host = bytes_of(text.at, colon == NULL ? text.length : (size_t)(colon - text.at));
    if (colon != NULL)
        *port = bytes_of(colon + 1, text.length - host->length - 1);
    return port->length == 0 || memchr(port->at, ':', port->length) == NULL;
}

const char *
value_read_address(const char *text, struct listen_address *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->address;
    struct bytes host, port;
    char name[INET6_ADDRSTRLEN];
    uint16_t number;
    bool bracketed;

    memset(address, 0, sizeof(*address));
    address->written = text;
    if (!split_host(bytes_of_string(text), &host, &port, &bracketed))
        return "write an IPv6 address in brackets: \"[::1]:443\"";
    if (port.at == NULL)
        return "add a port: \"*:443\", 192.0.2.1:443 or \"[2001:db8::1]:443\"";
    if (!read_port(port, &number))
        return "a port is a number from 0 to 65535";
    if (host.length >= sizeof(name))
        return "write the IP address, or * for all";
    memcpy(name, host.at, host.length);
    name[host.length] = '\0';
    if (!bracketed && inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(number);
        address->length = sizeof(*v4);
        return NULL;
    }
    if (!bracketed && strcmp(name, "*") == 0)
        v6->sin6_addr = in6addr_any;
    else if (!bracketed || inet_pton(AF_INET6, name, &v6->sin6_addr) != 1)
        return "write the IP address, or * for all; a name would need DNS before the "
               "start";
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(number);
    address->length = sizeof(*v6);
    address->v6_only = bracketed;
    return NULL;
}

const char *
value_check_host(const char *text, bool wildcard)
{
    struct bytes rest = bytes_of_string(text);

    if (rest.length == 0 || rest.length >= VALUE_HOST_BYTES)
        return "a host name has 1 to 253 characters";
    if (strchr(text, ':') != NULL || strchr(text, '/') != NULL)
        return "write the name alone, without port and path";
    if (strncmp(text, "*.", 2) == 0) {
        if (!wildcard)
            return "a wildcard has no meaning here";
        rest = bytes_of(text + 2, rest.length - 2);
    }
    while (rest.at != NULL) {
        struct bytes label = bytes_cut(&rest, '.');

        if (label.length == 0 || label.length > 63)
            return "each part between the dots has 1 to 63 characters";
        if (label.at[0] == '-' || label.at[label.length - 1] == '-')
            return "no part begins or ends with '-'";
        for (size_t i = 0; i < label.length; i++) {
            unsigned char c = (unsigned char)label.at[i];

            if (c >= 0x80)
                return "write an international name in its xn-- form";
            if (!isalnum(c) && c != '-' && c != '_')
                return wildcard ? "letters, digits, '-' and dots; '*.' only in front"
                                : "letters, digits, '-' and dots";
        }
    }
    return NULL;
}

const char *
value_read_url(const char *text, struct value_url *url)
{
    struct bytes rest, host, port;
    struct in6_addr v6;
    bool bracketed;

    *url = (struct value_url){ .clear_text = strncasecmp(text, "http://", 7) == 0 };
    if (!url->clear_text && strncasecmp(text, "https://", 8) != 0)
        return "write https://HOST or https://HOST:PORT";
    rest = bytes_of_string(text + (url->clear_text ? 7 : 8));
    if (rest.length > 0 && rest.at[rest.length - 1] == '/')
        rest.length--;
    if (memchr(rest.at, '@', rest.length) != NULL)
        return "no user name or password belongs here";
    if (strcspn(rest.at, "/?#") < rest.length)
        return "nothing stands behind the host and the port: the path is the client's";
    if (!split_host(rest, &host, &port, &bracketed))
        return "write an IPv6 address in brackets: https://[2001:db8::1]";
    if (host.length == 0 || host.length >= sizeof(url->host))
        return "write https://HOST or https://HOST:PORT";
    memcpy(url->host, host.at, host.length);
    url->port = url->clear_text ? 80 : 443;
    if (port.at != NULL && (!read_port(port, &url->port) || url->port == 0))
        return "a port is a number from 1 to 65535";
    if (bracketed)
        return inet_pton(AF_INET6, url->host, &v6) == 1 ? NULL
                                                        : "this is no IPv6 address";
    return value_check_host(url->host, false);
}

const char *
value_check_name(const char *text)
{
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && *text != '-' && *text != '_')
            return "a name is made of letters, digits, '-' and '_'";
    return NULL;
}

const char *
value_check_prefix(const char *text)
{
    size_t length = strlen(text);

    if (text[0] != '/')
        return "a prefix begins with '/'";
    if (length == 1)
        return "'/' is the published host itself; write its settings there";
    if (text[length - 1] == '/')
        return "leave the '/' at the end out: the prefix means itself and everything "
               "below";
    if (strstr(text, "//") != NULL || strstr(text, "/./") != NULL ||
        strstr(text, "/../") != NULL ||
        (length >= 2 && strcmp(text + length - 2, "/.") == 0) ||
        (length >= 3 && strcmp(text + length - 3, "/..") == 0))
        return "requests are compared in canonical form: no '//', '/./' or '/../'";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] <= ' ' || strchr("%?#\\\"<>*", text[i]) != NULL ||
            text[i] == 0x7f)
            return "write the path as it reads decoded: no escapes, patterns or query";
    return NULL;
}

const char *
value_path(const char *text, const char *beside, struct stash *stash)
{
    const char *slash = strrchr(beside, '/');

    if (text[0] == '/' || slash == NULL)
        return stash_copy(stash, bytes_of_string(text));
    return stash_print(stash, "%.*s%s", (int)(slash + 1 - beside), beside, text);
}

const char *
value_read_key(const char *text, const char *beside, struct stash *stash,
    const char **path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    if (strncmp(text, "file:", 5) == 0) {
        if (text[5] == '\0')
            return "write file:/path";
        *path = value_path(text + 5, beside, stash);
        return NULL;
    }
    if (strncmp(text, "credential:", 11) == 0) {
        if (text[11] == '\0' || strchr(text + 11, '/') != NULL || text[11] == '.')
            return "write credential:NAME as in LoadCredential=NAME:/path";
        *path = stash_print(stash, "%s/%s",
            folder == NULL || folder[0] != '/' ? CREDENTIALS_DEFAULT : folder,
            text + 11);
        return NULL;
    }
    return "write file:/path or credential:NAME";
}

bool
value_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(host, "localhost") == 0;
}
