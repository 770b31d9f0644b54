/*
 * http/upload_name.h - may a file of this name be uploaded?
 *
 * For this folder.
 */
#ifndef HTTP_UPLOAD_NAME_H
#define HTTP_UPLOAD_NAME_H

#include "base/bytes.h"
#include "http/filter_policy.h"

/* Longer names are not accepted by the caller. */
#define UPLOAD_NAME_BYTES 1024

/*
 * NULL when it may, else the name of the knob that refuses it. The name is judged twice,
 * as written and with its percent escapes decoded, because browsers write some bytes so.
 *
 * Refused are control characters and climbing ("..") in any case. Then the path is left
 * aside, with blanks and dots at the end, which Windows drops, and the extensions (".exe")
 * are looked up in `denied`, ignoring ASCII case: the last one ("." for none), and each
 * inner one, because Apache may hand "x.php.jpg" to PHP. Inner ones that end the name
 * of a site more often ("example.com.pdf") do not count.
 */
const char *upload_name_judge(const struct word_list *denied, struct bytes name);

/* `name` with its escapes decoded once into `room`, malformed ones as they are. */
struct bytes upload_name_decode(struct bytes name, char room[UPLOAD_NAME_BYTES]);

#endif
