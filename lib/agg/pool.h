/* SPDX-License-Identifier: MIT */
/*
 * agg/pool.h - memory for states that do not fit into words: blocks of 16 * 2^k bytes by handle.
 *
 * Blocks are cut from large slabs and, given back, used again for blocks of their size.  They do not move: handles
 * and pointers are valid until the block is released.  Freed as a whole.
 */
#ifndef FL_AGG_POOL_H
#define FL_AGG_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"
#include "flowlog/base.h"

enum {
    FL_POOL_CLASSES = 36,     /* 16 bytes to 2^39: a block has its place in a slab */
    FL_POOL_OFFSET_BITS = 40, /* of a handle: slab + 1, offset in it */
    FL_POOL_LINE = 64         /* blocks of so many bytes and more begin at a cache line */
};

struct fl_pool {
    flowlog_alloc alloc;
    uint8_t **slab;     /* [slabs], each beginning at a cache line */
    size_t *slab_len;   /* bytes asked of the allocator */
    size_t slabs, slab_cap;
    size_t used, room;  /* of the last slab */
    uint64_t free[FL_POOL_CLASSES]; /* handle of the first free block of a class; 0: none */
    uint64_t bytes;     /* held from the allocator */
    uint64_t seed;      /* odd, for tables in blocks (slots.h); nothing that is given out depends on it */
};

void flowlog__pool_init(struct fl_pool *pool, const flowlog_alloc *alloc);
void flowlog__pool_free(struct fl_pool *pool);

/* A block of at least `len` bytes, not cleared, 16-byte aligned; 0 when there is no memory. */
uint64_t flowlog__pool_alloc(struct fl_pool *pool, size_t len);
/* `len` as it was asked for; a handle of 0 is nothing. */
void flowlog__pool_release(struct fl_pool *pool, uint64_t handle, size_t len);

FL_INLINE void *fl_pool_at(const struct fl_pool *pool, uint64_t handle)
{
    return pool->slab[(size_t)(handle >> FL_POOL_OFFSET_BITS) - 1]
           + (size_t)(handle & ((UINT64_C(1) << FL_POOL_OFFSET_BITS) - 1));
}

#endif
