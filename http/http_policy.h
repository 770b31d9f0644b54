/*
 * http/http_policy.h - the bounds that a message obeys. Filled by config/.
 */
#ifndef HTTP_HTTP_POLICY_H
#define HTTP_HTTP_POLICY_H

#include <stdint.h>

struct http_limits {
    uint32_t head_bytes;   /* start line and fields together, 1 KiB .. 256 KiB */
    uint32_t target_bytes; /* request target, 64 B .. 64 KiB */
    uint32_t fields;       /* how many, 8 .. 1000 */
    uint32_t name_bytes;   /* one field name */
    uint32_t value_bytes;  /* one field value */
    uint32_t chunk_line_bytes;
    uint32_t trailer_bytes; /* whole trailer section */
    uint32_t interims;      /* 1xx answers before the final one */
};

#define HTTP_LIMITS_DEFAULT                                                            \
    {                                                                                  \
        .head_bytes = 64 * 1024, .target_bytes = 16 * 1024, .fields = 100,             \
        .name_bytes = 128, .value_bytes = 48 * 1024, .chunk_line_bytes = 64,           \
        .trailer_bytes = 8 * 1024, .interims = 8                                       \
    }

#endif
