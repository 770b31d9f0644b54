/*
 * cli/demo_form.c - form bodies, read without keeping them.
 *
 * A multipart body of any size passes through one window of fixed size: all but
 * the bytes that could still become a boundary leave it at once. Knows neither
 * sockets nor pages.
 */
#include "cli/demo_form.h"

#include <stdlib.h>

#include <openssl/evp.h>

#define BOUNDARY_BYTES 70 /* RFC 2046, 5.1.1 */
#define WINDOW_BYTES 8192 /* also the bound of one part's head */

enum upload_state {
    UPLOAD_OUTSIDE, /* before the first boundary, or in a part that is no file */
    UPLOAD_HEAD,    /* in the head of a part; the window begins with its CRLF */
    UPLOAD_FILE,
    UPLOAD_ENDED,
};

enum upload_step { UPLOAD_GOES_ON, UPLOAD_NEEDS_MORE, UPLOAD_IS_MALFORMED };

struct demo_upload {
    enum upload_state state;
    bool has_file; /* the first one counts */
    char delimiter[4 + BOUNDARY_BYTES];
    size_t delimiter_length;
    char window[WINDOW_BYTES];
    size_t length;
    EVP_MD_CTX *hash;
    struct demo_file file;
};

/* ---- urlencoded ---- */

