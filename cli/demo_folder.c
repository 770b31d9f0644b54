/*
 * cli/demo_folder.c - a folder that can be deleted, and the configuration in it.
 *
 * Its sign is the first line of its postern.yaml, written before anything else: a
 * folder without it that is not empty belongs to somebody, and stays untouched.
 */
#include "cli/demo_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIGN "# Written anew by each start of: postern demo\n"

/* What YAML in double quotes and a shell in single quotes both take as it is. */
static bool
is_quotable(const char *path)
{
    for (; *path != '\0'; path++)
        if ((unsigned char)*path < 0x20 || *path == 0x7f ||
            strchr("\"'\\", *path) != NULL)
            return false;
    return true;
}

static bool
is_empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry = NULL;

    if (dir == NULL)
        return false;
    while ((entry = readdir(dir)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            break;
    closedir(dir);
    return entry == NULL;
}

static bool
has_sign(const char *config)
{
    char line[sizeof SIGN] = "";
    FILE *file = fopen(config, "re");

    if (file == NULL)
        return false;
    if (fgets(line, sizeof line, file) == NULL)
        line[0] = '\0';
    fclose(file);
    return strcmp(line, SIGN) == 0;
}

/* O_NOFOLLOW: the sign of one folder must not lead into another. */
static FILE *
open_config(const struct demo_folder *folder, struct note *note)
{
    int fd = open(folder->config, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
        0644);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (file == NULL) {
        note_set(note, "cannot write %s: %s", folder->config, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    fputs(SIGN, file);
    return file;
}

static bool
close_config(const struct demo_folder *folder, FILE *file, struct note *note)
{
    bool good = ferror(file) == 0;

    good = fclose(file) == 0 && good;
    if (!good)
        note_set(note, "cannot write %s: %s", folder->config, strerror(errno));
    return good;
}

static bool
set_paths(struct demo_folder *folder, const char *asked, struct note *note)
{
    if (realpath(asked, folder->path) == NULL) {
        note_set(note, "cannot use %s: %s", asked, strerror(errno));
        return false;
    }
    if (snprintf(folder->tls, PATH_MAX, "%s/tls", folder->path) >= PATH_MAX ||
        snprintf(folder->config, PATH_MAX, "%s/postern.yaml", folder->path) >=
            PATH_MAX ||
        !is_quotable(folder->path)) {
        note_set(note,
            "the folder's name is too long, or holds a quote, a backslash or "
            "a control character");
        return false;
    }
    return true;
}

bool
demo_folder_open(struct demo_folder *folder, const char *asked, struct note *note)
{
    FILE *config;

    if (mkdir(asked, 0755) < 0 && errno != EEXIST) {
        note_set(note, "cannot make %s: %s", asked, strerror(errno));
        return false;
    }
    if (!set_paths(folder, asked, note))
        return false;
    if (!is_empty(folder->path) && !has_sign(folder->config)) {
        note_set(note, "%s holds other things; name a folder of its own with --folder",
            asked);
        return false;
    }
    config = open_config(folder, note);
    if (config == NULL || !close_config(folder, config, note))
        return false;
    if (mkdir(folder->tls, 0755) < 0 && errno != EEXIST) {
        note_set(note, "cannot make %s: %s", folder->tls, strerror(errno));
        return false;
    }
    return true;
}

static void
put_listener(FILE *file, const struct demo_folder *folder,
    const struct demo_setting *setting)
{
    fprintf(file, "version: 1\n\nlisteners:\n  demo:\n    address: \"%s\"\n",
        setting->address);
    if (setting->redirect != NULL)
        fprintf(file, "    redirect_http: \"%s\"\n", setting->redirect);
    fprintf(file,
        "    publish:\n"
        "      localhost:\n"
        "        certificate: \"%s/public.pem\"\n"
        "        key: \"file:%s/public.key\"\n"
        "        application: any\n"
        "        upstream: webmail\n",
        folder->tls, folder->tls);
}

static void
put_upstream(FILE *file, const struct demo_folder *folder, uint16_t port)
{
    fprintf(file,
        "\nupstreams:\n"
        "  webmail:\n"
        "    servers: [\"https://127.0.0.1:%u\"]\n"
        "    verify:\n"
        "      ca: \"%s/internal-ca.pem\"\n"
        "      name: webmail.internal.test\n",
        port, folder->tls);
}

bool
demo_folder_configure(const struct demo_folder *folder,
    const struct demo_setting *setting, struct note *note)
{
    FILE *file = open_config(folder, note);

    if (file == NULL)
        return false;
    put_listener(file, folder, setting);
    put_upstream(file, folder, setting->site_port);
    fprintf(file, "\nlog:\n  format: ecs-json\n  to: \"file:%s/postern.log\"\n",
        folder->path);
    fputs("\ndrain: 5s\n", file); /* who pressed Ctrl-C is waiting */
    if (setting->user != NULL)
        fprintf(file, "user: %s\n", setting->user);
    return close_config(folder, file, note);
}
