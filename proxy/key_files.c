/*
 * proxy/key_files.c - opening private keys without looking at them.
 */
#include "proxy/key_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/require.h"

/* "file:/path", or the certificate's own file when the place is empty. */
static const char *
path_of(const char *certificate, const char *place)
{
    static const char prefix[] = "file:";

    if (place == NULL || place[0] == '\0')
        return certificate;
    if (strncmp(place, prefix, sizeof prefix - 1) == 0)
        return place + sizeof prefix - 1;
    return place;
}

static bool
open_one(struct key_files *files, const char *certificate, const char *place,
    struct note *note)
{
    const char *path = path_of(certificate, place);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        note_set(note, "cannot open the key %s: %s", path, strerror(errno));
        return false;
    }
    files->rows = realloc(files->rows, (files->count + 1) * sizeof *files->rows);
    require(files->rows != NULL);
    files->rows[files->count++] =
        (struct key_file){ .certificate = certificate, .place = path, .fd = fd };
    return true;
}

static bool
open_host(struct key_files *files, const struct tls_host_policy *host,
    struct note *note)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < host->certificate_count; i++)
        ok = open_one(files, host->certificates[i].chain_file,
            host->certificates[i].key_place, note);
    return ok;
}

bool
key_files_open(struct key_files *files, const struct snapshot *snapshot,
    struct note *note)
{
    bool ok = true;

    *files = (struct key_files){ .count = 0 };
    for (unsigned l = 0; ok && l < snapshot->listener_count; l++) {
        const struct tls_listener_policy *tls = &snapshot->listeners[l].tls;

        for (unsigned h = 0; ok && h < tls->host_count; h++)
            ok = open_host(files, &tls->hosts[h], note);
    }
    for (unsigned u = 0; ok && u < snapshot->upstream_count; u++) {
        const struct tls_upstream_policy *tls = &snapshot->upstreams[u].tls;

        if (tls->certificate_file != NULL)
            ok = open_one(files, tls->certificate_file, tls->key_place, note);
    }
    return ok;
}

void
key_files_close(struct key_files *files)
{
    for (unsigned i = 0; i < files->count; i++)
        close(files->rows[i].fd);
    free(files->rows);
    *files = (struct key_files){ .count = 0 };
}
