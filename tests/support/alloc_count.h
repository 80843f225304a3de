/* SPDX-License-Identifier: MIT */
/*
 * support/alloc_count.h - an allocator that counts, that can fail the n-th request, and that checks
 * that every length given back is the length that was asked for.
 *
 *     struct test_alloc t;
 *     flowlog_alloc a = test_alloc_init(&t, 0);      0: never fail; n: fail the n-th request, once
 *     ... use &a ...
 *     t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0
 */
#ifndef TEST_ALLOC_COUNT_H
#define TEST_ALLOC_COUNT_H

#include <stdlib.h>
#include <string.h>

#include "flowlog/base.h"

struct test_alloc {
    size_t live_bytes, live_blocks, requests, fail_at, wrong_lengths, peak_bytes;
};

static void *test_alloc_get(void *ctx, size_t len)
{
    struct test_alloc *t = ctx;
    if (++t->requests == t->fail_at) return NULL;
    size_t *p = malloc(sizeof(max_align_t) * 2 + len);
    if (!p) return NULL;
    *p = len;
    t->live_bytes += len;
    t->live_blocks++;
    if (t->live_bytes > t->peak_bytes) t->peak_bytes = t->live_bytes;
    memset((char *)p + sizeof(max_align_t) * 2, 0xA5, len); /* so that nobody relies on zeros */
    return (char *)p + sizeof(max_align_t) * 2;
}

static void test_alloc_put(void *ctx, void *q, size_t len)
{
    struct test_alloc *t = ctx;
    if (!q) return;
    size_t *p = (size_t *)(void *)((char *)q - sizeof(max_align_t) * 2);
    if (*p != len) t->wrong_lengths++;
    t->live_bytes -= *p;
    t->live_blocks--;
    free(p);
}

static void *test_alloc_resize(void *ctx, void *q, size_t old_len, size_t new_len)
{
    void *n = test_alloc_get(ctx, new_len);
    if (!n) return NULL;
    memcpy(n, q, old_len < new_len ? old_len : new_len);
    test_alloc_put(ctx, q, old_len);
    return n;
}

static inline flowlog_alloc test_alloc_init(struct test_alloc *t, size_t fail_at)
{
    memset(t, 0, sizeof *t);
    t->fail_at = fail_at;
    return (flowlog_alloc){test_alloc_get, test_alloc_resize, test_alloc_put, t};
}

#endif
