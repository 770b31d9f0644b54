/*
 * http/body_kind.h - which reader the body of a request needs.
 *
 * For this folder.
 */
#ifndef HTTP_BODY_KIND_H
#define HTTP_BODY_KIND_H

#include <stdbool.h>

#include "http/head.h"

enum body_kind {
    BODY_NONE,      /* there is none */
    BODY_OTHER,     /* nothing that is looked into */
    BODY_FORM,      /* application/x-www-form-urlencoded */
    BODY_MULTIPART, /* multipart/form-data, or any multipart type with a boundary */
};

/*
 * By prefix, where there is nothing to be strict about yet: PHP also reads
 * "multipart/form-data,x" as a form, and Java's commons-fileupload every multipart type. One
 * without a boundary is a file that is called so: a browser's word for .mhtml.
 */
enum body_kind body_kind_of(const struct http_head *head);

#endif
