/*
 * tests/fuzz/fuzz_event.c - what a worker in the hands of an enemy sends to logd.
 *
 * Whatever the bytes are: either they are refused, or they become one line of
 * printable text that is no longer than a line may be.
 */
#include <stddef.h>
#include <stdint.h>

#include "log/ecs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ecs *ecs;
    struct event_view view;
    char line[ECS_LINE_BYTES];

    if (!event_read(bytes_of(data, size), &view))
        return 0;
    if (ecs == NULL)
        ecs = ecs_new();

    size_t length = ecs_write(ecs, &view, line);

    require(length > 2 && length <= ECS_LINE_BYTES && line[0] == '{');
    require(line[length - 2] == '}' && line[length - 1] == '\n');
    for (size_t i = 0; i < length - 1; i++)
        require((uint8_t)line[i] >= ' ' && line[i] != 0x7f);
    return 0;
}
