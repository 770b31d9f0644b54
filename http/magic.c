/*
 * http/magic.c - what a file really is, by its first bytes.
 *
 * Knows no declared type and no policy. Owns nothing.
 *
 * Trust: the bytes come from the network, from either side.
 */
#include "http/magic.h"

#include "http/scan.h"

/*
 * Where a DOS program says where the newer header is (PE format, "MS-DOS stub").
 * Headers may overlap, from 4 on; four bytes of text are 0x09090909 at least.
 */
#define PE_OFFSET_AT 0x3c
#define PE_OFFSET_MIN 4u
#define PE_OFFSET_END 0x09000000u

struct signature {
    struct bytes bytes;
    uint8_t offset;
    bool is_text;
    struct magic magic;
};

#define MAGIC(from, literal, type, family)                                             \
    { { literal, sizeof(literal) - 1 }, from, false, { type, MAGIC_##family } },
#define MAGIC_TEXT(literal, type, family)                                              \
    { { literal, sizeof(literal) - 1 }, 0, true, { type, MAGIC_##family } },
static const struct signature signatures[] = {
#include "http/magic.def"
};
#undef MAGIC
#undef MAGIC_TEXT

static const struct magic windows_program = {
    "application/vnd.microsoft.portable-executable", MAGIC_EXECUTABLE
};

bool
magic_is_windows_program(struct bytes start)
{
    uint32_t offset;

    if (start.length < PE_OFFSET_AT + sizeof offset ||
        !bytes_has_prefix(start, BYTES("MZ")))
        return false;
    memcpy(&offset, start.at + PE_OFFSET_AT, sizeof offset);
    offset = le32toh(offset);
    return offset >= PE_OFFSET_MIN && offset < PE_OFFSET_END;
}

static struct bytes
skip(struct bytes text, size_t length)
{
    return bytes_of(text.at + length, text.length - length);
}

/* Browsers and interpreters read past these. */
static struct bytes
text_of(struct bytes start)
{
    struct bytes mark = BYTES("\xef\xbb\xbf");

    if (bytes_has_prefix(start, mark))
        start = skip(start, mark.length);
    while (
        start.length > 0 && *start.at != '\0' && strchr(" \t\r\n\f", *start.at) != NULL)
        start = skip(start, 1);
    return start;
}

static bool
fits(const struct signature *signature, struct bytes start, struct bytes text)
{
    if (signature->is_text)
        return bytes_has_prefix_nocase(text, signature->bytes);
    return start.length >= signature->offset &&
        bytes_has_prefix(skip(start, signature->offset), signature->bytes);
}

const struct magic *
magic_find(struct bytes start)
{
    struct bytes text = text_of(start);

    if (magic_is_windows_program(start))
        return &windows_program;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (fits(&signatures[i], start, text))
            return &signatures[i].magic;
    return NULL;
}