static int
hex_value(char c)
{
    c = ascii_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character off `text`; -1 when its escape is bad. */
static int
take_decoded(struct bytes *text)
{
    char c = text->at[0];
    size_t length = 1;
    int value = c == '+' ? ' ' : (unsigned char)c;

    if (c == '%') {
        int high = text->length < 3 ? -1 : hex_value(text->at[1]);
        int low = text->length < 3 ? -1 : hex_value(text->at[2]);

        if (high < 0 || low < 0)
            return -1;
        value = high * 16 + low;
        length = 3;
    }
    *text = bytes_of(text->at + length, text->length - length);
    return value;
}

static bool
decode(struct bytes text, char *to, size_t size)
{
    size_t length = 0;

    while (text.length > 0) {
        int c = take_decoded(&text);

        if (c <= 0 || length + 1 >= size)
            return false;
        to[length++] = (char)c;
    }
    to[length] = '\0';
    return true;
}

bool
demo_form_field(struct bytes form, const char *name, char *to, size_t size)
{
    require(size > 0);
    while (form.at != NULL) {
        struct bytes value = bytes_cut(&form, '&');

        if (bytes_equal(bytes_cut(&value, '='), bytes_of_string(name)))
            return decode(value, to, size);
    }
    return false;
}

/* ---- parameters of a field value: "text; name=token; name="quoted"" ---- */

/* Cuts one parameter value, quotes removed (escapes stay), off the front of `rest`. */
static struct bytes
cut_value(struct bytes *rest)
{
    bool quoted = rest->length > 0 && rest->at[0] == '"';
    size_t from = quoted ? 1 : 0, to = from;
    struct bytes value;

    while (to < rest->length && rest->at[to] != (quoted ? '"' : ';'))
        to += quoted && rest->at[to] == '\\' && to + 1 < rest->length ? 2 : 1;
    value = bytes_of(rest->at + from, to - from);
    *rest = bytes_of(rest->at + to, rest->length - to);
    (void)bytes_cut(rest, ';');
    return quoted ? value : bytes_trim(value);
}

/* The value of parameter `name`, or the empty view. */
static struct bytes
parameter(struct bytes text, struct bytes name)
{
    (void)bytes_cut(&text, ';');
    while (text.at != NULL) {
        struct bytes key = bytes_trim(bytes_cut(&text, '=')), value;

        if (text.at == NULL)
            break;
        value = cut_value(&text);
        if (bytes_equal_nocase(key, name))
            return value;
    }
    return (struct bytes){ NULL, 0 };
}

/* ---- multipart ---- */

struct demo_upload *
demo_upload_new(struct bytes content_type)
{
    struct bytes boundary = parameter(content_type, BYTES("boundary"));
    struct demo_upload *u;

    if (!bytes_has_prefix_nocase(content_type, BYTES("multipart/form-data")) ||
        boundary.length == 0 || boundary.length > BOUNDARY_BYTES)
        return NULL;
    u = require_zeroed(1, sizeof *u);
    u->hash = EVP_MD_CTX_new();
    require(u->hash != NULL && EVP_DigestInit_ex(u->hash, EVP_sha256(), NULL) == 1);
    memcpy(u->delimiter, "\r\n--", 4);
    memcpy(u->delimiter + 4, boundary.at, boundary.length);
    u->delimiter_length = 4 + boundary.length;
    /* The first boundary has no line before it: lend it a line end. */
    memcpy(u->window, "\r\n", 2);
    u->length = 2;
    return u;
}

void
demo_upload_free(struct demo_upload **upload)
{
    if (*upload != NULL)
        EVP_MD_CTX_free((*upload)->hash);
    free(*upload);
    *upload = NULL;
}

/* Forgets the oldest bytes of the window; those of the file are counted first. */
static void
pass(struct demo_upload *u, size_t bytes)
{
    if (u->state == UPLOAD_FILE) {
        require(EVP_DigestUpdate(u->hash, u->window, bytes) == 1);
        u->file.bytes += bytes;
    }
    u->length -= bytes;
    memmove(u->window, u->window + bytes, u->length);
}

static enum upload_step
step_data(struct demo_upload *u)
{
    const char *found = memmem(u->window, u->length, u->delimiter, u->delimiter_length);

    if (found == NULL) {
        if (u->length >= u->delimiter_length)
            pass(u, u->length - (u->delimiter_length - 1));
        return UPLOAD_NEEDS_MORE;
    }
    pass(u, (size_t)(found - u->window));
    if (u->length < u->delimiter_length + 2)
        return UPLOAD_NEEDS_MORE;
    u->state = UPLOAD_OUTSIDE;
    pass(u, u->delimiter_length);
    if (memcmp(u->window, "--", 2) == 0)
        u->state = UPLOAD_ENDED;
    else if (memcmp(u->window, "\r\n", 2) == 0)
        u->state = UPLOAD_HEAD;
    else
        return UPLOAD_IS_MALFORMED;
    return UPLOAD_GOES_ON;
}

static struct bytes
file_name(struct bytes head)
{
    while (head.at != NULL) {
        struct bytes value = bytes_cut(&head, '\n');
        struct bytes name = bytes_cut(&value, ':');

        if (bytes_equal_nocase(name, BYTES("Content-Disposition")))
            return parameter(bytes_trim(value), BYTES("filename"));
    }
    return (struct bytes){ NULL, 0 };
}

static enum upload_step
step_head(struct demo_upload *u)
{
    const char *end = memmem(u->window, u->length, "\r\n\r\n", 4);
    struct bytes name;

    if (end == NULL)
        return u->length == WINDOW_BYTES ? UPLOAD_IS_MALFORMED : UPLOAD_NEEDS_MORE;
    name = file_name(bytes_of(u->window, (size_t)(end - u->window)));
    if (name.length >= sizeof u->file.name)
        name.length = sizeof u->file.name - 1;
    if (name.length > 0 && !u->has_file)
        memcpy(u->file.name, name.at, name.length);
    pass(u, (size_t)(end - u->window) + 4);
    u->state = name.length > 0 && !u->has_file ? UPLOAD_FILE : UPLOAD_OUTSIDE;
    u->has_file = u->has_file || name.length > 0;
    return UPLOAD_GOES_ON;
}

static enum upload_step
step(struct demo_upload *u)
{
    switch (u->state) {
    case UPLOAD_OUTSIDE:
    case UPLOAD_FILE:
        return step_data(u);
    case UPLOAD_HEAD:
        return step_head(u);
    case UPLOAD_ENDED:
        break;
    }
    u->length = 0;
    return UPLOAD_NEEDS_MORE;
}

bool
demo_upload_add(struct demo_upload *u, struct bytes data)
{
    while (data.length > 0) {
        size_t room = WINDOW_BYTES - u->length;
        size_t bytes = data.length < room ? data.length : room;
        enum upload_step progress;

        memcpy(u->window + u->length, data.at, bytes);
        u->length += bytes;
        data = bytes_of(data.at + bytes, data.length - bytes);
        do {
            progress = step(u);
        } while (progress == UPLOAD_GOES_ON);
        if (progress == UPLOAD_IS_MALFORMED)
            return false;
    }
    return true;
}

bool
demo_upload_end(struct demo_upload *u, struct demo_file *file)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (u->state != UPLOAD_ENDED || !u->has_file)
        return false;
    require(EVP_DigestFinal_ex(u->hash, digest, NULL) == 1);
    demo_sha256_print(digest, u->file.sha256);
    *file = u->file;
    return true;
}
