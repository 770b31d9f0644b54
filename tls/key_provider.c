/*
 * tls/key_provider.c - an OpenSSL provider that signs by asking keyd.
 *
 * The provider has two kinds of keys (RSA, EC) and their two signatures, and no
 * operation but "sign this message": it hashes here and lets key_client send the
 * digest, for which the handshake pauses (key_turn.h). A key object holds an ordinary public key of the default provider, which
 * answers every question about size, group and equality.
 *
 * How libssl finds us: it asks for a signature of the default provider first and
 * tries to export our key there, which fails as we export nothing; then it takes
 * the signature of the key's own provider (provider-pkey(7)). That nobody else
 * takes our algorithms by accident is the work of the default property query.
 */
#include "tls/key_provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/require.h"

#define PROVIDER "postern-keyd"
#define FROM_PROVIDER "provider=" PROVIDER
#define FROM_DEFAULT "provider=default"
#define CLIENT_PARAM "postern-key-client" /* our address of the struct key_client */

enum { NOT_SIGNED = 1 };

static int error_library;

/* One key object. Provider objects are counted by OpenSSL, so freed once. */
struct wrapped_key {
    const char *type;          /* "RSA", "EC" */
    EVP_PKEY *public;          /* NULL until imported */
    struct key_client *client; /* NULL: a public key that came to be compared */
    unsigned char name[KEY_NAME_BYTES];
};

/* One signature about to be made. */
struct signing {
    const struct wrapped_key *key; /* libssl holds it longer than us */
    enum key_scheme scheme;
    enum key_hash hash;
};

/* OpenSSL calls through void (*)(void) and casts back to the type of the slot. */
#define SLOT(id, function)                                                             \
    {                                                                                  \
        (id), (void (*)(void))(function)                                               \
    }
#define SLOTS_END                                                                      \
    {                                                                                  \
        0, NULL                                                                        \
    }

/* --- keys --- */

static void *
key_new(const char *type)
{
    struct wrapped_key *key = calloc(1, sizeof *key);

    if (key != NULL)
        key->type = type;
    return key;
}

static void *
rsa_new(void *provider)
{
    (void)provider;
    return key_new("RSA");
}

static void *
ec_new(void *provider)
{
    (void)provider;
    return key_new("EC");
}

static void
key_free(void *object)
{
    struct wrapped_key *key = object;

    if (key != NULL)
        EVP_PKEY_free(key->public);
    free(key);
}

static int
key_has(const void *object, int selection)
{
    const struct wrapped_key *key = object;

    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key->client == NULL)
        return 0;
    return key->public != NULL;
}

static int
key_match(const void *a, const void *b, int selection)
{
    const struct wrapped_key *left = a, *right = b;

    if (left->public == NULL || right->public == NULL)
        return 0;
    if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
        return EVP_PKEY_parameters_eq(left->public, right->public) == 1;
    return EVP_PKEY_eq(left->public, right->public) == 1;
}

/*
 * Two kinds come in here: ours, with the client's address beside the public half
 * (key_provider_wrap), and a certificate's public key that libssl wants to compare.
 */
static int
key_import(void *object, int selection, const OSSL_PARAM params[])
{
    struct wrapped_key *key = object;
    const OSSL_PARAM *address = OSSL_PARAM_locate_const(params, CLIENT_PARAM);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, key->type, FROM_DEFAULT);
    bool good = context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key->public, EVP_PKEY_PUBLIC_KEY,
            (OSSL_PARAM *)params) == 1;

    (void)selection;
    EVP_PKEY_CTX_free(context);
    if (!good)
        return 0;
    if (address != NULL && address->data_size == sizeof key->client)
        memcpy(&key->client, address->data, sizeof key->client);
    return key_name_of(key->public, key->name);
}

/* What an import may bring; only asked for, never checked, by libcrypto. */
static const OSSL_PARAM *
key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_octet_string(CLIENT_PARAM, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_END,
    };

    return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

static int
key_get_params(void *object, OSSL_PARAM params[])
{
    const struct wrapped_key *key = object;

    return key->public != NULL && EVP_PKEY_get_params(key->public, params) == 1;
}

static const OSSL_PARAM *
key_gettable_params(void *provider)
{
    static const OSSL_PARAM gettable[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)provider;
    return gettable;
}

