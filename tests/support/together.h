/* SPDX-License-Identifier: MIT */
/*
 * support/together.h - what tests of reading by several threads share: sources of memory and files, gzip, and an
 * allocator that may be called from all of them.  Needs zlib, and read_logs.h before it.
 */
#ifndef TEST_TOGETHER_H
#define TEST_TOGETHER_H

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <zlib.h>

static inline flowlog_source *memory_source(const struct text *t)
{
    flowlog_source *source;
    cr_assert_eq(flowlog_source_memory(t->p, t->n, "memory", NULL, &source, NULL), FLOWLOG_OK);
    return source;
}

static inline void write_file(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(p, 1, n, f) == n && !fclose(f));
}

static inline flowlog_source *path_source(const char *path, uint32_t flags)
{
    flowlog_source *source;
    cr_assert_eq(flowlog_source_paths(&path, 1, flags, NULL, &source, NULL), FLOWLOG_OK);
    return source;
}

static inline void compress_text(const struct text *t, size_t members, struct text *out)
{
    text_clear(out);
    for (size_t m = 0; m < members; m++) {
        const size_t from = t->n / members * m, to = m + 1 < members ? t->n / members * (m + 1) : t->n;
        z_stream z = {0};
        cr_assert_eq(deflateInit2(&z, 1 + (int)rnd(9), Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        const size_t bound = deflateBound(&z, to - from) + 64;
        uint8_t *packed = malloc(bound);
        z.next_in = (Bytef *)(uintptr_t)(t->p + from);
        z.avail_in = (uInt)(to - from);
        z.next_out = packed;
        z.avail_out = (uInt)bound;
        cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
        text_add(out, packed, bound - z.avail_out);
        deflateEnd(&z);
        free(packed);
    }
}

/* Fails the request `fail_at`, once; 0: never. */
struct shared_alloc {
    atomic_size_t requests, live;
    size_t fail_at;
};

static inline void *shared_get(void *ctx, size_t len)
{
    struct shared_alloc *s = ctx;
    if (atomic_fetch_add(&s->requests, 1) + 1 == s->fail_at) return NULL;
    void *p = malloc(len);
    if (p) atomic_fetch_add(&s->live, len);
    return p;
}

static inline void shared_put(void *ctx, void *p, size_t len)
{
    struct shared_alloc *s = ctx;
    if (!p) return;
    atomic_fetch_sub(&s->live, len);
    free(p);
}

static inline void *shared_resize(void *ctx, void *p, size_t old_len, size_t new_len)
{
    void *q = shared_get(ctx, new_len);
    if (!q) return NULL;
    memcpy(q, p, old_len < new_len ? old_len : new_len);
    shared_put(ctx, p, old_len);
    return q;
}

#endif
