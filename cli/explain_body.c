/*
 * cli/explain_body.c - the body of a request that is to be explained.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "cli/explain.h"

#define STEP_BYTES ((size_t)64 * 1024)

/* All of it, or NULL with errno. */
static char *
read_all(FILE *from, size_t *length)
{
    char *text = NULL;
    size_t taken;

    *length = 0;
    do {
        char *more = realloc(text, *length + STEP_BYTES);

        require(more != NULL);
        text = more;
        taken = fread(text + *length, 1, STEP_BYTES, from);
        *length += taken;
    } while (taken > 0);
    if (!ferror(from))
        return text;
    free(text);
    return NULL;
}

/* The caller frees it. */
static char *
path_of(const char *name, const char *folder)
{
    char *path;

    if (folder == NULL || name[0] == '/')
        require(asprintf(&path, "%s", name) >= 0);
    else
        require(asprintf(&path, "%s/%s", folder, name) >= 0);
    return path;
}

bool
explain_body_read(const char *word, const char *folder, char **body, struct bytes *text,
    struct note *note)
{
    char *path;
    FILE *from;

    if (word[0] != '@') {
        *body = strdup(word);
        require(*body != NULL);
        *text = bytes_of_string(*body);
        return true;
    }
    path = path_of(word + 1, folder);
    from = fopen(path, "re");
    *body = from == NULL ? NULL : read_all(from, &text->length);
    if (*body == NULL)
        note_set(note, "cannot read %s: %s", path, strerror(errno));
    if (from != NULL)
        fclose(from);
    free(path);
    text->at = *body;
    return *body != NULL;
}
