/*
 * http/grammar_activesync.c - the query of an ActiveSync request, in both its forms.
 *
 * MS-ASHTTP 2.2.1.1.1: "Cmd=Sync&User=...&DeviceId=...&DeviceType=..." or, since
 * protocol 12.1, one base64 word of bytes: version, command, locale (2), then three
 * strings with a length byte each (device id, policy key, device type), then
 * parameters as tag, length, value. OPTIONS asks what a server can and has no command.
 *
 * Trust: the query comes from the network; its lengths are claims.
 */
#include "http/grammar.h"

#include "http/scan.h"

#define DEVICE_TYPE_BYTES 255u /* its length is a byte in the other form */
#define BASE64_BYTES 4096u /* seven parameters of 255 bytes and their frame fit well */

enum value_form {
    FORM_COMMAND,
    FORM_DEVICE_ID,
    FORM_DEVICE_TYPE,
    FORM_FLAG,
    FORM_TEXT,
};

/* The code of a command is its place (MS-ASHTTP 2.2.1.1.1.1.2); 5 to 8 are no more. */
static const char *const commands[] = { "Sync", "SendMail", "SmartForward",
    "SmartReply", "GetAttachment", "GetHierarchy", "CreateCollection",
    "DeleteCollection", "MoveCollection", "FolderSync", "FolderCreate", "FolderDelete",
    "FolderUpdate", "MoveItems", "GetItemEstimate", "MeetingResponse", "Search",
    "Settings", "Ping", "ItemOperations", "Provision", "ResolveRecipients",
    "ValidateCert", "Find" };

#define COMMANDS (sizeof commands / sizeof *commands)
#define FIRST_OLD_CODE 5u
#define LAST_OLD_CODE 8u

/* The first four must be there. */
static const struct {
    struct bytes name;
    enum value_form form;
} plain_parameters[] = {
    { { "Cmd", 3 }, FORM_COMMAND },
    { { "User", 4 }, FORM_TEXT },
    { { "DeviceId", 8 }, FORM_DEVICE_ID },
    { { "DeviceType", 10 }, FORM_DEVICE_TYPE },
    { { "AttachmentName", 14 }, FORM_TEXT },
    { { "CollectionId", 12 }, FORM_TEXT },
    { { "CollectionName", 14 }, FORM_TEXT },
    { { "ItemId", 6 }, FORM_TEXT },
    { { "LongId", 6 }, FORM_TEXT },
    { { "Occurrence", 10 }, FORM_TEXT },
    { { "ParentId", 8 }, FORM_TEXT },
    { { "SaveInSent", 10 }, FORM_FLAG },
};

#define PLAIN_PARAMETERS (sizeof plain_parameters / sizeof *plain_parameters)
#define PLAIN_REQUIRED 0xfu

static bool
is_command(struct bytes text)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (bytes_equal(text, bytes_of_string(commands[i])))
            return true;
    return false;
}

/* Letters and digits (MS-ASHTTP 2.2.1.1.1.2); there are clients with '-' and '_'. */
static bool
is_device_id(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!scan_is(text.at[i], SCAN_HOST) || text.at[i] == '.')
            return false;
    return text.length >= 1 && text.length <= 32;
}

/* 1*VCHAR (MS-ASHTTP 2.2.1.1.1.2), and what stands escaped in a URL: no markup. */
static bool
is_device_type(struct bytes text)
{
    return text.length >= 1 && text.length <= DEVICE_TYPE_BYTES &&
        scan_all(text, SCAN_TEXT) && memchr(text.at, '<', text.length) == NULL &&
        memchr(text.at, '>', text.length) == NULL;
}

static bool
value_has_form(enum value_form form, struct bytes value)
{
    switch (form) {
    case FORM_COMMAND:
        return is_command(value);
    case FORM_DEVICE_ID:
        return is_device_id(value);
    case FORM_DEVICE_TYPE:
        return is_device_type(value);
    case FORM_FLAG:
        return bytes_equal(value, BYTES("T")) || bytes_equal(value, BYTES("F"));
    case FORM_TEXT:
        return scan_all(value, SCAN_TEXT);
    }
    return false;
}

/* The place of a parameter in the table, or PLAIN_PARAMETERS. ASP.NET ignores case. */
static size_t
find_plain(struct bytes name)
{
    size_t at = 0;

    while (
        at < PLAIN_PARAMETERS && !bytes_equal_nocase(plain_parameters[at].name, name))
        at++;
    return at;
}

