/* SPDX-License-Identifier: MIT */
/*
 * support/guard.h - buffers whose first or last byte touches an unmapped page, so that one byte read
 * too far is a crash and not a coincidence.
 */
#ifndef TEST_GUARD_H
#define TEST_GUARD_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
    void *base;
    size_t len;
    uint8_t *p; /* n bytes */
};

static struct guard guard_make(const void *src, size_t n, int at_end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (n / page + 1) * page;
    uint8_t *m = mmap(NULL, body + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED || mprotect(m + page, body, PROT_READ | PROT_WRITE)) _exit(77);
    struct guard g = {m, body + 2 * page, at_end ? m + page + body - n : m + page};
    if (n && src) memcpy(g.p, src, n);
    return g;
}

/* A copy of src whose byte n would be on an unmapped page. */
static inline struct guard guard_end(const void *src, size_t n) { return guard_make(src, n, 1); }
/* A copy of src whose byte -1 would be on an unmapped page. */
static inline struct guard guard_start(const void *src, size_t n) { return guard_make(src, n, 0); }

static inline void guard_free(struct guard *g) { munmap(g->base, g->len); }

#endif
