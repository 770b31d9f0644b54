/*
 * tests/fuzz/replay.c - runs a fuzzer's entry over files, in a build without libFuzzer.
 *
 * Arguments are files and folders; a folder is not searched deeper. What once was a
 * finding stays in the corpus and is checked in every test run from then on.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/require.h"

#define INPUT_BYTES ((size_t)4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static void
replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = require_alloc(INPUT_BYTES);
    uint8_t *exact;
    size_t size;

    require(file != NULL);
    size = fread(data, 1, INPUT_BYTES, file);
    require(feof(file));
    fclose(file);

    /* Memory of just this size, so that a sanitizer sees one byte too many. */
    exact = require_alloc(size > 0 ? size : 1);
    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    free(data);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    replayed++;
}

static void
replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    require(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        char file[4096];

        if (entry->d_name[0] == '.')
            continue;
        require(snprintf(file, sizeof file, "%s/%s", path, entry->d_name) <
            (int)sizeof file);
        replay_file(file);
    }
    closedir(folder);
}

int
main(int count, char **paths)
{
    for (int i = 1; i < count; i++) {
        struct stat what;

        require(stat(paths[i], &what) == 0);
        if (S_ISDIR(what.st_mode))
            replay_folder(paths[i]);
        else
            replay_file(paths[i]);
    }
    printf("%u inputs\n", replayed);
    return replayed == 0; /* an empty corpus tests nothing */
}