static bool
plain_holds(const struct pairs *pairs, bool is_options, struct bytes *part)
{
    unsigned seen = 0;

    for (unsigned i = 0; i < pairs->count; i++) {
        struct bytes value = pairs->at[i].value;
        size_t at = find_plain(pairs->at[i].name);

        *part = pairs->at[i].name;
        if (at == PLAIN_PARAMETERS || (seen >> at & 1) != 0)
            return false;
        /* Some clients send the method as the command. */
        if (!value_has_form(plain_parameters[at].form, value) &&
            !(is_options && at == 0 && bytes_equal(value, BYTES("OPTIONS"))))
            return false;
        seen |= 1u << at;
    }
    *part = BYTES("Cmd, User, DeviceId, DeviceType");
    return is_options || (seen & PLAIN_REQUIRED) == PLAIN_REQUIRED;
}

static int
base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* The next character of a query, its escape decoded. */
static char
next_character(struct bytes *rest)
{
    char c = rest->at[0];
    size_t width = 1;

    if (c == '%' && rest->length > 2 && scan_is(rest->at[1], SCAN_HEX) &&
        scan_is(rest->at[2], SCAN_HEX)) {
        c = (char)(scan_hex(rest->at[1]) << 4 | scan_hex(rest->at[2]));
        width = 3;
    }
    rest->at += width;
    rest->length -= width;
    return c;
}

/* How many bytes `text` means, or 0 when it is no base64. `to` has 3/4 of its length. */
static size_t
base64_decode(struct bytes text, uint8_t *to)
{
    uint32_t bits = 0;
    size_t digits = 0, pads = 0, length = 0;

    while (text.length > 0) {
        char c = next_character(&text);
        int value = base64_value(c);

        if (c == '=') {
            pads++;
            continue;
        }
        if (value < 0 || pads > 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
        if (digits++ % 4 != 0)
            to[length++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    return pads > 2 || digits % 4 == 1 ? 0 : length;
}

/* Bytes not yet read. */
struct reader {
    const uint8_t *at;
    size_t left;
};

static bool
read_byte(struct reader *reader, uint8_t *byte)
{
    if (reader->left == 0)
        return false;
    *byte = *reader->at++;
    reader->left--;
    return true;
}

/* A length byte and as many bytes as it says. */
static bool
read_counted(struct reader *reader, struct bytes *counted)
{
    uint8_t length;

    if (!read_byte(reader, &length) || length > reader->left)
        return false;
    *counted = bytes_of(reader->at, length);
    reader->at += length;
    reader->left -= length;
    return true;
}

/* MS-ASHTTP 2.2.1.1.1.1.3: 2 and 5 mean nothing, 7 is a byte of two flags. */
static bool
parameters_hold(struct reader *reader)
{
    const unsigned known =
        1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 6 | 1u << 7 | 1u << 8;
    unsigned seen = 0;

    while (reader->left > 0) {
        struct bytes value;
        uint8_t tag;

        if (!read_byte(reader, &tag) || !read_counted(reader, &value) || tag > 8 ||
            (known & ~seen & 1u << tag) == 0)
            return false;
        if (tag == 7 ? value.length != 1 || (unsigned char)value.at[0] > 3
                     : !scan_all(value, SCAN_TEXT))
            return false;
        seen |= 1u << tag;
    }
    return true;
}

static bool
is_version(uint8_t version)
{
    return version == 121 || version == 140 || version == 141 || version == 160 ||
        version == 161;
}

static bool
base64_holds(struct bytes query, struct bytes *part)
{
    uint8_t bytes[BASE64_BYTES];
    struct reader reader = { bytes, 0 };
    struct bytes device_id, policy_key, device_type;
    uint8_t version, command, locale; /* of which nobody has a list */

    *part = query;
    if (query.length > BASE64_BYTES)
        return false;
    reader.left = base64_decode(query, bytes);
    if (!read_byte(&reader, &version) || !is_version(version) ||
        !read_byte(&reader, &command) || command >= COMMANDS ||
        (command >= FIRST_OLD_CODE && command <= LAST_OLD_CODE) ||
        !read_byte(&reader, &locale) || !read_byte(&reader, &locale))
        return false;
    /* A device id may be a GUID, in 16 bytes of any value. */
    return read_counted(&reader, &device_id) && device_id.length >= 1 &&
        device_id.length <= 32 && read_counted(&reader, &policy_key) &&
        (policy_key.length == 0 || policy_key.length == 4) &&
        read_counted(&reader, &device_type) && is_device_type(device_type) &&
        parameters_hold(&reader);
}

/* One word, with no '=' but what pads it. */
static bool
is_one_word(struct bytes query)
{
    while (query.length > 0 && query.at[query.length - 1] == '=')
        query.length--;
    return query.length > 0 && memchr(query.at, '=', query.length) == NULL &&
        memchr(query.at, '&', query.length) == NULL;
}

bool
grammar_activesync(const struct grammar_input *input, struct bytes *part)
{
    if (input->head->method_id == HTTP_METHOD_OPTIONS)
        return plain_holds(input->parameters, true, part);
    if (is_one_word(input->query))
        return base64_holds(input->query, part);
    return plain_holds(input->parameters, false, part);
}
