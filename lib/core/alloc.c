/* SPDX-License-Identifier: MIT */
/*
 * alloc.c - see alloc.h.  Lengths travel with every call, so that a caller's allocator needs no headers.
 *
 * Blocks as large as tables of millions of groups are in, which are read at random, are asked of Linux in huge pages:
 * with those of 4 KiB finding a page's place takes longer than fetching what lies there (three keys with 4 million
 * groups: a fifth less time).  Only advice, and errno stays as it was.
 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "core/alloc.h"

#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <errno.h>
#include <sys/mman.h>
#endif

static void *advised(void *p, size_t len)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    enum { LARGE = 4 << 20, PAGE = 4096 };
    if (p && len >= LARGE) { /* all pages of the block, so that they stay one mapping, which can be moved */
        const int before = errno;
        const uintptr_t from = (uintptr_t)p & ~(uintptr_t)(PAGE - 1);
        const uintptr_t to = ((uintptr_t)p + len + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
        errno = before;
    }
#else
    (void)len;
#endif
    return p;
}

static void *libc_alloc(void *ctx, size_t len)
{
    (void)ctx;
    return advised(malloc(len), len);
}

static void *libc_resize(void *ctx, void *p, size_t old_len, size_t new_len)
{
    (void)ctx;
    (void)old_len;
    return advised(realloc(p, new_len), new_len);
}

static void libc_release(void *ctx, void *p, size_t len)
{
    (void)ctx;
    (void)len;
    free(p);
}

flowlog_alloc flowlog__alloc_or_default(const flowlog_alloc *user)
{
    static const flowlog_alloc libc_functions = {libc_alloc, libc_resize, libc_release, NULL};
    return user ? *user : libc_functions;
}

void *flowlog__alloc(const flowlog_alloc *a, size_t len)
{
    return len ? a->alloc(a->ctx, len) : NULL;
}

void *flowlog__alloc_zero(const flowlog_alloc *a, size_t len)
{
    if (len && a->alloc == libc_alloc) return advised(calloc(1, len), len); /* pages of the system are zero already */
    void *p = flowlog__alloc(a, len);
    if (p) memset(p, 0, len);
    return p;
}

void *flowlog__alloc_array(const flowlog_alloc *a, size_t count, size_t size)
{
    return size && count > SIZE_MAX / size ? NULL : flowlog__alloc(a, count * size);
}

void *flowlog__resize(const flowlog_alloc *a, void *p, size_t old_len, size_t new_len)
{
    if (!new_len) return NULL;
    return p ? a->resize(a->ctx, p, old_len, new_len) : a->alloc(a->ctx, new_len);
}

void flowlog__release(const flowlog_alloc *a, void *p, size_t len)
{
    if (p) a->release(a->ctx, p, len);
}