static const char *
ec_operation_name(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

#define KEY_SLOTS                                                                      \
    SLOT(OSSL_FUNC_KEYMGMT_FREE, key_free), SLOT(OSSL_FUNC_KEYMGMT_HAS, key_has),      \
        SLOT(OSSL_FUNC_KEYMGMT_MATCH, key_match),                                      \
        SLOT(OSSL_FUNC_KEYMGMT_IMPORT, key_import),                                    \
        SLOT(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),                        \
        SLOT(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),                            \
        SLOT(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params)

static const OSSL_DISPATCH rsa_key_slots[] = {
    SLOT(OSSL_FUNC_KEYMGMT_NEW, rsa_new),
    KEY_SLOTS,
    SLOTS_END,
};

static const OSSL_DISPATCH ec_key_slots[] = {
    SLOT(OSSL_FUNC_KEYMGMT_NEW, ec_new),
    KEY_SLOTS,
    SLOT(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation_name),
    SLOTS_END,
};

/* --- signatures --- */

static void *
signing_new(void *provider, const char *properties)
{
    (void)provider;
    (void)properties;
    return calloc(1, sizeof(struct signing)); /* NULL ends the one handshake */
}

static void
signing_free(void *object)
{
    free(object);
}

static bool
find_hash(const char *name, enum key_hash *hash)
{
    const EVP_MD *wanted = EVP_get_digestbyname(name);

    for (unsigned i = 0; i < KEY_HASHES && wanted != NULL; i++) {
        if (EVP_MD_is_a(wanted, key_hashes[i].name)) {
            *hash = i;
            return true;
        }
    }
    return false;
}

static int
signing_set_padding(struct signing *signing, const OSSL_PARAM *param)
{
    const char *text;
    int number = 0;

    if (param->data_type == OSSL_PARAM_UTF8_STRING) {
        if (OSSL_PARAM_get_utf8_string_ptr(param, &text) != 1)
            return 0;
        number = strcmp(text, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0  ? RSA_PKCS1_PSS_PADDING
            : strcmp(text, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0 ? RSA_PKCS1_PADDING
                                                                : 0;
    } else if (OSSL_PARAM_get_int(param, &number) != 1) {
        return 0;
    }
    if (number != RSA_PKCS1_PSS_PADDING && number != RSA_PKCS1_PADDING)
        return 0;
    signing->scheme = number == RSA_PKCS1_PADDING ? KEY_RSA_PKCS1 : KEY_RSA_PSS;
    return 1;
}

/* TLS knows one salt only: as long as the digest (RFC 8446, 4.2.3). */
static int
is_digest_salt(const struct signing *signing, const OSSL_PARAM *param)
{
    uint64_t digest = key_hashes[signing->hash].bytes, written;
    const char *text;
    int number;

    if (param->data_type != OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_get_int(param, &number) == 1 &&
            (number == RSA_PSS_SALTLEN_DIGEST || number == (int)digest);
    return OSSL_PARAM_get_utf8_string_ptr(param, &text) == 1 &&
        (strcmp(text, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0 ||
            (bytes_to_u64(bytes_of_string(text), digest, &written) &&
                written == digest));
}

static int
is_same_hash(const struct signing *signing, const OSSL_PARAM *param)
{
    enum key_hash hash;
    const char *text;

    return OSSL_PARAM_get_utf8_string_ptr(param, &text) == 1 &&
        find_hash(text, &hash) && hash == signing->hash;
}

static int
signing_set_params(void *object, const OSSL_PARAM params[])
{
    struct signing *signing = object;
    const OSSL_PARAM *p;

    if (params == NULL)
        return 1;
    p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
    if (p != NULL && (signing->scheme == KEY_ECDSA || !signing_set_padding(signing, p)))
        return 0;
    p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
    if (p != NULL && !is_digest_salt(signing, p))
        return 0;
    p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
    if (p != NULL && !is_same_hash(signing, p))
        return 0;
    p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
    return p == NULL || is_same_hash(signing, p);
}

static const OSSL_PARAM *
signing_settable_params(void *object, void *provider)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)object;
    (void)provider;
    return settable;
}

static int
signing_begin(void *object, const char *hash, void *key, const OSSL_PARAM params[])
{
    struct signing *signing = object;

    if (key != NULL)
        signing->key = key;
    if (signing->key == NULL || signing->key->client == NULL || hash == NULL ||
        !find_hash(hash, &signing->hash))
        return 0;
    signing->scheme = strcmp(signing->key->type, "EC") == 0 ? KEY_ECDSA : KEY_RSA_PKCS1;
    return signing_set_params(signing, params);
}

/* Called twice, first without room to learn the size: only the second asks keyd. */
static int
signing_sign(void *object, unsigned char *signature, size_t *length, size_t room,
    const unsigned char *message, size_t bytes)
{
    const struct signing *signing = object;
    struct key_digest what = { .scheme = signing->scheme, .hash = signing->hash };

    if (signature == NULL) {
        *length = (size_t)EVP_PKEY_get_size(signing->key->public);
        return 1;
    }
    if (EVP_Q_digest(NULL, key_hashes[what.hash].name, NULL, message, bytes,
            what.digest, NULL) != 1)
        return 0;
    memcpy(what.name, signing->key->name, sizeof what.name);
    *length = room;
    if (key_client_sign(&what, signature, length))
        return 1;
    key_provider_raise_not_signed();
    return 0;
}

static const OSSL_DISPATCH signature_slots[] = {
    SLOT(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
    SLOT(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
    SLOT(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_begin),
    SLOT(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signing_sign),
    SLOT(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, signing_set_params),
    SLOT(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, signing_settable_params),
    SLOTS_END,
};

/* --- the provider --- */

static const OSSL_ALGORITHM *
provider_query(void *provider, int operation, int *no_store)
{
    static const OSSL_ALGORITHM keys[] = {
        { "RSA:rsaEncryption:1.2.840.113549.1.1.1", FROM_PROVIDER, rsa_key_slots,
            "RSA key held by keyd" },
        { "EC:id-ecPublicKey:1.2.840.10045.2.1", FROM_PROVIDER, ec_key_slots,
            "EC key held by keyd" },
        { NULL, NULL, NULL, NULL },
    };
    static const OSSL_ALGORITHM signatures[] = {
        { "RSA:rsaEncryption:1.2.840.113549.1.1.1", FROM_PROVIDER, signature_slots,
            "RSA signature made by keyd" },
        { "ECDSA", FROM_PROVIDER, signature_slots, "ECDSA signature made by keyd" },
        { NULL, NULL, NULL, NULL },
    };

    (void)provider;
    *no_store = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
    const OSSL_DISPATCH **slots, void **provider)
{
    static const OSSL_DISPATCH own[] = {
        SLOT(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query),
        SLOTS_END,
    };

    (void)core;
    *slots = own;
    *provider = (void *)handle; /* any address but NULL; we keep no state */
    return 1;
}

/* To load one by hand takes away OpenSSL's own loading of the default one: load both. */
static OSSL_PROVIDER *default_provider, *own_provider;

static void
on_exit_of_libcrypto(void)
{
    OSSL_PROVIDER_unload(own_provider);
    OSSL_PROVIDER_unload(default_provider);
}

/* Once per process and for its whole life. */
static bool
provider_load(void)
{
    if (own_provider != NULL)
        return true;
    error_library = ERR_get_next_error_library();
    if (EVP_set_default_properties(NULL, "?" FROM_DEFAULT) != 1 ||
        OSSL_PROVIDER_add_builtin(NULL, PROVIDER, provider_init) != 1)
        return false;
    default_provider = OSSL_PROVIDER_load(NULL, "default");
    own_provider = OSSL_PROVIDER_load(NULL, PROVIDER);
    return default_provider != NULL && own_provider != NULL &&
        OPENSSL_atexit(on_exit_of_libcrypto) == 1;
}

void
key_provider_raise_not_signed(void)
{
    ERR_raise_data(error_library, NOT_SIGNED, "the key process did not sign");
}

bool
key_provider_is_error(unsigned long error)
{
    return error_library != 0 && ERR_GET_LIB(error) == error_library;
}

static EVP_PKEY *
wrap(const char *type, OSSL_PARAM *public, struct key_client *client)
{
    OSSL_PARAM extra[] = {
        OSSL_PARAM_construct_octet_string(CLIENT_PARAM, &client, sizeof client),
        OSSL_PARAM_construct_end(),
    };
    OSSL_PARAM *params = OSSL_PARAM_merge(public, extra);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, FROM_PROVIDER);
    EVP_PKEY *wrapped = NULL;

    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &wrapped, EVP_PKEY_KEYPAIR, params) != 1)
        wrapped = NULL;
    EVP_PKEY_CTX_free(context);
    OPENSSL_free(params); /* the array; what it points to is the callers' */
    return wrapped;
}

EVP_PKEY *
key_provider_wrap(struct key_client *client, EVP_PKEY *key)
{
    const char *type = EVP_PKEY_is_a(key, "RSA") ? "RSA"
        : EVP_PKEY_is_a(key, "EC")               ? "EC"
                                                 : NULL;
    OSSL_PARAM *public = NULL;
    EVP_PKEY *wrapped = NULL;

    if (type == NULL || !provider_load())
        return NULL;
    if (EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &public) == 1)
        wrapped = wrap(type, public, client);
    OSSL_PARAM_free(public);
    return wrapped;
}
