/*
 * config/source.c - reads a file and finds lines in it.
 *
 * Trust: the file is the operator's, but a slip of an editor must lead to a message.
 */
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Like read(2) until `room` is full or the file ends; -1 with errno. */
static ssize_t
read_all(int fd, char *to, size_t room)
{
    size_t length = 0;

    while (length < room) {
        ssize_t got = read(fd, to + length, room - length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

const char *
source_error(int error)
{
    /* What a pipe, a socket or a device gets; "invalid argument" would help nobody. */
    return error == EINVAL ? "it is not an ordinary file" : strerror(error);
}

bool
source_read(struct source *source, const char *name, struct stash *stash)
{
    /* O_NONBLOCK: a named pipe in place of a file must not hang the check. */
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
    struct stat status = { 0 };
    char *text;
    ssize_t length;

    if (fd < 0)
        return false;
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) {
        error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        close(fd);
        errno = error;
        return false;
    }
    text = require_alloc(SOURCE_BYTES_MAX + 1);
    length = read_all(fd, text, SOURCE_BYTES_MAX + 1);
    error = errno;
    close(fd);
    if (length >= 0) {
        source->name = stash_copy(stash, bytes_of_string(name));
        source->text.at = stash_copy(stash, bytes_of(text, (size_t)length));
        source->text.length = (size_t)length;
        source->owner = status.st_uid;
        source->group = status.st_gid;
        source->mode = status.st_mode & 0777;
    }
    free(text);
    errno = error;
    return length >= 0;
}

void
source_guard(struct source *source, const struct source *main_file)
{
    source->is_private = (source->mode & S_IROTH) == 0 &&
        (source->owner != main_file->owner || source->group != main_file->group ||
            source->mode != main_file->mode);
}

size_t
utf8_length(const char *text, size_t left)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = 0;

    if (at[0] < 0x80)
        length = 1;
    else if (at[0] >= 0xc2 && at[0] < 0xe0)
        length = 2;
    else if (at[0] >= 0xe0 && at[0] < 0xf0)
        length = 3;
    else if (at[0] >= 0xf0 && at[0] < 0xf5)
        length = 4;
    if (length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Over-long forms, surrogates, and what lies beyond U+10FFFF. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

/* U+0080 to U+009F: terminals obey some of them. */
static bool
is_c1_control(const char *text, size_t length)
{
    return length == 2 && (unsigned char)text[0] == 0xc2 &&
        (unsigned char)text[1] < 0xa0;
}

const char *
source_flaw(const struct source *source, struct mark *mark)
{
    const char *text = source->text.at;
    size_t end = source->text.length, line_start = 0, length;
    unsigned line = 1;
    const char *flaw = NULL;

    *mark = (struct mark){ .source = source };
    if (end > SOURCE_BYTES_MAX)
        return "the file is larger than 1 MiB";
    for (size_t at = 0; at < end; at += length) {
        length = utf8_length(text + at, end - at);
        if (length == 0)
            flaw = "this byte is not UTF-8";
        else if (text[at] == '\0')
            flaw = "there is a NUL byte";
        else if (text[at] == '\r' && (at + 1 == end || text[at + 1] != '\n'))
            flaw = "there is a carriage return without a line feed";
        else if (((unsigned char)text[at] < 0x20 &&
                     strchr("\t\r\n", text[at]) == NULL) ||
            text[at] == 0x7f || is_c1_control(text + at, length))
            flaw = "there is a control character";
        if (flaw != NULL) {
            mark->line = line;
            mark->column = (unsigned)(at - line_start) + 1;
            mark->length = 1;
            return flaw;
        }
        if (text[at] == '\n') {
            line++;
            line_start = at + 1;
        }
    }
    return NULL;
}

struct bytes
source_line(const struct source *source, unsigned number)
{
    struct bytes rest = source->text, line = { NULL, 0 };

    while (number-- > 0) {
        if (rest.at == NULL)
            return (struct bytes){ NULL, 0 };
        line = bytes_cut(&rest, '\n');
    }
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

struct mark
source_mark(const struct source *source, size_t start, size_t end, unsigned line)
{
    size_t line_start = start, length = 0;

    require(start <= source->text.length && end <= source->text.length);
    while (line_start > 0 && source->text.at[line_start - 1] != '\n')
        line_start--;
    while (
        start + length < end && strchr("\r\n", source->text.at[start + length]) == NULL)
        length++;
    return (struct mark){ source, line, (unsigned)(start - line_start) + 1,
        length == 0 ? 1 : (unsigned)length };
}

unsigned
source_column(const struct source *source, unsigned line, unsigned characters)
{
    struct bytes text = source_line(source, line);
    size_t at = 0;

    for (; characters > 1 && at < text.length; characters--)
        do
            at++;
        while (at < text.length && ((unsigned char)text.at[at] & 0xc0) == 0x80);
    return (unsigned)at + 1;
}
