/*
 * http/write.c - a head back to bytes.
 *
 * The only place that puts a head on the wire. Parts are checked once more here,
 * so that no caller, however mistaken, can split a message in two.
 */
#include "http/write.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/require.h"
#include "http/scan.h"

#define DECIMAL_BYTES 20  /* of the largest uint64_t */
#define DISGUISE_BYTES 64 /* longer than any name in http/fields.def */

/* Adds the parts one behind the other; in one piece where the tail chunk has room. */
static void
append(struct chunk_queue *to, const struct bytes *parts, unsigned count)
{
    size_t room;
    unsigned char *at = chunk_queue_room(to, &room);
    size_t used = 0;
    unsigned next = 0;

    for (; next < count && parts[next].length <= room - used; next++) {
        if (parts[next].length > 0)
            memcpy(at + used, parts[next].at, parts[next].length);
        used += parts[next].length;
    }
    chunk_queue_commit(to, used);
    for (; next < count; next++)
        chunk_queue_append(to, parts[next]);
}

#define APPEND(to, ...)                                                                \
    append((to), (const struct bytes[]){ __VA_ARGS__ },                                \
        sizeof((const struct bytes[]){ __VA_ARGS__ }) / sizeof(struct bytes))

static void
require_text(struct bytes text)
{
    if (text.length > 0)
        require(scan_text(text.at, text.at + text.length) == text.at + text.length);
}

static void
require_word(struct bytes text, unsigned class)
{
    require(text.length > 0 && scan_all(text, class));
}

void
http_write_request_line(struct chunk_queue *to, struct bytes method,
    struct bytes target)
{
    require_word(method, SCAN_TOKEN);
    require_word(target, SCAN_TARGET | SCAN_UNESCAPED);
    APPEND(to, method, BYTES(" "), target, BYTES(" HTTP/1.1\r\n"));
}

void
http_write_status_line(struct chunk_queue *to, unsigned status, struct bytes reason)
{
    char digits[3];

    require(status >= 100 && status <= 599);
    require_text(reason);
    digits[0] = (char)('0' + status / 100);
    digits[1] = (char)('0' + status / 10 % 10);
    digits[2] = (char)('0' + status % 10);
    APPEND(to, BYTES("HTTP/1.1 "), bytes_of(digits, sizeof digits), BYTES(" "), reason,
        BYTES("\r\n"));
}

void
http_write_field(struct chunk_queue *to, struct bytes name, struct bytes value)
{
    require_word(name, SCAN_TOKEN);
    require_text(value);
    APPEND(to, name, BYTES(": "), value, BYTES("\r\n"));
}

/* IMF-fixdate (RFC 9110, 5.6.7). By hand: strftime speaks the locale's language. */
void
http_write_date(struct chunk_queue *to)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
        "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t now = (time_t)(clock_wall_ns() / 1000000000);
    struct tm tm;
    char date[64];
    int length;

    require(gmtime_r(&now, &tm) != NULL);
    length = snprintf(date, sizeof date, "%s, %02d %s %d %02d:%02d:%02d GMT",
        days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
        tm.tm_min, tm.tm_sec);
    http_write_field(to, BYTES("Date"), bytes_of(date, (size_t)length));
}

void
http_write_framing(struct chunk_queue *to, struct http_framing framing)
{
    char digits[DECIMAL_BYTES];
    size_t at = sizeof digits;

    if (framing.kind == HTTP_CHUNKED)
        APPEND(to, BYTES("Transfer-Encoding: chunked\r\n"));
    if (framing.kind != HTTP_LENGTH)
        return;
    do {
        digits[--at] = (char)('0' + framing.length % 10);
        framing.length /= 10;
    } while (framing.length > 0);
    APPEND(to, BYTES("Content-Length: "), bytes_of(digits + at, sizeof digits - at),
        BYTES("\r\n"));
}

void
http_write_end(struct chunk_queue *to)
{
    APPEND(to, BYTES("\r\n"));
}

static inline bool
is_plain_in_cgi(char c)
{
    char lower = ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/*
 * CGI and its heirs read X_Real_IP, X.Real!IP and X-Real-IP as one variable: what is no
 * letter or digit becomes '_' (RFC 3875, 4.1.18 names the '-'; lighttpd and others take
 * all). So a name that means something must not come in this disguise.
 */
static bool
is_disguised(const struct http_field *field)
{
    char dashed[DISGUISE_BYTES];
    size_t length = field->name.length;
    bool is_plain = true;

    if (field->id != FIELD_OTHER || length > sizeof dashed)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = field->name.at[i];

        is_plain &= is_plain_in_cgi(c);
        dashed[i] = is_plain_in_cgi(c) ? c : '-';
    }
    return !is_plain && field_flags(field_find(bytes_of(dashed, length))) != 0;
}

bool
http_field_is_forwarded(const struct http_head *head, const struct http_field *field,
    bool is_request)
{
    unsigned flags = field_flags(field->id);

    if ((flags & (FIELD_HOP | FIELD_FRAMING)) != 0 ||
        (is_request && ((flags & FIELD_IDENTITY) != 0 || is_disguised(field))))
        return false;
    if (field->id == FIELD_EXPECT && head->minor == 0)
        return false; /* said in HTTP/1.0 it means nothing (RFC 9110, 10.1.1) */
    return (flags & FIELD_PROTECTED) != 0 ||
        !http_head_lists(head, FIELD_CONNECTION, field->name);
}

/* RFC 9110, 15 and the registry of IANA. */
static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    { 100, "Continue" },
    { 101, "Switching Protocols" },
    { 103, "Early Hints" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 203, "Non-Authoritative Information" },
    { 204, "No Content" },
    { 205, "Reset Content" },
    { 206, "Partial Content" },
    { 207, "Multi-Status" },
    { 300, "Multiple Choices" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 402, "Payment Required" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 407, "Proxy Authentication Required" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 423, "Locked" },
    { 424, "Failed Dependency" },
    { 425, "Too Early" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 451, "Unavailable For Legal Reasons" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
    { 508, "Loop Detected" },
};

const char *
http_reason(unsigned status)
{
    for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}
