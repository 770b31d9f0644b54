/*
 * proxy/machine.h - what this machine, or the part of it that we may use, has.
 */
#ifndef PROXY_MACHINE_H
#define PROXY_MACHINE_H

#include <stdint.h>

/*
 * Bytes of memory: the machine's, or less when a control group of this process says so
 * (memory.max of version 2, memory.limit_in_bytes of version 1, the group's own and those
 * around it). `root` stands in front of /proc and /sys, "" outside of tests.
 */
uint64_t machine_memory(const char *root);

/*
 * What the buffers of so many workers may take when nobody says: half of that memory, and
 * at least 4 MiB each. With less their spare chunks alone could be the ceiling, for good.
 */
uint64_t machine_buffers(const char *root, unsigned workers);

#endif
