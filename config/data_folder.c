/*
 * config/data_folder.c - where the files lie that came with postern.
 *
 * Trust: as much as the program file itself, beside which they lie.
 */
#include "config/data_folder.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

const char *
data_folder(struct stash *stash)
{
    const char *told = secure_getenv("POSTERN_DATA"), *installed;
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program));

    if (told != NULL && told[0] != '\0')
        return stash_copy(stash, bytes_of_string(told));
    while (length > 0 && program[length - 1] != '/')
        length--;
    if (length <= 0)
        return "/usr/share/postern";
    installed = stash_print(stash, "%.*s../share/postern", (int)length, program);
    return access(installed, F_OK) == 0
        ? installed
        : stash_print(stash, "%.*sshare/postern", (int)length, program);
}
