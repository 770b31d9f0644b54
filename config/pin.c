/*
 * config/pin.c - reading and writing fingerprints.
 *
 * Tools show them in many ways: openssl x509 -fingerprint in hexadecimal with colons,
 * browsers in hexadecimal, RFC 7469 in base64. Windows shows SHA-1, which is no proof.
 */
#include "config/pin.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "sha256/"
#define BASE64_CHARACTERS ((size_t)44)

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many bytes the text means; 0 when it is not hexadecimal. `to` gets the first ones. */
static size_t
read_hex(const char *text, struct tls_pin *to)
{
    size_t count = 0;

    while (*text != '\0') {
        int high = hex_value(text[0]);
        int low = high < 0 ? -1 : hex_value(text[1]);

        if (low < 0)
            return 0;
        if (count < sizeof(to->sha256))
            to->sha256[count] = (unsigned char)(high << 4 | low);
        count++;
        text += text[2] == ':' && text[3] != '\0' ? 3 : 2;
    }
    return count;
}

/* 32 bytes are 43 characters and one "=": nothing else. */
static bool
read_base64(const char *text, struct tls_pin *to)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char bytes[33 + 1];

    if (strlen(text) != BASE64_CHARACTERS || strspn(text, alphabet) != 43 ||
        text[43] != '=')
        return false;
    if (EVP_DecodeBlock(bytes, (const unsigned char *)text, BASE64_CHARACTERS) != 33)
        return false;
    memcpy(to->sha256, bytes, sizeof(to->sha256));
    return true;
}

const char *
pin_read(const char *text, struct tls_pin *pin)
{
    bool has_prefix = strncmp(text, PREFIX, strlen(PREFIX)) == 0;
    const char *value = has_prefix ? text + strlen(PREFIX) : text;
    size_t bytes = read_hex(value, pin);

    if (bytes == 20)
        return "that is a SHA-1 thumbprint; SHA-256 is needed: openssl x509 -in FILE "
               "-noout -fingerprint -sha256";
    if (bytes != sizeof(pin->sha256) && !read_base64(value, pin))
        return "write sha256/ and the SHA-256 of the certificate, or of its public "
               "key, "
               "in base64 or hexadecimal: openssl x509 -in FILE -noout -fingerprint "
               "-sha256";
    return has_prefix ? NULL : "write sha256/ before it";
}

const char *
pin_print(const struct tls_pin *pin, char text[PIN_TEXT_BYTES])
{
    size_t length = strlen(PREFIX);

    memcpy(text, PREFIX, length);
    EVP_EncodeBlock((unsigned char *)text + length, pin->sha256, sizeof(pin->sha256));
    return text;
}

const char *
pin_print_hex(const struct tls_pin *pin, char text[PIN_TEXT_BYTES])
{
    for (size_t i = 0; i < sizeof(pin->sha256); i++)
        snprintf(text + 3 * i, PIN_TEXT_BYTES - 3 * i, "%02X%s", pin->sha256[i],
            i + 1 < sizeof(pin->sha256) ? ":" : "");
    return text;
}

bool
pin_of_certificate(X509 *certificate, struct tls_pin *pin)
{
    return X509_digest(certificate, EVP_sha256(), pin->sha256, NULL) == 1;
}
