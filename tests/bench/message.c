/*
 * tests/bench/message.c - the request that bench-load sends, the response it expects.
 *
 * Reads just enough of a response to notice one that is not what was asked for;
 * no transfer coding, since the internal server always announces a length.
 *
 * Trust: the responses come from the proxies under test, on loopback.
 */
#include "tests/bench/message.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REQUEST_HEAD_LIMIT_BYTES = 1024 };

static const char common_fields[] = "User-Agent: bench\r\nAccept: */*\r\n";

static size_t
head_write(char *head, const struct plan *plan)
{
    int length;

    if (plan->upload_bytes == 0)
        length = snprintf(head, REQUEST_HEAD_LIMIT_BYTES,
            "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", plan->path, plan->name,
            common_fields);
    else
        length = snprintf(head, REQUEST_HEAD_LIMIT_BYTES,
            "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n"
            "Content-Type: application/octet-stream\r\n\r\n",
            plan->path, plan->name, common_fields, plan->upload_bytes);
    if (length < 0 || length >= REQUEST_HEAD_LIMIT_BYTES)
        errx(1, "--path or --name is too long");
    return (size_t)length;
}

char *
request_new(const struct plan *plan, size_t *length_bytes)
{
    char head[REQUEST_HEAD_LIMIT_BYTES];
    size_t head_bytes = head_write(head, plan);
    char *request = malloc(head_bytes + plan->upload_bytes);

    if (request == NULL)
        errx(1, "out of memory");
    memcpy(request, head, head_bytes);
    memset(request + head_bytes, 'x', plan->upload_bytes);
    *length_bytes = head_bytes + plan->upload_bytes;
    return request;
}

/* The beginning of a field's value, or NULL. */
static const char *
field_find(const char *head, const char *name)
{
    size_t length = strlen(name);
    const char *line = strstr(head, "\r\n");

    for (; line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " \t");
    }
    return NULL;
}

bool
response_judge(const char *head, const struct plan *plan)
{
    static const char good[] = "HTTP/1.1 200 ";
    const char *length = field_find(head, "Content-Length");
    const char *connection = field_find(head, "Connection");

    if (strncmp(head, good, sizeof(good) - 1) != 0)
        errx(1, "a response begins with \"%.*s\"", (int)strcspn(head, "\r\n"), head);
    if (length == NULL)
        errx(1, "a response has no Content-Length");
    if (strtoull(length, NULL, 10) != plan->response_bytes)
        errx(1, "a response has %.*s bytes instead of %ju",
            (int)strcspn(length, "\r\n"), length, (uintmax_t)plan->response_bytes);
    return connection != NULL && strncasecmp(connection, "close", 5) == 0;
}
