/* SPDX-License-Identifier: MIT */
/* map.c - a regular file as memory; see os.h and FLOWLOG_SOURCE_MAP for what that risks. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "input/os.h"

#include <errno.h>
#include <sys/mman.h>

const uint8_t *flowlog__map(int fd, uint64_t bytes, size_t *len)
{
    const int before = errno;
    if (!bytes || bytes > SIZE_MAX / 2) return NULL; /* 32 bits: no room for it */
    void *p = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    errno = before;
    if (p == MAP_FAILED) return NULL;
    (void)posix_madvise(p, (size_t)bytes, POSIX_MADV_SEQUENTIAL); /* advice: read ahead further */
    *len = (size_t)bytes;
    return p;
}

void flowlog__unmap(const uint8_t *data, size_t len)
{
    if (data) (void)munmap((void *)(uintptr_t)data, len);
}
