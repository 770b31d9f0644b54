/*
 * http/filter_files.c - is what a path names below a folder of static files one of them?
 *
 * Says what a file is called, not what it is not: a page that was dropped there is found
 * under names that no list of forbidden ones has all of. Each segment counts, since
 * servers run "a.php/b.css" as well.
 *
 * Trust: the path comes from the network, the rest from the configuration.
 */
#include "http/filter_priv.h"

/*
 * What a path that fits the glob has below the glob's literal beginning, which ends
 * before the segment of its first asterisk. { NULL, 0 } when all of the glob is literal.
 */
static struct bytes
below(struct bytes glob, struct bytes path)
{
    const char *star = memchr(glob.at, '*', glob.length), *slash;
    size_t known;

    if (star == NULL)
        return bytes_of(NULL, 0);
    slash = memrchr(glob.at, '/', (size_t)(star - glob.at));
    known = slash == NULL ? 0 : (size_t)(slash + 1 - glob.at);
    return bytes_of(path.at + known, path.length - known);
}

/*
 * Letters, digits and what stands in names beside them. No ':' (streams), no ';'
 * (parameters), no '%' and no byte above ASCII (decoded or folded a second time), nothing
 * that Windows takes for a wildcard or a separator.
 */
static bool
is_name(struct bytes segment)
{
    char last = segment.length == 0 ? '.' : segment.at[segment.length - 1];

    if (last == '.' || last == ' ' || segment.at[0] == '.')
        return false;
    for (size_t i = 0; i < segment.length; i++) {
        unsigned char c = (unsigned char)segment.at[i];

        if (c < 0x20 || c >= 0x7f || strchr(":;%\\\"*?<>|", c) != NULL)
            return false;
    }
    return true;
}

/* Folders have dots in version numbers alone: "15.1.2507.6", "tinymce-5.10". */
static bool
is_folder(struct bytes segment)
{
    for (size_t i = 0; i + 1 < segment.length; i++)
        if (segment.at[i] == '.' &&
            (segment.at[i + 1] < '0' || segment.at[i + 1] > '9'))
            return false;
    return is_name(segment);
}

/* One of the extensions at the end, and before it none that the server runs. */
static bool
is_file(const struct word_list *files, const struct word_list *pages, struct bytes name)
{
    const char *end = name.at + name.length;
    const char *dot = memchr(name.at, '.', name.length), *next;

    if (!is_name(name))
        return false;
    if (dot == NULL)
        return words_hold(files, BYTES("."));
    while ((next = memchr(dot + 1, '.', (size_t)(end - dot - 1))) != NULL) {
        if (words_hold_nocase(pages, bytes_of(dot, (size_t)(next - dot))))
            return false;
        dot = next;
    }
    return words_hold_nocase(files, bytes_of(dot, (size_t)(end - dot)));
}

bool
filter_names_file(const struct path_rule *rule, const struct word_list *pages,
    struct bytes glob, struct bytes path, struct bytes *wrong)
{
    struct bytes rest = below(glob, path);

    while (rest.at != NULL) {
        struct bytes segment = bytes_cut(&rest, '/');

        if (rest.at != NULL ? is_folder(segment)
                            : is_file(&rule->files, pages, segment))
            continue;
        *wrong = segment;
        return false;
    }
    return true;
}
