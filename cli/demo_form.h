/*
 * cli/demo_form.h - the two encodings in which a browser sends a form
 * (application/x-www-form-urlencoded; multipart/form-data, RFC 7578).
 *
 * Trust: every byte comes from the client.
 */
#ifndef CLI_DEMO_FORM_H
#define CLI_DEMO_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/require.h"
#include "cli/demo_attachment.h"

#define DEMO_FILE_NAME 200

/* The first file of an uploaded form; only its traces are kept. */
struct demo_file {
    char name[DEMO_FILE_NAME]; /* as sent, cut if longer, NUL-terminated; not escaped */
    uint64_t bytes;
    char sha256[DEMO_SHA256_TEXT];
};

/*
 * Copies the decoded value of field `name` of an urlencoded form to `to`, with a
 * NUL. False when it is not there, needs more than `size` bytes or holds a bad
 * escape or a NUL.
 */
bool
demo_form_field(struct bytes form, const char *name, char *to, size_t size) MUST_USE;

struct demo_upload;

/* NULL when `content_type` is not multipart/form-data with a usable boundary. */
struct demo_upload *demo_upload_new(struct bytes content_type) MUST_USE;

/* The next bytes of the body, cut anywhere. False: malformed, nothing more to add. */
bool demo_upload_add(struct demo_upload *upload, struct bytes data) MUST_USE;

/*
 * The body has ended. True when the closing boundary was seen and the form held
 * a file with a name; then `file` is filled.
 */
bool demo_upload_end(struct demo_upload *upload, struct demo_file *file) MUST_USE;

/* Accepts NULL, leaves NULL. */
void demo_upload_free(struct demo_upload **upload);

#endif
