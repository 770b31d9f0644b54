/*
 * config/authorities.c - reading all of the system's trust store at once.
 *
 * OpenSSL would open the files of its folder one by one when a certificate asks for
 * them: too late in a jail, and anew for each who asks.
 */
#include "config/authorities.h"

#include <dirent.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "config/certificate.h"

/* "0123abcd.0": the only names that OpenSSL looks for (openssl-rehash(1)). */
static bool
is_hashed_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
        name[9 + strspn(name + 9, "0123456789")] == '\0';
}

/* Moves what `from` holds to the end of `to`. */
static void
append(STACK_OF(X509) * to, STACK_OF(X509) * *from)
{
    while (sk_X509_num(*from) > 0)
        require(sk_X509_push(to, sk_X509_shift(*from)) > 0);
    certificates_free(from);
}

static STACK_OF(X509) * read_folder(const char *path, struct stash *stash)
{
    STACK_OF(X509) *all = sk_X509_new_null(), *some;
    DIR *folder = opendir(path);
    const struct dirent *entry;

    require(all != NULL);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (!is_hashed_name(entry->d_name))
            continue;
        some = certificates_read(stash_print(stash, "%s/%s", path, entry->d_name));
        if (some != NULL)
            append(all, &some);
    }
    if (folder != NULL)
        closedir(folder);
    if (sk_X509_num(all) == 0)
        certificates_free(&all);
    return all;
}

/* The place that OpenSSL was built with, unless its environment variable says other. */
static const char *
place_of(const char *variable, const char *built_in)
{
    const char *set = secure_getenv(variable);

    return set != NULL ? set : built_in;
}

STACK_OF(X509) * authorities_of_system(const char **places, struct stash *stash)
{
    const char *file =
        place_of(X509_get_default_cert_file_env(), X509_get_default_cert_file());
    const char *folder =
        place_of(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    STACK_OF(X509) *all = certificates_read(file);

    if (all == NULL)
        all = read_folder(folder, stash);
    if (all == NULL && places != NULL)
        *places = stash_print(stash, "%s or %s", file, folder);
    return all;
}
