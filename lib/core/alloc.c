/* SPDX-License-Identifier: MIT */
/* alloc.c - see alloc.h.  Lengths travel with every call, so that a caller's allocator needs no headers. */
#include "core/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *libc_alloc(void *ctx, size_t len)
{
    (void)ctx;
    return malloc(len);
}

static void *libc_resize(void *ctx, void *p, size_t old_len, size_t new_len)
{
    (void)ctx;
    (void)old_len;
    return realloc(p, new_len);
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
