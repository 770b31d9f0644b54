/*
 * http/upload.h - looking into a request body while it streams past.
 *
 * Nothing is held back but a boundary's worth of bytes of state: the inspector sees
 * each piece once, keeps a bounded memory of where it is, and says stop or go on.
 * For multipart/form-data (RFC 7578): names, declared types and sizes of the files,
 * and their real type by the first bytes; for forms: names and values of fields.
 * In whatever pieces a body comes, the verdict is the same.
 *
 * What is refused, and how it is reported in `rule` and `part` of the finding:
 *   FILTER_UPLOAD_FORM  "uploads"   what is wrong, in words. A multipart body that is
 *                                   not written as browsers write it (http/multipart.h,
 *                                   http/mime.h), is nested, or encodes a part; a form
 *                                   that http/form_walk.h refuses.
 *   FILTER_PARAMETER, FILTER_MITIGATION  the rule's id; the field's name, http/form_judge.h
 *   FILTER_PATH_DENIED  the id of a rule that denies; the field's name
 *   FILTER_UPLOAD_NAME  "uploads.deny_extensions", or "uploads" for control characters
 *                       and climbing: the file's name. http/upload_name.h has the rules.
 *   FILTER_UPLOAD_TYPE  "uploads"   the file's name. A false friend: declared as image,
 *                                   audio, video, font or PDF, really a program or a
 *                                   script; or declared as text, really a program. TypeScript
 *                                   that desktops call video/mp2t is none. What
 *                                   claims nothing (application/octet-stream) may be
 *                                   anything: mail users send anything, openly.
 */
#ifndef HTTP_UPLOAD_H
#define HTTP_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/fault.h"
#include "http/filter.h"

struct upload; /* one body; 2 KiB of the arena, and as much again for its fields */

/* The first three files of a body and its latest, for the log. */
#define UPLOAD_FILES_MAX 4
struct upload_file {
    char name[128], declared[64]; /* as sent, cut, NUL-terminated; may be empty */
    const char *real; /* by magic bytes, "application/pdf"; "" when unknown */
    uint64_t bytes;
};

/*
 * NULL when the body needs no inspection under this policy, or when `finding` has a
 * fault: MEMORY, or FILTER_UPLOAD_FORM for a Content-Type without one legal boundary.
 * Inspected are multipart/form-data always, every other multipart type with a boundary as
 * well (commons-fileupload reads them all as forms; their parts need no name and may
 * have any disposition, as in mails, and are held to the rest), and application/x-www-form-urlencoded
 * where a rule has let it through, unless that says that it is loose: elsewhere scripts
 * send anything under that type, because it is what XMLHttpRequest libraries write when
 * nobody says otherwise. Fields are judged where form_judge.h says so.
 *
 * `verdict` has judged the head and gets further reports. The arena of `input` owns the
 * upload; what `input` points to and `verdict` must outlive it.
 */
struct upload *upload_new(const struct filter_input *input,
    struct filter_verdict *verdict, struct finding *finding);

/*
 * The next piece of the decoded body. A fault in `finding` ends the request; it stays
 * the same from then on. Its `part` is good as long as the upload.
 */
void upload_feed(struct upload *upload, struct bytes piece, struct finding *finding);

/* The body is over: complete and well-formed? */
void upload_end(struct upload *upload, struct finding *finding);

/* What was uploaded so far; *count files, at most UPLOAD_FILES_MAX of them told. */
const struct upload_file *upload_files(const struct upload *upload, unsigned *count);

/*
 * True when the first bytes of a body (64 are enough) are a Windows program: "MZ" and
 * a plausible offset of the PE header.
 */
bool upload_is_executable(struct bytes start);

#endif
