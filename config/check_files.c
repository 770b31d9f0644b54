/*
 * config/check_files.c - what the configuration names on this machine.
 *
 * Reads certificates and keys, once, into the papers. Says where something is wrong, and
 * leaves out what only follows from it: one mistake is one message.
 */
#include "config/check.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/account.h"
#include "config/certificate.h"
#include "config/pin.h"
#include "config/suggest.h"
#include "config/value.h"

struct check {
    const struct node *root;
    struct papers *papers;
    struct stash *stash;
    struct diagnostics *d;
};

/* --- files --- */

/* "did you mean /the/file/beside?", or NULL. */
static const char *
suggest_file(struct check *c, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *folder = slash == NULL
        ? "."
        : stash_copy(c->stash, bytes_of(path, (size_t)(slash - path) + 1));
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    struct suggestion s;

    suggest_begin(&s, slash == NULL ? path : slash + 1);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            suggest_consider(&s, entry->d_name);
    if (dir != NULL)
        closedir(dir);
    if (!suggest_is_near(&s))
        return NULL;
    return stash_print(c->stash, "did you mean %s%s?", slash == NULL ? "" : folder,
        s.best);
}

/* What `node` names, when it can be read; else NULL after a message. */
static struct paper *
readable(struct check *c, const struct node *node, const char *path)
{
    struct paper *paper = papers_read(c->papers, path);
    char where[TREE_PATH_BYTES];
    int error = errno;
    const char *hint = NULL;

    if (paper != NULL)
        return paper;
    if (error == ENOENT)
        hint = suggest_file(c, path);
    else if (error == EACCES)
        hint = "check as the user that starts postern, usually root";
    report(c->d, CODE_FILE, node->mark, hint, "%s: cannot read '%s': %s",
        tree_path(node, where), path, source_error(error));
    return NULL;
}

static struct paper *
readable_file(struct check *c, const struct node *node)
{
    if (node == NULL || node->refused || node->kind != NODE_TEXT)
        return NULL;
    return readable(c, node, value_path(node->text, node->mark.source->name, c->stash));
}

/* The file of a key; a credential that only the service sees is a warning. */
static struct paper *
readable_key(struct check *c, const struct node *node)
{
    const char *path;
    char where[TREE_PATH_BYTES];

    if (value_read_key(node->text, node->mark.source->name, c->stash, &path) != NULL)
        return NULL;
    if (node->text[0] == 'c' && secure_getenv("CREDENTIALS_DIRECTORY") == NULL &&
        papers_read(c->papers, path) == NULL) {
        report(c->d, CODE_CREDENTIAL_UNSEEN, node->mark,
            "LoadCredential= of the unit has to name it",
            "%s: '%s' cannot be looked at from here", tree_path(node, where),
            node->text);
        return NULL;
    }
    return readable(c, node, path);
}

/* --- certificates --- */

