/*
 * config/value.h - one written value to what it means.
 *
 * The type decides how a text is read, never its look: NO is a country, 010 is ten.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/require.h"
#include "config/schema.h"
#include "config/stash.h"
#include "proxy/proxy_policy.h"

enum value_state {
    VALUE_GOOD,
    VALUE_MALFORMED,
    VALUE_UNITLESS, /* a number where a number with a unit is needed */
    VALUE_OUT_OF_RANGE,
};

/* NUMBER, FLAG (0 or 1), DURATION (ms), SIZE (bytes), CHOICE (its index in the row's list). */
enum value_state
value_read(const struct setting *setting, const char *text, uint64_t *number) MUST_USE;

/* What the schema's default means; 0 where that is words. */
uint64_t value_default(const struct setting *setting);

/* The largest unit that loses nothing: "90s", "2m", "64KiB", "7". */
#define VALUE_PRINT_BYTES 32
const char *
value_print(enum setting_type type, uint64_t number, char text[VALUE_PRINT_BYTES]);

/*
 * The next of a row's blank-separated words: loop while *list is not empty.
 * Views into *list.
 */
struct bytes value_cut_word(struct bytes *list);

/*
 * The others give NULL when the text is good, else a hint: what to write instead.
 * Hints are static.
 */
const char *
value_read_address(const char *text, struct listen_address *address) MUST_USE;

/* "https://HOST[:PORT]"; the host comes without brackets, at most VALUE_HOST_BYTES - 1. */
#define VALUE_HOST_BYTES 254
struct value_url {
    bool clear_text; /* http:// */
    char host[VALUE_HOST_BYTES];
    uint16_t port;
};
const char *value_read_url(const char *text, struct value_url *url) MUST_USE;

/* A DNS name or an IPv4 address, without port; `*.` in front when `wildcard` may be. */
const char *value_check_host(const char *text, bool wildcard) MUST_USE;

/* The name of a listener, an upstream, a preset. */
const char *value_check_name(const char *text) MUST_USE;

/* A path prefix: "/path", canonical. */
const char *value_check_prefix(const char *text) MUST_USE;

/*
 * "file:/path" or "credential:NAME" to the path of a file, in `stash`; a relative path
 * counts from the folder of `beside` (a configuration file's name).
 */
const char *value_read_key(const char *text, const char *beside, struct stash *stash,
    const char **path) MUST_USE;

/* A file's path as the program opens it: `text`, from the folder of `beside` when relative. */
const char *value_path(const char *text, const char *beside, struct stash *stash);

/* True when the host, a name or an address, can only be this machine. */
bool value_is_loopback(const char *host);

#endif
