/* SPDX-License-Identifier: MIT */
/* Blocks by handle: alignment, reuse, that none overlaps another, memory that runs out. */
#include <criterion/criterion.h>

#include "agg/pool.h"
#include "core/alloc.h"
#include "core/hash.h"
#include "support/alloc_count.h"

TestSuite(pool, .timeout = 30);

struct block {
    uint64_t handle;
    size_t len;
    uint8_t fill;
};

static void check(const struct fl_pool *pool, const struct block *b)
{
    const uint8_t *p = fl_pool_at(pool, b->handle);
    cr_assert_eq((uintptr_t)p % 16, 0);
    if (b->len > 32) cr_assert_eq((uintptr_t)p % FL_POOL_LINE, 0);
    for (size_t i = 0; i < b->len; i++) cr_assert_eq(p[i], b->fill);
}

static size_t length_of(uint64_t r) { return (size_t)(r >> 8) % ((size_t)1 << (r % 15)) + 1; }

Test(pool, blocks_keep_what_is_written_into_them)
{
    enum { BLOCKS = 400 };
    static struct block block[BLOCKS];
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct fl_pool pool;
    flowlog__pool_init(&pool, &a);
    for (uint64_t step = 0; step < 20000; step++) {
        const uint64_t r = fl_hash_u64(step + 1);
        struct block *b = &block[r % BLOCKS];
        if (b->handle) {
            check(&pool, b);
            flowlog__pool_release(&pool, b->handle, b->len);
            b->handle = 0;
        } else {
            *b = (struct block){.len = length_of(r >> 20), .fill = (uint8_t)step};
            b->handle = flowlog__pool_alloc(&pool, b->len);
            cr_assert(b->handle);
            memset(fl_pool_at(&pool, b->handle), b->fill, b->len);
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        if (block[i].handle) check(&pool, &block[i]);
    cr_expect_lt(pool.bytes, (size_t)8 << 20, "half of 400 blocks of at most 32 KiB: %zu", (size_t)pool.bytes);
    cr_expect_geq(pool.bytes, t.live_bytes - 2 * pool.slab_cap * sizeof(size_t));
    flowlog__pool_free(&pool);
    cr_expect(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0);
}

Test(pool, uses_again_what_was_given_back)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct fl_pool pool;
    flowlog__pool_init(&pool, &a);
    for (int round = 0; round < 100000; round++) {
        const size_t len = (size_t)16 << round % 12;
        const uint64_t handle = flowlog__pool_alloc(&pool, len);
        memset(fl_pool_at(&pool, handle), 1, len);
        flowlog__pool_release(&pool, handle, len);
    }
    cr_expect_lt(pool.bytes, (size_t)300 << 10);
    flowlog__pool_free(&pool);
    cr_expect(t.live_bytes == 0 && t.wrong_lengths == 0);
}

Test(pool, loses_nothing_between_blocks)
{
    const flowlog_alloc a = flowlog__alloc_or_default(NULL);
    struct fl_pool pool;
    flowlog__pool_init(&pool, &a);
    /* 16 and 64 by turns: the gaps before the lines are where the next small ones go. */
    for (int i = 0; i < 30000; i++) cr_assert(flowlog__pool_alloc(&pool, i % 4 ? 16 : 64));
    cr_expect_lt(pool.bytes, (uint64_t)30000 * 28 * 2, "%zu", (size_t)pool.bytes);
    uint64_t filled = 0;
    for (unsigned c = 0; c < FL_POOL_CLASSES; c++) filled += pool.free[c] != 0;
    cr_expect_leq(filled, 8);
    flowlog__pool_free(&pool);
}

Test(pool, has_one_block_larger_than_all_slabs)
{
    struct test_alloc t;
    const flowlog_alloc a = test_alloc_init(&t, 0);
    struct fl_pool pool;
    flowlog__pool_init(&pool, &a);
    const size_t len = ((size_t)16 << 20) + 1;
    const uint64_t small = flowlog__pool_alloc(&pool, 1), big = flowlog__pool_alloc(&pool, len),
                   next = flowlog__pool_alloc(&pool, 1);
    cr_assert(small && big && next);
    memset(fl_pool_at(&pool, small), 1, 16);
    memset(fl_pool_at(&pool, next), 3, 16);
    memset(fl_pool_at(&pool, big), 2, len);
    cr_expect_eq(*(uint8_t *)fl_pool_at(&pool, small), 1);
    cr_expect_eq(*(uint8_t *)fl_pool_at(&pool, next), 3);
    cr_expect_eq(flowlog__pool_alloc(&pool, SIZE_MAX), 0);
    cr_expect_eq(flowlog__pool_alloc(&pool, (size_t)1 << (sizeof(size_t) * 8 - 1)), 0);
    flowlog__pool_release(&pool, 0, 77);
    flowlog__pool_free(&pool);
    cr_expect(t.live_bytes == 0 && t.wrong_lengths == 0);
}

Test(pool, goes_on_after_memory_ran_out)
{
    for (size_t fail = 1; fail < 12; fail++) {
        struct test_alloc t;
        const flowlog_alloc a = test_alloc_init(&t, fail);
        struct fl_pool pool;
        flowlog__pool_init(&pool, &a);
        int none = 0;
        for (int i = 0; i < 600; i++) {
            const uint64_t handle = flowlog__pool_alloc(&pool, 48);
            if (handle) memset(fl_pool_at(&pool, handle), i, 48);
            else none++;
        }
        cr_expect_leq(none, 1);
        if (fail < 5) cr_expect_eq(none, 1, "request %zu", fail);
        flowlog__pool_free(&pool);
        cr_expect(t.live_bytes == 0 && t.live_blocks == 0 && t.wrong_lengths == 0);
    }
}
