/*
 * cli/demo_attachment.c - bytes from a counter, not from a file.
 *
 * Each eight bytes are a mix of their own position (Steele, Lea and Flood,
 * "Fast splittable pseudorandom number generators", 2014), so any part can be
 * made without the parts before it. Owns nothing.
 */
#include "cli/demo_attachment.h"

#include <stdio.h>

#include <openssl/evp.h>

#include "base/require.h"

static uint64_t
splitmix64(uint64_t position)
{
    uint64_t z = (position + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void
demo_attachment_read(uint64_t offset, void *to, size_t bytes)
{
    unsigned char *out = to;

    for (size_t i = 0; i < bytes; i++) {
        uint64_t at = offset + i;

        out[i] = (unsigned char)(splitmix64(at / 8) >> (at % 8 * 8));
    }
}

void
demo_sha256_print(const unsigned char digest[32], char text[DEMO_SHA256_TEXT])
{
    for (int i = 0; i < 32; i++)
        snprintf(text + (ptrdiff_t)2 * i, 3, "%02x", digest[i]);
}

void
demo_attachment_sha256(char text[DEMO_SHA256_TEXT])
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    unsigned char part[4096], digest[EVP_MAX_MD_SIZE];

    require(hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1);
    for (uint64_t at = 0; at < DEMO_ATTACHMENT_BYTES; at += sizeof part) {
        demo_attachment_read(at, part, sizeof part);
        require(EVP_DigestUpdate(hash, part, sizeof part) == 1);
    }
    require(EVP_DigestFinal_ex(hash, digest, NULL) == 1);
    EVP_MD_CTX_free(hash);
    demo_sha256_print(digest, text);
}
