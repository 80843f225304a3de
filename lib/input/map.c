/* SPDX-License-Identifier: MIT */
/* map.c - a regular file as memory; see os.h and FLOWLOG_SOURCE_MAP for what that risks. */
#define _DEFAULT_SOURCE /* madvise */
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

/*
 * One byte of so much is read, and Linux maps all of it in one fault where it is in the page cache (fault_around_bytes,
 * 64 KiB unless changed).  Elsewhere pages come in as they are used, and this does no harm.  With MADV_POPULATE_READ,
 * which looks at each page once more, counting records of a mapped file took 8 % longer.
 */
enum { AROUND = 64 << 10 };

void flowlog__map_fetch(const uint8_t *data, size_t from, size_t len)
{
    const volatile uint8_t *p = data + from;
    for (size_t i = 0; i < len; i += AROUND) (void)p[i];
}

/* The mapping is private and never written to, so the file still has all of it. */
void flowlog__map_drop(const uint8_t *data, size_t from, size_t len)
{
    const int before = errno;
    (void)madvise((void *)(uintptr_t)(data + from), len, MADV_DONTNEED);
    errno = before;
}

void flowlog__unmap(const uint8_t *data, size_t len)
{
    if (data) (void)munmap((void *)(uintptr_t)data, len);
}
