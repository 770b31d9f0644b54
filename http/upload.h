/*
 * http/upload.h - looking into a request body while it streams past.
 *
 * Nothing is held back but a boundary's worth of bytes of state: the inspector sees
 * each piece once, keeps a bounded memory of where it is, and says stop or go on.
 * For multipart/form-data (RFC 7578): names, declared types and sizes of the files,
 * and their real type by the first bytes; for forms: names and values of fields.
 */
#ifndef HTTP_UPLOAD_H
#define HTTP_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/fault.h"
#include "http/filter.h"

struct upload; /* one body; a fixed size, see upload_bytes */

/* The first file parts of a body, for the log. */
#define UPLOAD_FILES_MAX 4
struct upload_file {
    char name[128], declared[64];
    const char *real; /* by magic bytes, "application/pdf"; "" when unknown */
    uint64_t bytes;
};

/* NULL when the body's type needs no inspection under this policy. The arena owns it. */
struct upload *upload_new(const struct filter_policy *policy, const struct http_head *head,
    struct arena *arena);

/* The next piece of the decoded body. A fault in `finding` ends the request. */
void upload_feed(struct upload *upload, struct bytes piece, struct finding *finding);

/* The body is over: complete and well-formed? */
void upload_end(struct upload *upload, struct finding *finding);

/* What was uploaded so far; *count files. */
const struct upload_file *upload_files(const struct upload *upload, unsigned *count);

/*
 * True when the first bytes of a body (64 are enough) are a Windows program: "MZ" and
 * a plausible offset of the PE header.
 */
bool upload_is_executable(struct bytes start);

#endif
