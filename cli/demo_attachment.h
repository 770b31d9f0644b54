/*
 * cli/demo_attachment.h - the one attachment of the demonstration: a mebibyte
 * that looks random and is the same in every run, so that anybody can tell
 * whether it came through unharmed.
 */
#ifndef CLI_DEMO_ATTACHMENT_H
#define CLI_DEMO_ATTACHMENT_H

#include <stddef.h>
#include <stdint.h>

#define DEMO_ATTACHMENT_NAME "boathouse-plan.bin"
#define DEMO_ATTACHMENT_BYTES ((uint64_t)1024 * 1024)

/* Lower-case hex of a SHA-256, and its NUL. */
#define DEMO_SHA256_TEXT 65

/* Writes the bytes [offset, offset + bytes) of the attachment to `to`. */
void demo_attachment_read(uint64_t offset, void *to, size_t bytes);

/* The SHA-256 of the whole as lower-case hex. */
void demo_attachment_sha256(char text[DEMO_SHA256_TEXT]);

/* Any digest of 32 bytes as lower-case hex. */
void demo_sha256_print(const unsigned char digest[32], char text[DEMO_SHA256_TEXT]);

#endif
