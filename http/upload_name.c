/*
 * http/upload_name.c - may a file of this name be uploaded?
 *
 * Knows names and one list of extensions. Owns nothing.
 *
 * Trust: the name comes from the network; who stores the file may run on Windows,
 * under IIS or under Apache, and reads the name in its own way.
 */
#include "http/upload_name.h"

#include "base/require.h"
#include "http/scan.h"
#include "http/words.h"

static const char name_knob[] = "uploads";
static const char extension_knob[] = "uploads.deny_extensions";

static bool
has_control(struct bytes name)
{
    return scan_to_control(name.at, name.at + name.length) != name.at + name.length;
}

/* Dots and blanks alone, two dots or more: Windows drops blanks and dots at the end. */
static bool
climbs(struct bytes segment)
{
    unsigned dots = 0;

    for (size_t i = 0; i < segment.length; i++) {
        if (segment.at[i] != '.' && segment.at[i] != ' ')
            return false;
        dots += segment.at[i] == '.';
    }
    return dots >= 2;
}

/* Cuts the next segment of a path off, under Windows or not. */
static struct bytes
cut_segment(struct bytes *rest)
{
    struct bytes segment = *rest;
    size_t length = 0;

    while (length < rest->length && rest->at[length] != '/' && rest->at[length] != '\\')
        length++;
    if (length == rest->length) {
        *rest = bytes_of(NULL, 0);
        return segment;
    }
    *rest = bytes_of(rest->at + length + 1, rest->length - length - 1);
    return bytes_of(segment.at, length);
}

/* Without what a server may not count: a stream (NTFS), a parameter (IIS), blanks. */
static struct bytes
extension_of(struct bytes part)
{
    struct bytes extension = bytes_cut(&part, ':');

    part = extension;
    extension = bytes_cut(&part, ';');
    while (extension.length > 0 && extension.at[extension.length - 1] == ' ')
        extension.length--;
    return extension;
}

static bool
ends_a_site(struct bytes extension)
{
    return bytes_equal_nocase(extension, BYTES(".com")) ||
        bytes_equal_nocase(extension, BYTES(".pl")) ||
        bytes_equal_nocase(extension, BYTES(".py")) ||
        bytes_equal_nocase(extension, BYTES(".sh"));
}

/* Extensions are views that begin with their dot, as the words of the policy do. */
static bool
has_denied_extension(const struct word_list *denied, struct bytes file)
{
    struct bytes last = BYTES(".");
    struct bytes rest = file;

    bytes_cut(&rest, '.');
    while (rest.at != NULL) {
        struct bytes part = extension_of(bytes_cut(&rest, '.'));

        if (part.length == 0)
            continue;
        if (last.length > 1 && words_hold_nocase(denied, last) && !ends_a_site(last))
            return true;
        last = bytes_of(part.at - 1, part.length + 1);
    }
    return words_hold_nocase(denied, last);
}

static const char *
judge_once(const struct word_list *denied, struct bytes name)
{
    struct bytes file = BYTES("");

    if (has_control(name))
        return name_knob;
    while (name.at != NULL) {
        struct bytes segment = cut_segment(&name);

        if (climbs(segment))
            return name_knob;
        if (segment.length > 0)
            file = segment;
    }
    return has_denied_extension(denied, file) ? extension_knob : NULL;
}

struct bytes
upload_name_decode(struct bytes name, char room[UPLOAD_NAME_BYTES])
{
    size_t length = 0;

    require(name.length <= UPLOAD_NAME_BYTES);
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];

        if (c == '%' && i + 2 < name.length && scan_is(name.at[i + 1], SCAN_HEX) &&
            scan_is(name.at[i + 2], SCAN_HEX)) {
            c = (char)(scan_hex(name.at[i + 1]) << 4 | scan_hex(name.at[i + 2]));
            i += 2;
        }
        room[length++] = c;
    }
    return bytes_of(room, length);
}

const char *
upload_name_judge(const struct word_list *denied, struct bytes name)
{
    char room[UPLOAD_NAME_BYTES];
    const char *knob = judge_once(denied, name);

    return knob != NULL ? knob : judge_once(denied, upload_name_decode(name, room));
}
