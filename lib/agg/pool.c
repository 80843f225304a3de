/* SPDX-License-Identifier: MIT */
/*
 * pool.c - blocks of 16 * 2^k bytes; see pool.h.
 *
 * A new block is what was given back of its class, else the next bytes of the last slab.  What a slab has left when
 * a block does not fit becomes free blocks of smaller classes, so that nothing but the rounding up is lost.
 */
#include "agg/pool.h"

#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"

enum { SMALLEST = 16, FIRST_SLAB = 4 << 10, LAST_SLAB = 4 << 20 };
#define BLOCK_MAX ((uint64_t)SMALLEST << (FL_POOL_CLASSES - 1))
_Static_assert(BLOCK_MAX < UINT64_C(1) << FL_POOL_OFFSET_BITS, "an offset fits into a handle");

void flowlog__pool_init(struct fl_pool *pool, const flowlog_alloc *alloc)
{
    memset(pool, 0, sizeof *pool);
    pool->alloc = *alloc;
    /* Where objects lie differs from run to run, and is not known to whoever writes the input. */
    pool->seed = fl_hash_u64((uint64_t)(uintptr_t)pool ^ fl_hash_u64((uint64_t)(uintptr_t)&alloc)) | 1;
}

/* Before a slab's first line stands what the allocator gave. */
static void *slab_memory(const uint8_t *slab)
{
    void *memory;
    memcpy(&memory, slab - sizeof memory, sizeof memory);
    return memory;
}

void flowlog__pool_free(struct fl_pool *pool)
{
    for (size_t i = 0; i < pool->slabs; i++)
        flowlog__release(&pool->alloc, slab_memory(pool->slab[i]), pool->slab_len[i]);
    flowlog__release(&pool->alloc, pool->slab, pool->slab_cap * sizeof *pool->slab);
    flowlog__release(&pool->alloc, pool->slab_len, pool->slab_cap * sizeof *pool->slab_len);
    const flowlog_alloc a = pool->alloc;
    flowlog__pool_init(pool, &a);
}

/* The class of a length: 16 << class is enough for it; FL_POOL_CLASSES: there is none. */
static unsigned class_of(size_t len)
{
    unsigned class = 0;
    while (class < FL_POOL_CLASSES && len > (uint64_t)SMALLEST << class) class++;
    return class;
}

static void put_free(struct fl_pool *pool, uint64_t handle, unsigned class)
{
    memcpy(fl_pool_at(pool, handle), &pool->free[class], sizeof pool->free[class]);
    pool->free[class] = handle;
}

/* Free blocks of what lies between two offsets of the last slab, both multiples of 16; as large as they may be. */
static void cut(struct fl_pool *pool, size_t from, size_t to)
{
    while (from < to) {
        size_t len = SMALLEST;
        unsigned class = 0;
        for (; len * 2 <= to - from && !(from % (len * 2 < FL_POOL_LINE ? len * 2 : FL_POOL_LINE)); class++) len *= 2;
        put_free(pool, (uint64_t)pool->slabs << FL_POOL_OFFSET_BITS | from, class);
        from += len;
    }
}

/* Room for one more slab in the lists. */
static int reserve_slab(struct fl_pool *pool)
{
    if (pool->slabs < pool->slab_cap) return 1;
    const size_t old = pool->slab_cap, cap = old ? old * 2 : 8;
    if (cap > SIZE_MAX / sizeof *pool->slab / 2) return 0;
    uint8_t **slab = flowlog__alloc_array(&pool->alloc, cap, sizeof *slab);
    size_t *len = flowlog__alloc_array(&pool->alloc, cap, sizeof *len);
    if (!slab || !len) {
        flowlog__release(&pool->alloc, slab, cap * sizeof *slab);
        flowlog__release(&pool->alloc, len, cap * sizeof *len);
        return 0;
    }
    if (old) {
        memcpy(slab, pool->slab, old * sizeof *slab);
        memcpy(len, pool->slab_len, old * sizeof *len);
    }
    flowlog__release(&pool->alloc, pool->slab, old * sizeof *slab);
    flowlog__release(&pool->alloc, pool->slab_len, old * sizeof *len);
    pool->slab = slab;
    pool->slab_len = len;
    pool->slab_cap = cap;
    return 1;
}

/* Slabs double, so that little is held for little, and end at a size of which half is not much. */
static int add_slab(struct fl_pool *pool, size_t block)
{
    if (!reserve_slab(pool)) return 0;
    size_t room = pool->slabs < 10 ? (size_t)FIRST_SLAB << pool->slabs : LAST_SLAB;
    if (room < block) room = block;
    if (room > SIZE_MAX - 2 * FL_POOL_LINE) return 0;
    const size_t len = room + FL_POOL_LINE + sizeof(void *);
    void *memory = flowlog__alloc(&pool->alloc, len);
    if (!memory) return 0;
    const size_t skip = sizeof memory
                        + (size_t)(-((uintptr_t)memory + sizeof memory) & (uintptr_t)(FL_POOL_LINE - 1));
    uint8_t *slab = (uint8_t *)memory + skip;
    memcpy(slab - sizeof memory, &memory, sizeof memory);
    if (pool->slabs) cut(pool, pool->used, pool->room);
    pool->slab[pool->slabs] = slab;
    pool->slab_len[pool->slabs++] = len;
    pool->used = 0;
    pool->room = room;
    pool->bytes += len;
    return 1;
}

uint64_t flowlog__pool_alloc(struct fl_pool *pool, size_t len)
{
    const unsigned class = class_of(len);
    if (class == FL_POOL_CLASSES) return 0;
    uint64_t handle = pool->free[class];
    if (handle) {
        memcpy(&pool->free[class], fl_pool_at(pool, handle), sizeof pool->free[class]);
        return handle;
    }
    if ((uint64_t)SMALLEST << class > SIZE_MAX / 2) return 0;
    const size_t block = (size_t)SMALLEST << class, line = block < FL_POOL_LINE ? block : FL_POOL_LINE;
    size_t from = (pool->used + line - 1) & ~(line - 1);
    if (from > pool->room || pool->room - from < block) {
        if (!add_slab(pool, block)) return 0;
        from = 0;
    }
    cut(pool, pool->used, from);
    pool->used = from + block;
    return (uint64_t)pool->slabs << FL_POOL_OFFSET_BITS | from;
}

void flowlog__pool_release(struct fl_pool *pool, uint64_t handle, size_t len)
{
    if (handle) put_free(pool, handle, class_of(len));
}
