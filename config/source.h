/*
 * config/source.h - one configuration file's bytes, and places in them.
 */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/require.h"
#include "config/stash.h"

#define SOURCE_BYTES_MAX ((size_t)1024 * 1024)
#define SOURCES_MAX 200 /* the main file, what it includes, presets, mitigations */

enum source_role {
    SOURCE_SETTINGS, /* the main file, or one that it includes */
    SOURCE_PRESET,
    SOURCE_MITIGATIONS,
    SOURCE_CERTIFICATES, /* only where it crosses processes: config/papers.h has them */
};

struct source {
    enum source_role role;
    const char *name; /* as the operator wrote it, or relative to the including file */
    struct bytes text;
    unsigned index; /* 0: the main file; the order of messages */
    unsigned owner, group, mode;
    bool is_private; /* no message may show anything of it */
};

/* A place in a source: what a message points at. */
struct mark {
    const struct source *source; /* NULL: no place */
    unsigned line, column;       /* from 1, in bytes; 0: the file as a whole */
    unsigned length;             /* bytes on that line */
};

/*
 * Reads at most SOURCE_BYTES_MAX + 1 bytes, so that too large a file can be told.
 * False with errno when the file cannot be read. Text and name live in `stash`.
 */
bool source_read(struct source *source, const char *name, struct stash *stash) MUST_USE;

/*
 * Marks a further file private when others may not read it and it has not the owner, group and
 * rights of the main file: who writes the main file need not be one who may read all that root
 * may, for whom he has it checked.
 */
void source_guard(struct source *source, const struct source *main_file);

/* Why a file could not be read, by errno: that of source_read, papers_read and the like. */
const char *source_error(int error) MUST_USE;

/*
 * The bytes as a YAML reader may have them: UTF-8 without NUL and without a lone CR,
 * not too large (libfyaml 0.7.12 reads out of bounds otherwise). NULL when they are good,
 * else what is wrong; `mark` then says where.
 */
const char *source_flaw(const struct source *source, struct mark *mark) MUST_USE;

/*
 * Bytes of the UTF-8 character at `text`, of which `left` > 0 are there; 0: malformed
 * (RFC 3629, 4).
 */
size_t utf8_length(const char *text, size_t left);

/* The line `number` (from 1) without its end; empty when there is none. */
struct bytes source_line(const struct source *source, unsigned number);

/* The mark of text[start..end), cut to its first line. */
struct mark
source_mark(const struct source *source, size_t start, size_t end, unsigned line);

/* The byte column of the `characters`-th character (from 1) of a line. */
unsigned source_column(const struct source *source, unsigned line, unsigned characters);

#endif