static void
check_key_mode(struct check *c, const struct node *node, const char *path)
{
    struct stat status;
    char where[TREE_PATH_BYTES];

    if (stat(path, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
        report(c->d, CODE_KEY_OPEN, node->mark,
            stash_print(c->stash, "chmod o-rwx %s", path),
            "%s: every user of this machine can read the private key",
            tree_path(node, where));
}

static void
refuse_key(struct check *c, const struct node *place, const struct paper *paper,
    bool in_certificate)
{
    const char *hint = "postern reads private keys in PEM form";

    if (paper->key_has_password)
        hint = "it has a password, and nobody is there to type it: openssl pkey -in "
               "OLD -out NEW";
    else if (in_certificate)
        hint = "append the key to this file, or name its file under key:";
    report(c->d, CODE_NOT_PEM, place->mark, hint,
        paper->key_has_password ? "the private key in '%s' cannot be used"
                                : "there is no private key in '%s'",
        paper->path);
}

/*
 * `key_node` NULL: the key has to be in the certificate's own file.
 */
static void
check_key(struct check *c, X509 *certificate, const struct node *node,
    struct paper *paper, const struct node *key_node)
{
    const struct node *place = key_node == NULL ? node : key_node;

    if (key_node != NULL)
        paper = readable_key(c, key_node);
    if (paper == NULL)
        return;
    if (paper->key == NULL) {
        refuse_key(c, place, paper, key_node == NULL);
    } else if (X509_check_private_key(certificate, paper->key) != 1) {
        report(c->d, CODE_KEY_MISMATCH, place->mark,
            "key and certificate come from different requests; after a renewal both "
            "files change",
            "this key does not belong to the certificate");
    } else {
        check_key_mode(c, place, paper->path);
        paper->key_is_served = true;
    }
}

static void
check_times(struct check *c, X509 *certificate, const struct node *node)
{
    struct certificate_times times = certificate_times(certificate);

    if (times.expired)
        report(c->d, CODE_EXPIRED, node->mark, "renew it",
            "the certificate expired on %s", times.ends);
    else if (times.early)
        report(c->d, CODE_NOT_YET, node->mark, "is the clock of this machine right?",
            "the certificate is not valid before %s", times.begins);
    else if (times.ends_soon)
        report(c->d, CODE_EXPIRES, node->mark,
            "renew it, and look why that did not happen by itself",
            "the certificate expires in %d day%s (%s)", times.days_left,
            times.days_left == 1 ? "" : "s", times.ends);
}

/* What holds for each certificate that we show, to clients and to servers. */
static void
check_own(struct check *c, X509 *certificate, const struct node *node)
{
    const char *weakness = certificate_weakness(certificate);

    check_times(c, certificate, node);
    if (weakness != NULL)
        report(c->d, CODE_WEAK, node->mark,
            "RSA of at least 2048 bits or ECDSA on P-256, signed with SHA-256 or "
            "better",
            "the certificate is too weak: %s", weakness);
}

/* Clients know the authorities of systems like this one, and no intermediate. */
static void
check_chain(struct check *c, STACK_OF(X509) * chain, const struct node *node)
{
    X509 *end = certificate_chain_end(chain);
    const char *missing;

    if (!certificate_is_self_signed(end) && !papers_system_signed(c->papers, end)) {
        missing = certificate_issuer(end, c->stash);
        report(c->d, CODE_CHAIN, node->mark,
            stash_print(c->stash,
                "append the certificate of '%s', unless it is a root that clients have",
                missing),
            "the chain seems incomplete: '%s' is not in this file and not known here",
            missing);
    }
}

static void
refuse_no_certificate(struct check *c, const struct node *node, const struct paper *p)
{
    report(c->d, CODE_NOT_PEM, node->mark,
        "convert it: openssl x509 -in FILE -out FILE.pem",
        "there is no certificate in '%s'", p->path);
}

/* The paper's chain; NULL after a message when it could not be checked further. */
static STACK_OF(X509) *
    chain_of(struct check *c, const struct node *node, struct paper *paper)
{
    if (paper->certificates == NULL) {
        refuse_no_certificate(c, node, paper);
        return NULL;
    }
    if (sk_X509_num(paper->certificates) > 1 &&
        certificate_is_authority(sk_X509_value(paper->certificates, 0))) {
        report(c->d, CODE_ORDER, node->mark,
            "the server's certificate comes first, then the intermediates",
            "the first certificate in '%s' is an authority's", paper->path);
        return NULL;
    }
    paper->is_served = true;
    return paper->certificates;
}

/* A certificate of a published host, and where its key is said to be. */
struct pair {
    const struct node *certificate;
    const struct node *key; /* NULL: in the certificate's file */
    bool key_has_message;   /* nothing more is to be said about it */
};

static struct pair
pair_of(const struct node *host, const struct node *value)
{
    const struct node *setting = tree_good(host, SETTING_PUBLISH_CERTIFICATE);
    bool is_pair = value->kind == NODE_MAP;
    struct pair pair = {
        .certificate = is_pair ? tree_good(value, SETTING_PAIR_CERTIFICATE) : value,
        .key = is_pair ? tree_meant(value, SETTING_PAIR_KEY)
                       : tree_meant(host, SETTING_PUBLISH_KEY),
    };

    /* One key for several certificates: check_tree has asked whose it is. */
    pair.key_has_message = pair.key != NULL &&
        (pair.key->refused || (!is_pair && setting->first != setting->last));
    return pair;
}

/* Returns the type of the certificate's key, 0 when unknown. */
static int
check_certificate(struct check *c, const struct node *host, const struct pair *pair)
{
    const struct node *node = pair->certificate;
    struct paper *paper = readable_file(c, node);
    STACK_OF(X509) *chain = paper == NULL ? NULL : chain_of(c, node, paper);
    const char *names;
    X509 *certificate;

    if (chain == NULL)
        return 0;
    certificate = sk_X509_value(chain, 0);
    check_own(c, certificate, node);
    check_chain(c, chain, node);
    if (!host->refused && !certificate_covers(certificate, host->key)) {
        names = certificate_names(certificate, c->stash);
        report(c->d, CODE_NOT_COVERED, node->mark,
            names[0] == '\0'
                ? "it has no subjectAltName, and only that counts (RFC 9525)"
                : stash_print(c->stash, "it is valid for: %s", names),
            "the certificate does not cover %s", host->key);
    }
    if (!pair->key_has_message)
        check_key(c, certificate, node, paper, pair->key);
    return certificate_key_type(certificate);
}

static void
check_host(struct check *c, const struct node *host)
{
    const struct node *setting = tree_good(host, SETTING_PUBLISH_CERTIFICATE), *v;
    int types[2] = { 0, 0 };

    for (v = tree_first_value(setting); v != NULL; v = tree_next_value(v)) {
        struct pair pair = pair_of(host, v);
        int type = check_certificate(c, host, &pair);

        if (type != 0 && (type == types[0] || type == types[1]))
            report(c->d, CODE_SAME_KIND, pair.certificate->mark,
                "one RSA and one ECDSA may stand side by side",
                "there is another certificate of this kind for %s", host->key);
        types[types[0] != 0] = type;
    }
}

/* --- upstreams --- */

/* Whom the servers of an upstream are measured by when it names no authority. */
static void
check_system_authorities(struct check *c, const struct node *upstream)
{
    const char *places = "";
    struct paper *paper = papers_read_system(c->papers, &places);

    if (paper != NULL)
        paper->is_served = true;
    else
        report(c->d, CODE_FILE, upstream->key_mark,
            "name one: verify: {ca: FILE}, or install ca-certificates",
            "this system has no certificate authorities in %s", places);
}

/* What to write instead of a certificate that is no authority's. */
static const char *
hint_of_authority(struct check *c, X509 *certificate)
{
    char text[PIN_TEXT_BYTES];
    struct tls_pin pin;

    if (!certificate_is_self_signed(certificate) ||
        !pin_of_certificate(certificate, &pin))
        return "name the certificate of the authority that signed the server's";
    return stash_print(c->stash,
        "a server that signed its own certificate is pinned: verify: {pin: %s}",
        pin_print(&pin, text));
}

static void
check_authorities(struct check *c, const struct node *node)
{
    struct paper *paper = readable_file(c, node);
    unsigned authorities = 0, valid = 0;

    if (paper == NULL)
        return;
    for (int i = 0; i < sk_X509_num(paper->certificates); i++) {
        X509 *one = sk_X509_value(paper->certificates, i);

        authorities += certificate_is_authority(one);
        valid += certificate_is_authority(one) && !certificate_times(one).expired;
    }
    if (paper->certificates == NULL)
        refuse_no_certificate(c, node, paper);
    else if (authorities == 0)
        report(c->d, CODE_NOT_CA, node->mark,
            hint_of_authority(c, sk_X509_value(paper->certificates, 0)),
            "there is no authority's certificate in '%s'", paper->path);
    else if (valid == 0)
        report(c->d, CODE_EXPIRED, node->mark,
            "get the authority's present certificate",
            "every authority in '%s' has expired", paper->path);
    paper->is_served = true;
}

/* An administrator compares it with what the server shows. */
static void
tell_pins(struct check *c, const struct node *pins)
{
    char text[PIN_TEXT_BYTES], hex[PIN_TEXT_BYTES], where[TREE_PATH_BYTES];
    struct tls_pin pin;

    for (const struct node *v = tree_first_value(pins); v != NULL;
         v = tree_next_value(v))
        if (pin_read(v->text, &pin) == NULL)
            report(c->d, CODE_PINNED, v->mark,
                stash_print(c->stash, "in hexadecimal %s", pin_print_hex(&pin, hex)),
                "%s: pinned to %s", tree_path(v, where), pin_print(&pin, text));
}

static void
check_verify(struct check *c, const struct node *upstream)
{
    const struct node *verify = tree_good(upstream, SETTING_VERIFY_BLOCK);

    if (check_bridge_of(upstream) == BRIDGE_REENCRYPT)
        tell_pins(c, tree_good(verify, SETTING_VERIFY_PIN));
    if (tree_meant(verify, SETTING_VERIFY_CA) != NULL)
        check_authorities(c, tree_good(verify, SETTING_VERIFY_CA));
    else if (check_bridge_of(upstream) == BRIDGE_REENCRYPT &&
        tree_meant(verify, SETTING_VERIFY_PIN) == NULL)
        check_system_authorities(c, upstream);
}

static void
check_client_certificate(struct check *c, const struct node *upstream)
{
    const struct node *node = tree_good(upstream, SETTING_UPSTREAM_CLIENT_CERTIFICATE);
    const struct node *key = tree_meant(upstream, SETTING_UPSTREAM_CLIENT_KEY);
    struct paper *paper = readable_file(c, node);
    STACK_OF(X509) *chain = paper == NULL ? NULL : chain_of(c, node, paper);

    if (chain == NULL)
        return;
    check_own(c, sk_X509_value(chain, 0), node);
    if (key == NULL || !key->refused)
        check_key(c, sk_X509_value(chain, 0), node, paper, key);
}

/* --- the rest --- */

/* Whom each role becomes when root starts it. */
static const struct {
    enum setting_id setting;
    enum jail_role role;
} accounts[] = {
    { SETTING_FILE_USER, JAIL_WORKER },
    { SETTING_FILE_KEY_USER, JAIL_KEYD },
    { SETTING_FILE_LOG_USER, JAIL_LOGD },
    { SETTING_FILE_RESOLVER_USER, JAIL_RESOLVER },
};
#define ACCOUNTS (sizeof accounts / sizeof accounts[0])

/* The account that is written, else the role's own; false when there is none. */
static bool
find_account(struct check *c, size_t which, struct account *account)
{
    const struct node *node = tree_good(c->root, accounts[which].setting);
    char own[ACCOUNT_NAME_BYTES] = "";

    if (node == NULL)
        account_of_role(accounts[which].role, own);
    return account_find(node == NULL ? own : node->text, account, NULL);
}

/* `node` names the account of `which`; one that only another names is told of there. */
static void
check_shared(struct check *c, size_t which, const struct node *node,
    const struct account *account)
{
    struct account other;

    for (size_t i = 0; i < ACCOUNTS; i++) {
        bool is_told = i >= which && tree_good(c->root, accounts[i].setting) != NULL;

        if (is_told || !find_account(c, i, &other) || other.uid != account->uid)
            continue;
        report(c->d, CODE_ACCOUNT_SHARED, node->mark,
            "leave both out, and each process has an account of its own",
            "%s: '%s' is the account of %s, too", node->key, node->text,
            schema_setting(accounts[i].setting)->key);
        return;
    }
}

/* Only what is not there can be created. */
static const char *
account_hint(struct check *c, const char *name)
{
    if (getpwnam(name) != NULL)
        return "name another account, or leave it out and it is one of its own";
    return stash_print(c->stash, "create it: adduser --system --group %s", name);
}

static void
check_account(struct check *c, size_t which)
{
    const struct node *node = tree_good(c->root, accounts[which].setting);
    struct note note = { "" };
    struct account account;

    if (node == NULL || geteuid() != 0)
        return;
    if (account_find(node->text, &account, &note))
        check_shared(c, which, node, &account);
    else
        report(c->d, CODE_ACCOUNT, node->mark, account_hint(c, node->text), "%s: %s",
            node->key, note.text);
}

static void
check_log(struct check *c)
{
    const struct node *log = tree_good(c->root, SETTING_LOG_BLOCK);
    const struct node *v = tree_first_value(tree_setting(log, SETTING_LOG_TO));
    char where[TREE_PATH_BYTES];
    struct stat status;

    for (; v != NULL; v = tree_next_value(v)) {
        const char *path = v->text + strlen("file:"), *slash;
        const char *folder;

        if (strcmp(v->text, "stdout") == 0)
            continue;
        slash = strrchr(path, '/');
        folder = stash_copy(c->stash, bytes_of(path, (size_t)(slash - path) + 1));
        if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
            report(c->d, CODE_LOG_FOLDER, v->mark,
                stash_print(c->stash, "mkdir -p %s", folder),
                "%s: there is no folder '%s'", tree_path(v, where), folder);
        else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
            report(c->d, CODE_LOG_FOLDER, v->mark, "write the name of a file",
                "%s: '%s' is a folder", tree_path(v, where), path);
    }
}

/* Who may write here decides what postern does, as root. */
static void
check_sources(struct check *c, const struct source_list *sources)
{
    for (unsigned i = 0; i < sources->count; i++) {
        const struct source *source = &sources->sources[i];
        struct stat status;

        if (stat(source->name, &status) == 0 && (status.st_mode & S_IWOTH) != 0)
            report(c->d, CODE_FILE_OPEN, (struct mark){ .source = source },
                stash_print(c->stash, "chmod o-w %s", source->name),
                "every user of this machine can write to this file");
    }
}

void
check_files(const struct node *root, const struct source_list *sources,
    struct papers *papers, struct stash *stash, struct diagnostics *d)
{
    struct check c = { root, papers, stash, d };
    const struct node *listeners = tree_good(root, SETTING_LISTENER_BLOCK);
    const struct node *upstreams = tree_good(root, SETTING_UPSTREAM_BLOCK);

    check_sources(&c, sources);
    for (const struct node *l = listeners == NULL ? NULL : listeners->first; l != NULL;
         l = l->next) {
        const struct node *publish = tree_good(l, SETTING_PUBLISH_BLOCK);

        for (const struct node *h = publish == NULL ? NULL : publish->first; h != NULL;
             h = h->next)
            check_host(&c, h);
    }
    for (const struct node *u = upstreams == NULL ? NULL : upstreams->first; u != NULL;
         u = u->next) {
        check_verify(&c, u);
        check_client_certificate(&c, u);
    }
    for (size_t i = 0; i < ACCOUNTS; i++)
        check_account(&c, i);
    check_log(&c);
}
